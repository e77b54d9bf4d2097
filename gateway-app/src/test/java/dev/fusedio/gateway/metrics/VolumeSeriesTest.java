package dev.fusedio.gateway.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.gateway.engine.VolumeCounters;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class VolumeSeriesTest {
    private static final int BUCKETS = 26;

    @Test
    void anIdleVolumeHasNineSeries() {
        assertThat(points(Stream.of("read", "write", "flush", "trim", "zero", "cache", "extents")
                        .map(name -> operation(name, 0, Map.of()))
                        .toList()))
                .isEqualTo(9);
    }

    @Test
    void anOperationHasSeriesFromItsFirstUse() {
        // count, bytes, one errno, one histogram
        assertThat(points(List.of(operation("trim", 1, Map.of("EIO", 1L)))) - points(List.of()))
                .isEqualTo(4);
        // what moves nothing has no bytes
        assertThat(points(List.of(operation("extents", 1, Map.of()))) - points(List.of()))
                .isEqualTo(2);
    }

    private static long points(final List<VolumeCounters.Operation> operations) {
        final VolumeSeries series = new VolumeSeries();
        series.add("v", false, 4096, 0L, new VolumeCounters(0, operations));
        final MetricSnapshots.Builder all = MetricSnapshots.builder();
        series.addTo(all);
        return all.build().stream()
                .mapToLong(metric -> metric.getDataPoints().size())
                .sum();
    }

    private static VolumeCounters.Operation operation(
            final String name, final long count, final Map<String, Long> errors) {
        final long[] latency = new long[BUCKETS];
        latency[0] = count;
        return new VolumeCounters.Operation(name, count, 0, errors, latency, count);
    }
}
