package dev.fusedio.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.ring.Fault;
import dev.fusedio.ring.SimulatedFaults;
import dev.fusedio.ring.Sqe;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Seeds;
import dev.fusedio.sys.SystemCallException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class CoreLoopTest {
    private SimulatedLoop fixture;
    private CoreLoop loop;
    private final List<String> events = new ArrayList<>();

    @BeforeEach
    void open() throws SystemCallException {
        fixture = new SimulatedLoop(1, SimulatedFaults.none());
        loop = fixture.loop();
    }

    @AfterEach
    void close() {
        fixture.close();
    }

    @Test
    void completionsReachTheirOwnersByTag() {
        final int slot =
                loop.register((CompletionHandler) (tag, result, flags) -> events.add("a" + tag + "=" + result));
        final int other =
                loop.register((CompletionHandler) (tag, result, flags) -> events.add("b" + tag + "=" + result));
        Sqe.nop(loop.driver().sqe(), loop.userData(slot, 3));
        Sqe.nop(loop.driver().sqe(), loop.userData(other, 4));
        Sqe.fdatasync(loop.driver().sqe(), 999_999_999, 0, loop.userData(slot, 5));
        fixture.run();
        assertThat(events).containsExactly("a3=0", "b4=0", "a5=" + -Errno.EBADF);
    }

    @Test
    void completionsOfAReleasedSlotAreDropped() {
        final int slot = loop.register((CompletionHandler) (tag, result, flags) -> events.add("late"));
        Sqe.nop(loop.driver().sqe(), loop.userData(slot, 0));
        loop.release(slot);
        final int next = loop.register((CompletionHandler) (tag, result, flags) -> events.add("next"));
        assertThat(next).isEqualTo(slot);
        fixture.run();
        assertThat(events).isEmpty();
    }

    @Test
    void anotherThreadIsGivenNoSlot() {
        final CompletableFuture<Integer> elsewhere =
                CompletableFuture.supplyAsync(() -> loop.register((CompletionHandler) (tag, result, flags) -> {}));
        assertThat(elsewhere)
                .failsWithin(Duration.ofSeconds(10))
                .withThrowableThat()
                .havingRootCause()
                .isInstanceOf(IllegalStateException.class)
                .withMessageStartingWith("a core loop was used by thread");
    }

    @Test
    void deferredWorkRunsAtTheEndOfTheRound() {
        final int slot = loop.register((CompletionHandler) (tag, result, flags) -> {
            events.add("completion " + tag);
            if (tag == 1) {
                loop.defer(() -> {
                    events.add("deferred");
                    loop.defer(() -> events.add("deferred again"));
                });
            }
        });
        Sqe.nop(loop.driver().sqe(), loop.userData(slot, 1));
        Sqe.nop(loop.driver().sqe(), loop.userData(slot, 2));
        fixture.runOnce();
        assertThat(events).containsExactly("completion 1", "completion 2", "deferred", "deferred again");
    }

    @Test
    void mailIsTakenInOrderAndInPortions() {
        for (int i = 0; i < 64; i++) {
            final int number = i;
            assertThat(loop.execute(() -> {
                        events.add("mail " + number);
                        loop.execute(() -> events.add("more " + number));
                    }))
                    .isTrue();
        }
        assertThat(loop.execute(() -> events.add("too much"))).isFalse();
        fixture.runOnce();
        assertThat(events).hasSize(64).startsWith("mail 0", "mail 1").doesNotContain("more 0");
        fixture.runOnce();
        assertThat(events).hasSize(128).contains("more 63").doesNotContain("too much");
    }

    @Test
    void timersFireWhenTheyAreDue() {
        for (final long delay : new long[] {30, 10, 20}) {
            final long due = loop.now() + delay;
            loop.timers().schedule(timer(() -> events.add("after " + delay)), due);
        }
        fixture.run();
        assertThat(events).isEmpty();
        fixture.time().advance(15);
        fixture.runOnce();
        assertThat(events).containsExactly("after 10");
        fixture.runFor(100);
        assertThat(events).containsExactly("after 10", "after 20", "after 30");
        assertThat(loop.now()).isEqualTo(fixture.time().nanos()).isEqualTo(loop.preciseNow());
    }

    @Test
    @DisplayName("fault 10: after a pause completions come before the timers, and the time of the pause doesn't count")
    void aPauseIsNoTime() {
        final long begin = loop.now();
        final long second = 1_000_000_000;
        loop.timers().schedule(timer(() -> events.add("deadline")), begin + 30 * second);
        final int slot = loop.register((CompletionHandler) (tag, result, flags) -> events.add("completion"));
        Sqe.nop(loop.driver().sqe(), loop.userData(slot, 0));
        fixture.time().advance(35 * second); // stopped while the completion came
        fixture.run();
        assertThat(events).containsExactly("completion");
        assertThat(loop.now() - begin).isLessThan(second);
        fixture.runFor(29 * second);
        assertThat(events).containsExactly("completion");
        fixture.runFor(2 * second);
        assertThat(events).containsExactly("completion", "deadline");
    }

    @Test
    @DisplayName("fault 10: what is due together comes in the order completion, timer")
    void completionsComeBeforeTimers() {
        loop.timers().schedule(timer(() -> events.add("deadline")), loop.now() + 10);
        final int slot = loop.register((CompletionHandler) (tag, result, flags) -> events.add("completion"));
        Sqe.nop(loop.driver().sqe(), loop.userData(slot, 0));
        fixture.time().advance(20);
        fixture.run();
        assertThat(events).containsExactly("completion", "deadline");
    }

    @Test
    @DisplayName("fault 20: whoever a turn, a deferred task, a timer or mail was run for is told that it threw")
    void ownersAreTold() {
        final class Thrower extends Timer implements Turn, Deferred, Runnable {
            private final String what;

            private Thrower(final String what) {
                this.what = what;
            }

            private void fail() {
                throw new IllegalStateException(what);
            }

            @Override
            public void onTurn() {
                fail();
            }

            @Override
            public void onRoundEnd() {
                fail();
            }

            @Override
            protected void expired() {
                fail();
            }

            @Override
            public void run() {
                fail();
            }

            @Override
            public void onFailure(final RuntimeException e) {
                events.add(what + " was told " + e.getMessage());
            }
        }
        loop.execute(new Thrower("mail"));
        loop.enqueue(new Thrower("turn"));
        loop.defer(new Thrower("deferred"));
        loop.timers().schedule(new Thrower("timer"), loop.now());
        loop.timers().schedule(timer(() -> events.add("the next timer")), loop.now());
        loop.runOnce(false);
        assertThat(fixture.takeErrors()).hasSize(4);
        assertThat(events)
                .containsExactlyInAnyOrder(
                        "mail was told mail",
                        "turn was told turn",
                        "deferred was told deferred",
                        "timer was told timer",
                        "the next timer");
    }

    private static Timer timer(final Runnable action) {
        return new Timer() {
            @Override
            protected void expired() {
                action.run();
            }
        };
    }

    @Test
    void sleepsUntilTheNextTimer() {
        final long begin = fixture.time().nanos();
        loop.timers().schedule(timer(() -> events.add("timer")), begin + 5000);
        loop.runOnce(true);
        assertThat(fixture.time().nanos()).isEqualTo(begin + 5000);
        assertThat(events).containsExactly("timer");
    }

    @Test
    void doesNotSleepWhileWorkWaits() {
        final long begin = fixture.time().nanos();
        loop.timers().schedule(timer(() -> events.add("timer")), begin + 5000);
        for (int i = 0; i < 64; i++) {
            loop.execute(() -> loop.execute(() -> events.add("mail")));
        }
        loop.runOnce(true); // takes the first portion; the second is there by then
        assertThat(fixture.time().nanos()).isEqualTo(begin);
        loop.runOnce(true);
        assertThat(events).hasSize(65).contains("mail", "timer");
        assertThat(fixture.time().nanos()).isEqualTo(begin + 5000);
    }

    @Test
    void exceptionsOfHandlersAreReportedAndTheLoopGoesOn() {
        final List<String> thrown = List.of("mail", "deferred", "completion", "timer", "second timer");
        loop.execute(() -> fail("mail"));
        loop.defer(() -> fail("deferred"));
        final int slot = loop.register((CompletionHandler) (tag, result, flags) -> fail("completion"));
        Sqe.nop(loop.driver().sqe(), loop.userData(slot, 0));
        loop.timers().schedule(timer(() -> fail("timer")), loop.now());
        loop.timers().schedule(timer(() -> fail("second timer")), loop.now());
        for (int i = 0; i < 3; i++) {
            loop.runOnce(false);
        }
        assertThat(fixture.takeErrors()).extracting(Throwable::getMessage).containsExactlyInAnyOrderElementsOf(thrown);
        loop.execute(() -> events.add("alive"));
        fixture.runOnce();
        assertThat(events).containsExactly("alive");
    }

    private static void fail(final String what) {
        throw new IllegalStateException(what);
    }

    @Test
    void theWakeUpIsArmedAgainWhateverItsReadSays() {
        Seeds.forEach(200, seed -> {
            final SimulatedFaults faults = SimulatedFaults.benign(seed).with(Fault.SPURIOUS_WAKE_UP, 500);
            try (SimulatedLoop woken = new SimulatedLoop(seed, faults)) {
                for (int i = 0; i < 100; i++) {
                    woken.runOnce();
                }
                assertThat(woken.ring().inFlight() + woken.ring().pending()).isBetween(0, 1);
                assertThat(woken.ring().completions()).isPositive();
                woken.run();
            }
        });
    }

    /** A tiny completion queue, chains of further work, late and reordered completions: each comes once. */
    @Test
    void everyCompletionComesOnce() {
        Seeds.forEach(1000, CoreLoopTest::countCompletions);
    }

    private static void countCompletions(final long seed) throws SystemCallException {
        final SplittableRandom random = new SplittableRandom(seed);
        final int total = 1 + random.nextInt(500);
        final int[] seen = new int[total];
        try (SimulatedLoop fixture = new SimulatedLoop(seed, SimulatedFaults.benign(seed))) {
            final CoreLoop loop = fixture.loop();
            final int[] next = {0};
            final int[] slot = new int[1];
            slot[0] = loop.register((CompletionHandler) (tag, result, flags) -> {
                seen[tag]++;
                for (int i = random.nextInt(4); i > 0 && next[0] < total; i--) {
                    Sqe.nop(loop.driver().sqe(), loop.userData(slot[0], next[0]++));
                }
            });
            while (next[0] < total) {
                Sqe.nop(loop.driver().sqe(), loop.userData(slot[0], next[0]++));
                fixture.run();
            }
            fixture.run();
            assertThat(seen).containsOnly(1);
            final LoopSnapshot snapshot = loop.snapshot();
            assertThat(snapshot.submissions()).isEqualTo(fixture.ring().submissions());
            assertThat(snapshot.completions()).isGreaterThanOrEqualTo(total);
            assertThat(snapshot.overflows()).isEqualTo(fixture.ring().overflows());
        }
    }

    @Test
    void countsWhatItIsTold() {
        loop.countRequest();
        loop.countRequest();
        loop.countBorrowed(100);
        loop.countCopied(7);
        loop.slab().lease(5000);
        fixture.runOnce();
        final LoopSnapshot snapshot = loop.snapshot();
        assertThat(snapshot.requests()).isEqualTo(2);
        assertThat(snapshot.borrowedBytes()).isEqualTo(100);
        assertThat(snapshot.copiedBytes()).isEqualTo(7);
        assertThat(snapshot.leasedBytes()).isEqualTo(8192);
        assertThat(snapshot.slabBytes()).isEqualTo(loop.slab().length());
        assertThat(snapshot.enters()).isPositive();
        assertThat(snapshot.core()).isZero();
        assertThat(loop.inLoop()).isTrue();
    }
}
