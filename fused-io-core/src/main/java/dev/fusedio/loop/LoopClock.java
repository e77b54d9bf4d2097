package dev.fusedio.loop;

import dev.fusedio.sys.Clock;

/**
 * A loop's monotonic time without the time that the process did not have: when it is stopped (SIGSTOP), or its container
 * or virtual machine is frozen, no deadline comes nearer. The loop's thread only.
 */
final class LoopClock {
    /** A round that takes this much longer than it may was a pause. A core that others keep busy stays well below. */
    static final long PAUSE_NANOS = 1_000_000_000;

    private final Clock clock;
    private long skipped;
    private long last;

    LoopClock(final Clock clock) {
        this.clock = clock;
        this.last = clock.nanos();
    }

    /** Nanoseconds of this moment. */
    long nanos() {
        return clock.nanos() - skipped;
    }

    /**
     * Nanoseconds of this moment, which is another round's.
     *
     * @param slept nanoseconds that the loop may have slept since the last call; negative for any number
     */
    long nextRound(final long slept) {
        final long raw = clock.nanos();
        final long excess = raw - last - Math.max(slept, 0);
        if (slept >= 0 && excess > PAUSE_NANOS) {
            skipped += excess;
        }
        last = raw;
        return raw - skipped;
    }
}
