package dev.fusedio.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.fusedio.loop.SimulatedLoop;
import dev.fusedio.ring.SimulatedFaults;
import dev.fusedio.ring.SimulatedFile;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.SystemCallException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class VolumeTest {
    private SimulatedLoop fixture;
    private SimulatedFile disk;
    private Volume volume;

    @BeforeEach
    void open() throws SystemCallException {
        fixture = new SimulatedLoop(1, SimulatedFaults.none());
        disk = fixture.ring().file(65536);
        volume = new Volume("disk", "a disk", new SimulatedBackend(disk), false);
    }

    @AfterEach
    void close() {
        fixture.close();
    }

    @Test
    void aLoopHasOneLane() {
        final Volume.Lane first = volume.acquire(fixture.loop());
        final Volume.Lane second = volume.acquire(fixture.loop());
        assertThat(second).isSameAs(first);
        assertThat(first.users()).isEqualTo(2);
        first.release();
        second.release();
        assertThat(first.users()).isZero();
        assertThatIllegalStateException().isThrownBy(first::release);
        assertThat(volume.acquire(fixture.loop())).as("kept while idle").isSameAs(first);
        assertThat(fixture.ring().installedFiles()).isEqualTo(1);
    }

    @Test
    void loopsHaveLanesOfTheirOwnAndTheirCountsAreSummed() throws SystemCallException {
        try (SimulatedLoop other = new SimulatedLoop(2, SimulatedFaults.none())) {
            final Volume.Lane here = volume.acquire(fixture.loop());
            final Volume.Lane there = volume.acquire(other.loop());
            assertThat(there).isNotSameAs(here);
            here.counters().start();
            here.counters().end(VolumeOperation.READ.ordinal(), 100, 1500, 0);
            there.counters().start();
            there.counters().end(VolumeOperation.READ.ordinal(), 50, 1500, Errno.EIO);
            there.counters().start();
            there.counters().end(VolumeOperation.READ.ordinal(), 50, 500, Errno.EBADF);
            there.counters().start();
            final VolumeStatistics snapshot = volume.statistics();
            assertThat(snapshot.lanes()).isEqualTo(2);
            assertThat(snapshot.inFlight()).isEqualTo(1);
            assertThat(snapshot.operations())
                    .extracting(VolumeStatistics.Operation::operation)
                    .containsExactly(VolumeOperation.values());
            final VolumeStatistics.Operation reads = snapshot.operations().get(VolumeOperation.READ.ordinal());
            assertThat(reads.count()).isEqualTo(3);
            assertThat(reads.bytes()).isEqualTo(100);
            assertThat(reads.latency()[0]).isEqualTo(1);
            assertThat(reads.latency()[1]).isEqualTo(2);
            assertThat(reads.latencySumNanos()).isEqualTo(3500);
            assertThat(reads.errors()).hasSize(2).containsEntry("EIO", 1L);
            assertThat(reads.errors().values()).containsOnly(1L);
        }
    }

    @Test
    void readOnlyIsTheVolumesOrItsBackends() {
        assertThat(volume.readOnly()).isFalse();
        assertThat(volume.capabilities()).isEqualTo(volume.backend().capabilities());
        final Volume refused = new Volume("r", "", new SimulatedBackend(disk), true);
        assertThat(refused.readOnly()).isTrue();
        assertThat(refused.capabilities().readOnly()).isTrue();
        assertThat(refused.capabilities().canTrim()).isFalse();
    }

    @Test
    void growsWhileItIsUsed() throws Exception {
        final Volume.Lane lane = volume.acquire(fixture.loop());
        final LaneDriver driver = new LaneDriver(fixture.loop(), lane.backend(), fixture::runUntil);
        assertThat(driver.read(new byte[1], 65536)).isEqualTo(-Errno.EIO);
        volume.backend().grow(2 * 65536);
        assertThat(volume.size()).isEqualTo(2 * 65536);
        assertThat(driver.read(new byte[1], 65536)).isZero();
    }

    @Test
    void knowsItsName() {
        assertThat(volume.name()).isEqualTo("disk");
        assertThat(volume.description()).isEqualTo("a disk");
    }
}
