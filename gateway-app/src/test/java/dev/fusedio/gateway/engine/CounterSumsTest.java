package dev.fusedio.gateway.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.volume.LatencyHistogram;
import dev.fusedio.volume.VolumeOperation;
import dev.fusedio.volume.VolumeStatistics;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CounterSumsTest {
    @Test
    void addsUpEveryOperation() {
        final VolumeCounters sum = CounterSums.counters(CounterSums.sum(List.of(snapshot(1), snapshot(10))));

        assertThat(sum.inFlight()).isEqualTo(11);
        assertThat(sum.operations()).extracting(VolumeCounters.Operation::name).contains("read", "write", "flush");
        assertThat(sum.operations()).allSatisfy(operation -> {
            assertThat(operation.count()).isEqualTo(22);
            assertThat(operation.bytes()).isEqualTo(33);
            assertThat(operation.errors()).isEqualTo(Map.of("EIO", 44L));
            assertThat(operation.latency()[5]).isEqualTo(55);
            assertThat(operation.latencySumNanos()).isEqualTo(66);
        });
    }

    @Test
    void bucketsGrowToInfinity() {
        double last = 0;
        for (int bucket = 0; bucket < LatencyHistogram.BUCKETS; bucket++) {
            assertThat(VolumeCounters.latencyUpperBoundSeconds(bucket)).isGreaterThan(last);
            last = VolumeCounters.latencyUpperBoundSeconds(bucket);
        }
        assertThat(last).isInfinite();
    }

    private static VolumeStatistics snapshot(final long unit) {
        return new VolumeStatistics(
                Arrays.stream(VolumeOperation.values())
                        .map(operation -> {
                            final long[] latency = new long[LatencyHistogram.BUCKETS];
                            latency[5] = 5 * unit;
                            return new VolumeStatistics.Operation(
                                    operation, 2 * unit, 3 * unit, Map.of("EIO", 4 * unit), latency, 6 * unit);
                        })
                        .toList(),
                unit,
                1);
    }
}
