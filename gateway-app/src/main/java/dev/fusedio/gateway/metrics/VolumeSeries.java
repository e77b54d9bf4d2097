package dev.fusedio.gateway.metrics;

import dev.fusedio.gateway.engine.VolumeCounters;
import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot.HistogramDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import org.jspecify.annotations.Nullable;

/** The series of volumes, {@code fused_volume_*}; one scrape's worth. */
final class VolumeSeries {
    private static final double NANOS_PER_SECOND = 1e9;

    private final CounterSnapshot.Builder operations =
            CounterSnapshot.builder().name("fused_volume_operations").help("Requests completed, failed ones included.");
    private final CounterSnapshot.Builder bytes = CounterSnapshot.builder()
            .name("fused_volume_bytes")
            .help("Bytes moved or affected by requests that succeeded.");
    private final CounterSnapshot.Builder errors =
            CounterSnapshot.builder().name("fused_volume_errors").help("Requests failed, by error number.");
    private final HistogramSnapshot.Builder latency = HistogramSnapshot.builder()
            .name("fused_volume_latency_seconds")
            .help("How long requests took in the gateway, storage included.");
    private final GaugeSnapshot.Builder inFlight =
            GaugeSnapshot.builder().name("fused_volume_in_flight").help("Requests begun and not completed.");
    private final GaugeSnapshot.Builder size =
            GaugeSnapshot.builder().name("fused_volume_size_bytes").help("Size of the volume.");
    private final GaugeSnapshot.Builder allocated = GaugeSnapshot.builder()
            .name("fused_volume_allocated_bytes")
            .help("Bytes that the volume takes up in the pool, as of the scrape before.");

    void add(
            final String volume,
            final long sizeBytes,
            final @Nullable Long allocatedBytes,
            final VolumeCounters counters) {
        final Labels name = Labels.of("volume", volume);
        size.dataPoint(gauge(name, sizeBytes));
        if (allocatedBytes != null) {
            allocated.dataPoint(gauge(name, allocatedBytes));
        }
        inFlight.dataPoint(gauge(name, counters.inFlight()));
        for (final VolumeCounters.Operation operation : counters.operations()) {
            final Labels labels = name.add("operation", operation.name());
            operations.dataPoint(counter(labels, operation.count()));
            bytes.dataPoint(counter(labels, operation.bytes()));
            operation.errors().forEach((errno, count) -> errors.dataPoint(counter(labels.add("errno", errno), count)));
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
                .metricSnapshot(allocated.build());
    }

    private static CounterDataPointSnapshot counter(final Labels labels, final long value) {
        return CounterDataPointSnapshot.builder()
                .labels(labels)
                .value((double) value)
                .build();
    }

    private static GaugeDataPointSnapshot gauge(final Labels labels, final long value) {
        return GaugeDataPointSnapshot.builder()
                .labels(labels)
                .value((double) value)
                .build();
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
