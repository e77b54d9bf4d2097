package dev.fusedio.gateway.statistics;

import org.jspecify.annotations.Nullable;

/**
 * Two readings, one after the other.
 *
 * @param before the earlier; null if there is none yet, and nothing is known of rates
 * @param now the later
 */
record Sample(@Nullable Reading before, Reading now) {
    private static final double NANOS_PER_SECOND = 1e9;

    static Sample first(final Reading reading) {
        return new Sample(null, reading);
    }

    Sample next(final Sample following) {
        return new Sample(now, following.now);
    }

    /** Between the two; 0 for the first. */
    double seconds() {
        return before == null ? 0 : Math.max(1, now.nanos() - before.nanos()) / NANOS_PER_SECOND;
    }

    /** What a volume did between two readings. One that was not open at the earlier began with nothing. */
    static Tally grown(final Reading.OfVolume now, final Reading.@Nullable OfVolume before) {
        return now.all().since(before == null ? Tally.NONE : before.all());
    }
}
