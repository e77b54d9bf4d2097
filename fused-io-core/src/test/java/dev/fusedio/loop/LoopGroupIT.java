package dev.fusedio.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.fusedio.ring.RingUnavailableException;
import dev.fusedio.sys.Affinity;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Loops on threads of their own, over the kernel's rings. */
class LoopGroupIT {
    /** Not a measure of speed: a test that waits so long is stuck. */
    private static final long STUCK_SECONDS = 30;

    private final BlockingQueue<Throwable> errors = new ArrayBlockingQueue<>(100);
    private LoopGroup group;

    private static LoopConfig config(final boolean pin) {
        final int core = Affinity.allowed().getFirst();
        return new LoopConfig(List.of(core, core), pin, 64, 2 << 20, 16, 65536, 64);
    }

    @BeforeEach
    void start() throws IOException {
        try {
            group = LoopGroup.start(config(false), errors::add);
        } catch (final RingUnavailableException e) {
            abort("skipped: " + e.getMessage());
        }
    }

    @AfterEach
    void stop() {
        if (group != null) {
            group.close();
            assertThat(group.isRunning()).isFalse();
        }
    }

    private static void await(final CountDownLatch latch) throws InterruptedException {
        assertThat(latch.await(STUCK_SECONDS, TimeUnit.SECONDS)).as("woken up").isTrue();
    }

    @ParameterizedTest
    @ValueSource(classes = {StackOverflowError.class, OutOfMemoryError.class, AssertionError.class})
    @DisplayName("fault 3: an Error ends its loop, which everybody sees, and which takes part in nothing more")
    void anErrorEndsItsLoop(final Class<? extends Error> kind) throws Exception {
        final Error error = kind.getDeclaredConstructor().newInstance();
        final CoreLoop broken = group.loops().getFirst();
        final CoreLoop sound = group.loops().getLast();
        final CountDownLatch told = new CountDownLatch(1);
        assertThat(broken.execute(() -> broken.register(new Completable() {
                    @Override
                    public void onCompletion(final int tag, final int result, final int flags) {
                        // none comes
                    }

                    @Override
                    public void onFailure(final RuntimeException e) {
                        // no exception
                    }

                    @Override
                    public void onLoopEnd() {
                        told.countDown();
                    }
                })))
                .isTrue();
        assertThat(broken.execute(() -> {
                    throw error;
                }))
                .isTrue();

        group.awaitFailure();

        await(told);
        assertThat(group.failed().toCompletableFuture().get()).isSameAs(error);
        assertThat(group.isRunning()).isFalse();
        assertThat(broken.hasEnded()).isTrue();
        assertThat(broken.execute(() -> {})).isFalse();
        assertThat(broken.post(() -> {})).as("does not wait for ever").isFalse();
        for (int i = 0; i < 10; i++) {
            assertThat(group.next()).isSameAs(sound);
        }
        final CountDownLatch done = new CountDownLatch(1);
        assertThat(sound.post(done::countDown)).isTrue();
        await(done);
        assertThat(errors.poll(STUCK_SECONDS, TimeUnit.SECONDS))
                .isInstanceOf(IllegalStateException.class)
                .hasCause(error);
    }

    @Test
    @DisplayName("fault 3: a post that waits for room in a mailbox ends with its loop")
    void aPostThatWaitsEndsWithItsLoop() throws Exception {
        final CoreLoop broken = group.loops().getFirst();
        final CountDownLatch full = new CountDownLatch(1);
        assertThat(broken.execute(() -> {
                    try {
                        await(full);
                    } catch (final InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                    throw new StackOverflowError();
                }))
                .isTrue();
        int queued = 0;
        while (broken.execute(() -> {})) {
            queued++;
        }
        assertThat(queued).isPositive();
        final AtomicBoolean ran = new AtomicBoolean();
        final CompletableFuture<Boolean> posted = CompletableFuture.supplyAsync(() -> broken.post(() -> ran.set(true)));
        full.countDown();
        assertThat(posted.get(STUCK_SECONDS, TimeUnit.SECONDS))
                .as("the loop's end runs what is in the mailbox, and takes nothing more")
                .isEqualTo(ran.get());
    }

    @Test
    void tasksFromManyThreadsWakeALoopThatSleeps() throws InterruptedException {
        final int threads = 4;
        final int tasks = 5000;
        final CountDownLatch done = new CountDownLatch(threads * tasks);
        final List<Thread> senders = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            senders.add(Thread.ofPlatform().start(() -> {
                for (int task = 0; task < tasks; task++) {
                    final CoreLoop loop = group.next();
                    while (!loop.execute(() -> {
                        if (loop.inLoop()) {
                            done.countDown();
                        }
                    })) {
                        Thread.onSpinWait();
                    }
                }
            }));
        }
        for (final Thread sender : senders) {
            sender.join();
        }
        await(done);
        assertThat(errors).isEmpty();
    }

    /** One task at a time, each to a loop that has gone to sleep: no wake-up may be lost. */
    @Test
    void noWakeUpIsLost() throws InterruptedException {
        final CoreLoop loop = group.loops().getFirst();
        for (int i = 0; i < 5000; i++) {
            final CountDownLatch done = new CountDownLatch(1);
            assertThat(loop.execute(done::countDown)).isTrue();
            await(done);
        }
    }

    @Test
    void timersWakeALoopThatSleeps() throws InterruptedException {
        final CountDownLatch done = new CountDownLatch(1);
        final CoreLoop loop = group.loops().getFirst();
        loop.execute(() -> loop.timers()
                .schedule(
                        new Timer() {
                            @Override
                            protected void expired() {
                                done.countDown();
                            }
                        },
                        loop.preciseNow() + 5_000_000));
        await(done);
    }

    @Test
    void anExceptionIsReportedAndTheLoopGoesOn() throws InterruptedException {
        final CoreLoop loop = group.next();
        loop.execute(() -> {
            throw new IllegalStateException("a task's mistake");
        });
        assertThat(errors.poll(STUCK_SECONDS, TimeUnit.SECONDS)).hasMessage("a task's mistake");
        final CountDownLatch done = new CountDownLatch(1);
        loop.execute(done::countDown);
        await(done);
        assertThat(group.isRunning()).isTrue();
    }

    @Test
    void whatWaitsWhenALoopEndsIsStillRun() throws InterruptedException {
        final CoreLoop loop = group.loops().getFirst();
        final CountDownLatch entered = new CountDownLatch(1);
        final CountDownLatch goOn = new CountDownLatch(1);
        final CountDownLatch ran = new CountDownLatch(1);
        loop.execute(() -> {
            entered.countDown();
            try {
                goOn.await();
            } catch (final InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        await(entered);
        loop.execute(ran::countDown);
        loop.stop();
        goOn.countDown();
        await(ran);
        group.close();
        assertThat(loop.hasEnded()).isTrue();
        assertThat(loop.execute(() -> {})).isFalse();
    }

    @Test
    void reportsItsFeaturesAndCounts() {
        assertThat(group.features().granted()).contains("REGISTER_PBUF_RING");
        final boolean registered = group.features().has("REGISTER_BUFFERS");
        assertThat(group.features().refused().stream()
                        .anyMatch(refusal -> refusal.feature().equals("REGISTER_BUFFERS")))
                .isEqualTo(!registered);
        assertThat(group.loops()).hasSize(2).allSatisfy(loop -> {
            assertThat(loop.slabRegistered()).isEqualTo(registered);
            assertThat(loop.snapshot().slabBytes()).isEqualTo(2 << 20);
        });
    }

    @Test
    void blockingCallsHaveTheirOwnThreads() throws Exception {
        final boolean inLoop = group.blocking()
                .submit(() -> group.loops().stream().anyMatch(CoreLoop::inLoop))
                .get(STUCK_SECONDS, TimeUnit.SECONDS);
        assertThat(inLoop).isFalse();
    }

    @Test
    void aLoopIsPinnedToItsProcessor() throws Exception {
        try (LoopGroup pinned = LoopGroup.start(config(true), errors::add)) {
            final BlockingQueue<List<Integer>> seen = new ArrayBlockingQueue<>(1);
            final CoreLoop loop = pinned.next();
            loop.execute(() -> seen.add(Affinity.allowed()));
            assertThat(seen.poll(STUCK_SECONDS, TimeUnit.SECONDS)).containsExactly(loop.core());
        }
        assertThat(Affinity.allowed().size()).isPositive();
    }

    @Test
    void aProcessorThatIsNotThereIsNamed() {
        final LoopConfig config = new LoopConfig(List.of(8000), true, 64, 2 << 20, 16, 65536, 64);
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> LoopGroup.start(config, errors::add).close())
                .withMessageContaining("8000");
    }
}
