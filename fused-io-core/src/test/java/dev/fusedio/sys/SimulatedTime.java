package dev.fusedio.sys;

/** A clock that stands still until it is told to go on. One thread. */
public final class SimulatedTime implements Clock {
    private long nanos = 1_000_000_000L; // not 0, so that a forgotten initial value is noticed

    @Override
    public long nanos() {
        return nanos;
    }

    /** Lets {@code by} nanoseconds pass. */
    public void advance(final long by) {
        if (by < 0) {
            throw new IllegalArgumentException("time doesn't go backwards: " + by);
        }
        nanos += by;
    }
}
