package dev.fusedio.volume;

import dev.fusedio.loop.Counters;

/**
 * How long operations took: a power-of-two histogram from 1 µs to 16 s. Recording is one addition; one thread writes,
 * any reads.
 */
public final class LatencyHistogram {
    /** Buckets; the last one has no upper bound. */
    public static final int BUCKETS = 26;

    private static final int SUM = BUCKETS;

    private final Counters counters = new Counters(BUCKETS + 1);

    /** Records one operation. The owning thread only. */
    public void record(final long nanos) {
        counters.add(bucket(nanos), 1);
        counters.add(SUM, Math.max(nanos, 0));
    }

    /** The bucket of a duration: the first whose upper bound is not below it. */
    static int bucket(final long nanos) {
        if (nanos <= 1000) {
            return 0;
        }
        final long micros = (nanos + 999) / 1000;
        return Math.min(Long.SIZE - Long.numberOfLeadingZeros(micros - 1), BUCKETS - 1);
    }

    /**
     * A bucket's upper bound.
     *
     * @return seconds; infinite for the last
     */
    public static double upperBoundSeconds(final int bucket) {
        return bucket == BUCKETS - 1 ? Double.POSITIVE_INFINITY : (1L << bucket) * 1e-6;
    }

    long count(final int bucket) {
        return counters.get(bucket);
    }

    long sumNanos() {
        return counters.get(SUM);
    }
}
