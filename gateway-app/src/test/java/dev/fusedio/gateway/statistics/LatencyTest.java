package dev.fusedio.gateway.statistics;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class LatencyTest {
    private static final int BUCKETS = 26;

    @Test
    void nothingHappenedAndNothingIsSaid() {
        assertThat(Latency.of(Tally.NONE)).isNull();
        assertThat(Latency.of(new Tally(0, 0, 0, new long[BUCKETS], 0))).isNull();
    }

    @Test
    void percentilesLieEvenlyInTheirBucket() {
        final long[] latency = new long[BUCKETS];
        latency[3] = 100; // 4 µs to 8 µs
        assertThat(Latency.of(new Tally(100, 0, 0, latency, 650_000))).isEqualTo(new Latency(6.5, 6, 7.8, 7.96));
    }

    @Test
    void theFewSlowOnesAreTheTail() {
        final long[] latency = new long[BUCKETS];
        latency[0] = 96; // up to 1 µs
        latency[10] = 4; // 512 µs to 1024 µs
        final Latency found = Latency.of(new Tally(100, 0, 0, latency, 0));
        assertThat(found.p50Micros()).isEqualTo(0.52);
        assertThat(found.p95Micros()).isLessThanOrEqualTo(1);
        assertThat(found.p99Micros()).isEqualTo(896);
    }

    @Test
    void whatIsBeyondTheLastBoundCountsAsTheBound() {
        final long[] latency = new long[BUCKETS];
        latency[BUCKETS - 1] = 1;
        assertThat(Latency.of(new Tally(1, 0, 0, latency, 60_000_000_000L)))
                .isEqualTo(new Latency(60_000_000, 16_777_216, 16_777_216, 16_777_216));
    }
}
