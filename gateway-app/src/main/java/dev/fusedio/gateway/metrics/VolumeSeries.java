package dev.fusedio.gateway.metrics;

import static dev.fusedio.gateway.metrics.Points.count;
import static dev.fusedio.gateway.metrics.Points.counter;
import static dev.fusedio.gateway.metrics.Points.gauge;
import static dev.fusedio.gateway.metrics.Points.value;

import dev.fusedio.gateway.engine.VolumeCounters;
import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot.HistogramDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The series of volumes, {@code fused_volume_*}; one scrape's worth. */
final class VolumeSeries {
    private static final double NANOS_PER_SECOND = 1e9;

    /** Operations that have series from the start; others have them from their first use. */
    private static final Set<String> COMMON = Set.of("read", "write", "flush");

    /** Operations that move nothing. */
    private static final Set<String> WITHOUT_BYTES = Set.of("flush", "extents");

    private final CounterSnapshot.Builder operations =
            counter("fused_volume_operations", "Requests completed, failed ones included.");
    private final CounterSnapshot.Builder bytes =
            counter("fused_volume_bytes", "Bytes moved or affected by requests that succeeded.");
    private final CounterSnapshot.Builder errors = counter("fused_volume_errors", "Requests failed, by error number.");
    private final HistogramSnapshot.Builder latency = HistogramSnapshot.builder()
            .name("fused_volume_latency_seconds")
            .help("How long requests took in the gateway, storage included.");
    private final GaugeSnapshot.Builder inFlight = gauge("fused_volume_in_flight", "Requests begun and not completed.");
    private final GaugeSnapshot.Builder size = gauge("fused_volume_size_bytes", "Size of the volume.");
    private final GaugeSnapshot.Builder allocated = gauge(
            "fused_volume_allocated_bytes", "Bytes that the volume takes up in the pool, as of the scrape before.");

    private final GaugeSnapshot.Builder failed =
            gauge("fused_volume_failed", "1 if a write-back of the volume has failed since it was opened.");

    void add(
            final String volume,
            final boolean hasFailed,
            final long sizeBytes,
            final @Nullable Long allocatedBytes,
            final VolumeCounters counters) {
        final Labels name = Labels.of("volume", volume);
        size.dataPoint(value(name, sizeBytes));
        failed.dataPoint(value(name, hasFailed ? 1 : 0));
        if (allocatedBytes != null) {
            allocated.dataPoint(value(name, allocatedBytes));
        }
        inFlight.dataPoint(value(name, counters.inFlight()));
        for (final VolumeCounters.Operation operation : counters.operations()) {
            final Labels labels = name.add("operation", operation.name());
            if (operation.count() == 0 && !COMMON.contains(operation.name())) {
                continue; // thousands of series that say nothing
            }
            operations.dataPoint(count(labels, operation.count()));
            if (!WITHOUT_BYTES.contains(operation.name())) {
                bytes.dataPoint(count(labels, operation.bytes()));
            }
            operation.errors().forEach((errno, count) -> errors.dataPoint(count(labels.add("errno", errno), count)));
            if (operation.count() > 0) { // 28 series: only for what is used
                latency.dataPoint(histogram(labels, operation));
            }
        }
    }

    void addTo(final MetricSnapshots.Builder all) {
        all.metricSnapshot(operations.build())
                .metricSnapshot(bytes.build())
                .metricSnapshot(errors.build())
                .metricSnapshot(latency.build())
                .metricSnapshot(inFlight.build())
                .metricSnapshot(size.build())
                .metricSnapshot(failed.build())
                .metricSnapshot(allocated.build());
    }

    private static HistogramDataPointSnapshot histogram(final Labels labels, final VolumeCounters.Operation operation) {
        final long[] counts = operation.latency();
        final ClassicHistogramBuckets.Builder buckets = ClassicHistogramBuckets.builder();
        for (int bucket = 0; bucket < counts.length; bucket++) {
            buckets.bucket(VolumeCounters.latencyUpperBoundSeconds(bucket), counts[bucket]);
        }
        return HistogramDataPointSnapshot.builder()
                .labels(labels)
                .classicHistogramBuckets(buckets.build())
                .sum(operation.latencySumNanos() / NANOS_PER_SECOND)
                .build();
    }
}
