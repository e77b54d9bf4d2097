package dev.fusedio.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.sys.Seeds;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class TimersTest {
    private static final class Mark extends Timer {
        private final List<Mark> fired;

        private Mark(final List<Mark> fired) {
            this.fired = fired;
        }

        @Override
        protected void expired() {
            assertThat(isScheduled()).isFalse();
            fired.add(this);
        }
    }

    private final List<Mark> fired = new ArrayList<>();
    private final Timers timers = new Timers();

    @Test
    void againstASortedList() {
        Seeds.forEach(500, TimersTest::compare);
    }

    private static void compare(final long seed) {
        final SplittableRandom random = new SplittableRandom(seed);
        // Near the wrap of a signed number in every third run: only differences may count.
        final long origin = seed % 3 == 0 ? Long.MAX_VALUE - 500 : random.nextLong(1L << 50);
        final List<Mark> fired = new ArrayList<>();
        final Timers timers = new Timers();
        final List<Mark> all = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            all.add(new Mark(fired));
        }
        final List<Mark> expected = new ArrayList<>();
        long now = origin;
        for (int step = 0; step < 500; step++) {
            final Mark mark = all.get(random.nextInt(all.size()));
            switch (random.nextInt(4)) {
                case 0, 1 -> {
                    final long deadline = now - 20 + random.nextInt(400);
                    timers.schedule(mark, deadline);
                    assertThat(mark.deadline).isEqualTo(deadline);
                    expected.remove(mark);
                    expected.add(mark);
                }
                case 2 -> {
                    timers.cancel(mark);
                    expected.remove(mark);
                }
                default -> {
                    now += random.nextInt(20);
                    expire(timers, expected, fired, now);
                }
            }
            final long at = now;
            assertThat(mark.isScheduled()).isEqualTo(expected.contains(mark));
            assertThat(timers.untilNext(at))
                    .isEqualTo(expected.stream()
                            .mapToLong(each -> Math.max(each.deadline - at, 0))
                            .min()
                            .orElse(-1));
        }
        expire(timers, expected, fired, now + 1000);
        assertThat(timers.untilNext(now)).isEqualTo(-1);
    }

    private static void expire(final Timers timers, final List<Mark> expected, final List<Mark> fired, final long now) {
        final List<Mark> due = new ArrayList<>(
                expected.stream().filter(each -> each.deadline - now <= 0).toList());
        fired.clear();
        expire(timers, now);
        assertThat(fired).containsExactlyInAnyOrderElementsOf(due);
        final Comparator<Mark> byDeadline = (a, b) -> Long.compare(a.deadline - b.deadline, 0);
        assertThat(fired).isSortedAccordingTo(byDeadline);
        expected.removeAll(due);
    }

    @Test
    void growsWithItsTimers() {
        for (int i = 0; i < 1000; i++) {
            timers.schedule(new Mark(fired), 1000 - i);
        }
        expire(timers, 500);
        assertThat(fired).hasSize(500);
        assertThat(timers.untilNext(0)).isEqualTo(501);
    }

    @Test
    void aTimerMayBeSetAgainWhenItExpires() {
        final int[] count = {0};
        timers.schedule(
                new Timer() {
                    @Override
                    protected void expired() {
                        if (++count[0] < 3) {
                            timers.schedule(this, count[0] * 10L);
                        }
                    }
                },
                0);
        expire(timers, 5);
        assertThat(count[0]).isEqualTo(1);
        expire(timers, 100);
        assertThat(count[0]).isEqualTo(3);
    }

    @Test
    void oneThatExpiresMayCancelTheNext() {
        final Mark other = new Mark(fired);
        timers.schedule(
                new Timer() {
                    @Override
                    protected void expired() {
                        timers.cancel(other);
                    }
                },
                1);
        timers.schedule(other, 2);
        expire(timers, 10);
        assertThat(fired).isEmpty();
    }

    @Test
    void cancellingWhatIsNotSetDoesNothing() {
        timers.cancel(new Mark(fired));
        assertThat(timers.untilNext(0)).isEqualTo(-1);
    }

    private static void expire(final Timers timers, final long now) {
        for (Timer timer = timers.takeExpired(now); timer != null; timer = timers.takeExpired(now)) {
            timer.expired();
        }
    }
}
