package dev.fusedio.gateway.statistics;

import dev.fusedio.gateway.engine.VolumeCounters;
import io.swagger.v3.oas.annotations.media.Schema;
import org.jspecify.annotations.Nullable;

/** How long requests took. Percentiles are estimates: the counters tell a duration from its double, no closer. */
@Schema(
        name = "Latency",
        description = "How long requests took, in microseconds. Percentiles are estimated within the powers of two that"
                + " durations are counted by.")
record Latency(double meanMicros, double p50Micros, double p95Micros, double p99Micros) {
    private static final double MICROS_PER_SECOND = 1e6;
    private static final double NANOS_PER_MICRO = 1e3;

    /** Null if there was no request. */
    static @Nullable Latency of(final Tally tally) {
        long counted = 0;
        for (final long requests : tally.latency()) {
            counted += requests;
        }
        if (counted == 0) {
            return null;
        }
        return new Latency(
                Rates.rounded(tally.nanos() / NANOS_PER_MICRO / counted),
                percentile(tally.latency(), counted, 0.50),
                percentile(tally.latency(), counted, 0.95),
                percentile(tally.latency(), counted, 0.99));
    }

    /** Requests are taken to lie evenly in their bucket; in the last, which has no upper bound, at its lower one. */
    private static double percentile(final long[] latency, final long counted, final double share) {
        final double rank = share * counted;
        double below = 0;
        int bucket = 0;
        while (bucket < latency.length - 1 && below + latency[bucket] < rank) {
            below += latency[bucket];
            bucket++;
        }
        final double lower = bucket == 0 ? 0 : VolumeCounters.latencyUpperBoundSeconds(bucket - 1);
        final double upper = VolumeCounters.latencyUpperBoundSeconds(bucket);
        final double inside = Double.isInfinite(upper) || latency[bucket] == 0
                ? 0
                : (upper - lower) * (rank - below) / latency[bucket];
        return Rates.rounded((lower + inside) * MICROS_PER_SECOND);
    }
}
