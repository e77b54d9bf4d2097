package dev.fusedio.volume;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LatencyHistogramTest {
    @ParameterizedTest
    @CsvSource({
        "-5, 0",
        "0, 0",
        "1, 0",
        "1000, 0",
        "1001, 1",
        "2000, 1",
        "2001, 2",
        "4000, 2",
        "4001, 3",
        "1000000, 10",
        "1024000, 10",
        "1024001, 11",
        "1000000000, 20",
        "16777216000, 24",
        "16777216001, 25",
        "9223372036854775807, 25"
    })
    void aDurationIsInTheFirstBucketThatHoldsIt(final long nanos, final int bucket) {
        assertThat(LatencyHistogram.bucket(nanos)).isEqualTo(bucket);
    }

    @Test
    void boundsAgreeWithBuckets() {
        for (int bucket = 0; bucket < LatencyHistogram.BUCKETS - 1; bucket++) {
            final long bound = Math.round(LatencyHistogram.upperBoundSeconds(bucket) * 1e9);
            assertThat(LatencyHistogram.bucket(bound)).isEqualTo(bucket);
            assertThat(LatencyHistogram.bucket(bound + 1)).isEqualTo(bucket + 1);
        }
        assertThat(LatencyHistogram.upperBoundSeconds(0)).isEqualTo(1e-6);
        assertThat(LatencyHistogram.upperBoundSeconds(LatencyHistogram.BUCKETS - 1))
                .isInfinite();
    }

    @Test
    void recordsCountsAndSum() {
        final LatencyHistogram histogram = new LatencyHistogram();
        histogram.record(500);
        histogram.record(1500);
        histogram.record(1600);
        histogram.record(-1);
        assertThat(histogram.count(0)).isEqualTo(2);
        assertThat(histogram.count(1)).isEqualTo(2);
        assertThat(histogram.sumNanos()).isEqualTo(3600);
    }
}
