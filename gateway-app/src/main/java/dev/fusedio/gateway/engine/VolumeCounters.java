package dev.fusedio.gateway.engine;

import dev.fusedio.volume.LatencyHistogram;
import java.util.List;
import java.util.Map;

/**
 * A volume's counters at one moment.
 *
 * @param inFlight gauge: requests not completed yet
 * @param operations one per kind of request
 */
public record VolumeCounters(long inFlight, List<Operation> operations) {
    /** Nothing has happened. */
    public static final VolumeCounters NONE = new VolumeCounters(0, List.of());

    public VolumeCounters {
        operations = List.copyOf(operations);
    }

    /**
     * The longest duration that a bucket of {@link Operation#latency} counts.
     *
     * @return seconds; infinite for the last bucket
     */
    public static double latencyUpperBoundSeconds(final int bucket) {
        return LatencyHistogram.upperBoundSeconds(bucket);
    }

    /**
     * One kind of request. All its numbers only grow.
     *
     * @param name such as {@code read}
     * @param count requests completed, failed ones included
     * @param bytes bytes moved or affected by those that succeeded
     * @param errors failures by the errno's name
     * @param latency requests by duration, not cumulative; bounds by {@link #latencyUpperBoundSeconds}
     * @param latencySumNanos the sum of all durations
     */
    @SuppressWarnings("ArrayRecordComponent") // a snapshot made for one reader, compared by nobody
    public record Operation(
            String name, long count, long bytes, Map<String, Long> errors, long[] latency, long latencySumNanos) {
        public Operation {
            errors = Map.copyOf(errors);
        }
    }
}
