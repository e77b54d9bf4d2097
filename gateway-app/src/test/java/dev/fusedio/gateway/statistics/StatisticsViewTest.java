package dev.fusedio.gateway.statistics;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.gateway.engine.BackendType;
import dev.fusedio.gateway.engine.InMemoryDataPlane;
import dev.fusedio.gateway.engine.LoopCounters;
import dev.fusedio.gateway.engine.OpenVolume;
import dev.fusedio.gateway.engine.VolumeCounters;
import dev.fusedio.gateway.engine.VolumeSpec;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class StatisticsViewTest {
    private static final Instant NOON = Instant.parse("2026-01-02T12:00:00Z");
    private static final long SECOND = 1_000_000_000L;
    private static final Selection ALL = new Selection(Set.of(), 100);

    private final OpenVolume busy = open("busy");
    private final OpenVolume calm = open("calm");
    private final OpenVolume alsoCalm = open("also-calm");

    @Test
    void aFirstSampleHasCountersAndNoRates() {
        final StatisticsView view =
                StatisticsView.of(Sample.first(reading(0, Map.of(busy, volume("busy", 10)), 0)), ALL);

        assertThat(view.at()).isEqualTo(NOON);
        assertThat(view.intervalSeconds()).isZero();
        assertThat(view.lastSecond()).isNull();
        assertThat(view.node())
                .extracting("volumes", "sessions", "damagedVolumes")
                .containsExactly(1, 3, 2);
        assertThat(view.node().cores()).singleElement().satisfies(core -> {
            assertThat(core.lastSecond()).isNull();
            assertThat(core.slabBytes()).isEqualTo(1 << 20);
        });
        assertThat(view.volumes()).singleElement().satisfies(volume -> {
            assertThat(volume.lastSecond()).isNull();
            assertThat(volume.sessions()).isEqualTo(3);
            assertThat(volume.inFlight()).isEqualTo(7);
            assertThat(volume.operations()).singleElement().satisfies(read -> {
                assertThat(read.name()).isEqualTo("read");
                assertThat(read.count()).isEqualTo(10);
                assertThat(read.bytes()).isEqualTo(40_960);
                assertThat(read.errors()).isEqualTo(Map.of("EIO", 10L));
                assertThat(read.lastSecond()).isNull();
            });
        });
    }

    @Test
    void ratesAreWhatTheCountersGrewByOverTheTimeThatPassed() {
        final StatisticsView view = StatisticsView.of(
                Sample.first(reading(0, Map.of(busy, volume("busy", 10)), 0))
                        .next(Sample.first(reading(2 * SECOND, Map.of(busy, volume("busy", 50)), 100))),
                ALL);

        assertThat(view.intervalSeconds()).isEqualTo(2);
        final Rates rates = view.volumes().getFirst().lastSecond();
        assertThat(rates.operationsPerSecond()).isEqualTo(20);
        assertThat(rates.bytesPerSecond()).isEqualTo(81_920);
        assertThat(rates.errorsPerSecond()).isEqualTo(20);
        assertThat(rates.latency().meanMicros()).isEqualTo(3);
        assertThat(view.volumes().getFirst().operations().getFirst().lastSecond())
                .isEqualTo(rates);
        assertThat(view.lastSecond()).isEqualTo(rates);
        assertThat(view.node().cores().getFirst().lastSecond())
                .isEqualTo(new CoreStatistics.CoreRates(0.5, 200, 4.0, 409_600, 50));
    }

    @Test
    void aVolumeThatWasOpenedSinceDidAllItDidSince() {
        final StatisticsView view = StatisticsView.of(
                Sample.first(reading(0, Map.of(calm, volume("busy", 1000)), 0))
                        .next(Sample.first(reading(SECOND, Map.of(busy, volume("busy", 5)), 0))),
                ALL);

        assertThat(view.volumes().getFirst().lastSecond().operationsPerSecond()).isEqualTo(5);
    }

    @Test
    void noCounterMakesANegativeRate() {
        final StatisticsView view = StatisticsView.of(
                Sample.first(reading(0, Map.of(busy, volume("busy", 10)), 10))
                        .next(Sample.first(reading(SECOND, Map.of(busy, volume("busy", 5)), 5))),
                ALL);

        assertThat(view.lastSecond()).isEqualTo(new Rates(0, 0, 0, null));
        assertThat(view.node().cores().getFirst().lastSecond())
                .isEqualTo(new CoreStatistics.CoreRates(0, 0, null, 0, 0));
    }

    @Test
    void theMostActiveComeFirstAndTheLimitIsToldOf() {
        final Sample sample = Sample.first(reading(
                        0,
                        Map.of(busy, volume("busy", 0), calm, volume("calm", 0), alsoCalm, volume("also-calm", 0)),
                        0))
                .next(Sample.first(reading(
                        SECOND,
                        Map.of(busy, volume("busy", 9), calm, volume("calm", 0), alsoCalm, volume("also-calm", 0)),
                        0)));

        assertThat(StatisticsView.of(sample, ALL).volumes())
                .extracting(VolumeStatistics::name)
                .containsExactly("busy", "also-calm", "calm");
        final StatisticsView one = StatisticsView.of(sample, new Selection(Set.of(), 1));
        assertThat(one.volumes()).extracting(VolumeStatistics::name).containsExactly("busy");
        assertThat(one.volumesLeftOut()).isEqualTo(2);
        assertThat(one.lastSecond().operationsPerSecond()).isEqualTo(9);
        final StatisticsView named = StatisticsView.of(sample, new Selection(Set.of("calm", "nobody"), 5));
        assertThat(named.volumes()).extracting(VolumeStatistics::name).containsExactly("calm");
        assertThat(named.volumes().getFirst().operations()).isEmpty();
        assertThat(named.volumesLeftOut()).isZero();
    }

    private static Reading reading(
            final long nanos, final Map<OpenVolume, Reading.OfVolume> volumes, final long loopUnits) {
        return new Reading(
                NOON,
                nanos,
                new HashMap<>(volumes),
                2,
                List.of(new LoopCounters(
                        0,
                        loopUnits * SECOND / 100,
                        loopUnits,
                        0,
                        0,
                        0,
                        loopUnits * 4,
                        loopUnits * 8192,
                        loopUnits,
                        0,
                        1 << 20)),
                Map.of("busy", 3),
                List.of());
    }

    private static Reading.OfVolume volume(final String name, final long count) {
        final long[] latency = new long[26];
        latency[2] = count;
        return Reading.OfVolume.of(
                name,
                new VolumeCounters(
                        7,
                        List.of(
                                new VolumeCounters.Operation(
                                        "read",
                                        count,
                                        count * 4096,
                                        count == 0 ? Map.of() : Map.of("EIO", count),
                                        latency,
                                        count * 3000),
                                new VolumeCounters.Operation("trim", 0, 0, Map.of(), new long[26], 0))));
    }

    private static OpenVolume open(final String name) {
        return new InMemoryDataPlane()
                .open(new VolumeSpec(name, BackendType.MEMORY, null, 4096, false, false, ""))
                .block();
    }
}
