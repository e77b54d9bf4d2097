package dev.fusedio.backend.wrap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.fusedio.backend.memory.MemoryBackend;
import dev.fusedio.fused.FusedCommand;
import dev.fusedio.loop.SimulatedLoop;
import dev.fusedio.ring.SimulatedFaults;
import dev.fusedio.ring.SimulatedFile;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.SystemCallException;
import dev.fusedio.volume.Backend;
import dev.fusedio.volume.BackendLane;
import dev.fusedio.volume.LaneDriver;
import dev.fusedio.volume.SimulatedBackend;
import dev.fusedio.volume.VolumeOperation;
import java.lang.management.ManagementFactory;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class DelayBackendTest {
    private static final int BYTES = 64 << 10;
    private static final long DELAY = 3_000_000;

    private SimulatedLoop fixture;
    private SimulatedFile disk;

    @BeforeEach
    void open() throws SystemCallException {
        fixture = new SimulatedLoop(1, SimulatedFaults.none());
        disk = fixture.ring().file(BYTES);
    }

    @AfterEach
    void close() {
        fixture.close();
    }

    private BackendLane lane(final Set<VolumeOperation> operations) {
        return new DelayBackend(new SimulatedBackend(disk), operations, DELAY).attach(fixture.loop());
    }

    private LaneDriver driver(final Set<VolumeOperation> operations) {
        return new LaneDriver(fixture.loop(), lane(operations), fixture::runUntil);
    }

    private long duration(final LaneDriver driver, final VolumeOperation operation) {
        final long begin = fixture.time().nanos();
        final int result = switch (operation) {
            case READ -> driver.read(new byte[4096], 0);
            case WRITE -> driver.write(new byte[] {1, 2, 3}, 0, false);
            case FLUSH -> driver.flush();
            case TRIM -> driver.trim(0, 4096);
            case ZERO -> driver.zero(0, 4096, true);
            case CACHE -> driver.cache(0, 4096);
            case EXTENTS -> driver.extents(0, BYTES, 8).equals("data " + BYTES) ? 0 : -1;
        };
        assertThat(result).isZero();
        return fixture.time().nanos() - begin;
    }

    @ParameterizedTest
    @EnumSource
    void theChosenOperationLastsAndNoOther(final VolumeOperation chosen) {
        final LaneDriver driver = driver(EnumSet.of(chosen));
        for (final VolumeOperation operation : VolumeOperation.values()) {
            assertThat(duration(driver, operation)).as("%s", operation).isEqualTo(operation == chosen ? DELAY : 0);
        }
    }

    @Test
    void dataIsTheSame() {
        final LaneDriver driver = driver(EnumSet.allOf(VolumeOperation.class));
        assertThat(driver.write(new byte[] {1, 2, 3}, 1000, true)).isZero();
        assertThat(disk.isDurable(1000, 3)).isTrue();
        final byte[] read = new byte[4];
        assertThat(driver.read(read, 1000)).isZero();
        assertThat(read).containsExactly(1, 2, 3, 0);
    }

    @Test
    void anErrorComesLateAsWell() {
        final LaneDriver driver = driver(EnumSet.of(VolumeOperation.READ));
        final long begin = fixture.time().nanos();
        assertThat(driver.read(new byte[10], BYTES)).isEqualTo(-Errno.EIO);
        assertThat(fixture.time().nanos() - begin).isEqualTo(DELAY);
    }

    @Test
    void anErrorThatIsKnownAtOnceComesLate() {
        final Backend failing =
                new ErrorBackend(new SimulatedBackend(disk), EnumSet.of(VolumeOperation.FLUSH), Errno.EIO, 1, 1);
        final BackendLane lane =
                new DelayBackend(failing, EnumSet.of(VolumeOperation.FLUSH), DELAY).attach(fixture.loop());
        final LaneDriver driver = new LaneDriver(fixture.loop(), lane, fixture::runUntil);
        final long begin = fixture.time().nanos();
        assertThat(driver.flush()).isEqualTo(-Errno.EIO);
        assertThat(fixture.time().nanos() - begin).isEqualTo(DELAY);
    }

    @Test
    void aCommandThatIsFinishedMeanwhileCompletesInTheEnd() {
        final Owner owner = new Owner();
        final FusedCommand command = new FusedCommand(fixture.loop(), owner);
        final BackendLane lane = lane(EnumSet.of(VolumeOperation.WRITE));
        command.lease(4096);
        command.seal();
        assertThat(lane.write(command, 0, 4096, 0, false)).isEqualTo(FusedCommand.PENDING);
        command.finish(4096);
        fixture.run();
        assertThat(owner.completions).isZero();
        fixture.runFor(DELAY);
        assertThat(owner.completions).isEqualTo(1);
        assertThat(owner.result).isEqualTo(4096);
        fixture.requireNothingLeased();
    }

    @Test
    void aCommandThatIsNotOpenIsRefusedAtOnce() {
        final FusedCommand command = new FusedCommand(fixture.loop(), new Owner());
        for (final VolumeOperation operation : EnumSet.complementOf(EnumSet.of(VolumeOperation.EXTENTS))) {
            final BackendLane lane = lane(EnumSet.of(operation));
            final int result = switch (operation) {
                case READ -> lane.read(command, 0, 1, 0);
                case WRITE -> lane.write(command, 0, 1, 0, false);
                case FLUSH -> lane.flush(command);
                case TRIM -> lane.trim(command, 0, 1);
                case ZERO -> lane.zero(command, 0, 1, true);
                case CACHE -> lane.cache(command, 0, 1);
                case EXTENTS -> throw new AssertionError();
            };
            assertThat(result).as("%s", operation).isEqualTo(-Errno.EINVAL);
        }
    }

    @Test
    void manyWaitAtOnce() {
        final BackendLane lane = lane(EnumSet.of(VolumeOperation.CACHE));
        final Owner owner = new Owner();
        for (int i = 0; i < 100; i++) {
            final FusedCommand command = new FusedCommand(fixture.loop(), owner);
            command.startWithoutBuffer();
            assertThat(lane.cache(command, 0, 4096)).isEqualTo(FusedCommand.PENDING);
            command.finish(0);
        }
        fixture.runFor(DELAY - 1);
        assertThat(owner.completions).isZero();
        fixture.runFor(1);
        assertThat(owner.completions).isEqualTo(100);
    }

    @Test
    void declaresWhatItCan() {
        final SimulatedBackend inner = new SimulatedBackend(disk);
        final DelayBackend slowZero = new DelayBackend(inner, EnumSet.of(VolumeOperation.ZERO), DELAY);
        assertThat(slowZero.capabilities().canFastZero()).isFalse();
        assertThat(slowZero.capabilities().canTrim()).isTrue();
        final DelayBackend slowBoth =
                new DelayBackend(inner, EnumSet.of(VolumeOperation.ZERO, VolumeOperation.WRITE), DELAY);
        assertThat(slowBoth.capabilities()).isEqualTo(inner.capabilities());
        assertThat(slowZero.description()).startsWith(inner.description()).contains("ZERO");
    }

    @Test
    void writesAreInlineOnlyWhereTheyAreNotDelayed() throws SystemCallException {
        final MemoryBackend memory = new MemoryBackend(BYTES);
        assertThat(new DelayBackend(memory, EnumSet.of(VolumeOperation.READ), DELAY)
                        .attach(fixture.loop())
                        .writesInline())
                .isTrue();
        assertThat(new DelayBackend(memory, EnumSet.of(VolumeOperation.WRITE), DELAY)
                        .attach(fixture.loop())
                        .writesInline())
                .isFalse();
    }

    @Test
    void aDelayIsPositive() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new DelayBackend(new SimulatedBackend(disk), Set.of(), 0));
    }

    @Test
    void waitingAllocatesNothingOnceWarm() throws SystemCallException {
        final MemoryBackend memory = new MemoryBackend(BYTES);
        final BackendLane lane =
                new DelayBackend(memory, EnumSet.of(VolumeOperation.READ), DELAY).attach(fixture.loop());
        final Owner owner = new Owner();
        final FusedCommand command = new FusedCommand(fixture.loop(), owner);
        final com.sun.management.ThreadMXBean threads =
                (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        long smallest = Long.MAX_VALUE;
        for (int i = 0; i < 50; i++) {
            command.lease(4096);
            final long before = threads.getCurrentThreadAllocatedBytes();
            lane.read(command, 0, 4096, 0);
            smallest = Math.min(smallest, threads.getCurrentThreadAllocatedBytes() - before);
            command.finish(0);
            fixture.runFor(DELAY);
        }
        assertThat(owner.completions).isEqualTo(50);
        assertThat(smallest).isZero();
    }

    private static final class Owner implements FusedCommand.Owner {
        private int completions;
        private int result;

        @Override
        public void onSecondariesDone(final int firstError) {
            throw new AssertionError("the command is finished or done; nobody is to be told");
        }

        @Override
        public void onCommandComplete(final int outcome) {
            completions++;
            result = outcome;
        }

        @Override
        public void onFailure(final RuntimeException e) {
            throw new AssertionError("a callback let an exception through", e);
        }
    }
}
