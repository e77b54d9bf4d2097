package dev.fusedio.volume;

import java.util.List;
import java.util.Map;

/**
 * A volume's counts at one moment, over all cores.
 *
 * @param operations one entry for each {@link VolumeOperation}
 * @param inFlight operations that have begun and not ended
 * @param lanes cores that use the volume
 */
public record VolumeStatistics(List<Operation> operations, long inFlight, int lanes) {
    /**
     * @param operation which
     * @param count ended, well or not
     * @param bytes of those that ended well
     * @param errors by the error number's name
     * @param latency counts by bucket, not cumulative; bounds by {@link LatencyHistogram#upperBoundSeconds}
     * @param latencySumNanos sum of all durations
     */
    @SuppressWarnings("ArrayRecordComponent") // a report that is read once; nobody compares it
    public record Operation(
            VolumeOperation operation,
            long count,
            long bytes,
            Map<String, Long> errors,
            long[] latency,
            long latencySumNanos) {}
}
