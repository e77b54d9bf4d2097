package dev.fusedio.gateway.engine;

import dev.fusedio.volume.LatencyHistogram;
import dev.fusedio.volume.VolumeOperation;
import dev.fusedio.volume.VolumeStatistics;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Adds up what several core volumes on one backend have counted. */
final class CounterSums {
    private CounterSums() {}

    /** The sum of at least one. */
    static VolumeStatistics sum(final List<VolumeStatistics> parts) {
        if (parts.size() == 1) {
            return parts.getFirst();
        }
        return new VolumeStatistics(
                Arrays.stream(VolumeOperation.values())
                        .map(operation -> sum(
                                operation,
                                parts.stream()
                                        .map(part -> part.operations().get(operation.ordinal()))
                                        .toList()))
                        .toList(),
                parts.stream().mapToLong(VolumeStatistics::inFlight).sum(),
                parts.stream().mapToInt(VolumeStatistics::lanes).sum());
    }

    /** In the control plane's terms. */
    static VolumeCounters counters(final VolumeStatistics snapshot) {
        final List<VolumeCounters.Operation> operations = new ArrayList<>();
        for (final VolumeStatistics.Operation operation : snapshot.operations()) {
            operations.add(new VolumeCounters.Operation(
                    operation.operation().name().toLowerCase(Locale.ROOT),
                    operation.count(),
                    operation.bytes(),
                    operation.errors(),
                    operation.latency(),
                    operation.latencySumNanos()));
        }
        return new VolumeCounters(snapshot.inFlight(), operations);
    }

    private static VolumeStatistics.Operation sum(
            final VolumeOperation operation, final List<VolumeStatistics.Operation> parts) {
        final long[] latency = new long[LatencyHistogram.BUCKETS];
        final Map<String, Long> errors = new HashMap<>();
        long count = 0;
        long bytes = 0;
        long nanos = 0;
        for (final VolumeStatistics.Operation part : parts) {
            count += part.count();
            bytes += part.bytes();
            nanos += part.latencySumNanos();
            part.errors().forEach((errno, times) -> errors.merge(errno, times, Long::sum));
            for (int bucket = 0; bucket < latency.length; bucket++) {
                latency[bucket] += part.latency()[bucket];
            }
        }
        return new VolumeStatistics.Operation(operation, count, bytes, errors, latency, nanos);
    }
}
