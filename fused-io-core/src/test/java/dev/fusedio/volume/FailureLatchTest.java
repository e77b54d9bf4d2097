package dev.fusedio.volume;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.backend.wrap.DelayBackend;
import dev.fusedio.fused.FusedCommand;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.loop.SimulatedLoop;
import dev.fusedio.ring.SimulatedFaults;
import dev.fusedio.ring.SimulatedFile;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.SystemCallException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FailureLatchTest {
    private final List<Integer> told = new ArrayList<>();
    private SimulatedLoop here;
    private SimulatedLoop there;
    private SimulatedFile disk;
    private FlushesOnce storage;
    private Volume volume;
    private LaneDriver a;
    private LaneDriver b;

    @BeforeEach
    void open() throws SystemCallException {
        here = new SimulatedLoop(1, SimulatedFaults.none());
        there = new SimulatedLoop(2, SimulatedFaults.none());
        disk = here.ring().file(65536);
        storage = new FlushesOnce(new SimulatedBackend(disk));
        volume = new Volume("v", "", storage, false, new FailureLatch(told::add));
        a = driver(here, volume);
        // the second loop's kernel has a file of its own; what they share is the volume
        storage.other = there.loop();
        storage.onOther = new SimulatedBackend(there.ring().file(65536)).attach(there.loop());
        b = driver(there, volume);
    }

    private static LaneDriver driver(final SimulatedLoop loop, final Volume volume) {
        return new LaneDriver(loop.loop(), volume.acquire(loop.loop()).backend(), loop::runUntil);
    }

    @AfterEach
    void close() {
        here.close();
        there.close();
    }

    @ParameterizedTest
    @ValueSource(ints = {Errno.EIO, Errno.ENOSPC, Errno.EDQUOT})
    @DisplayName("fault 5: one failed flush fails every flush and durable write of every loop, and reads go on")
    void oneFailureIsEverybodys(final int errno) {
        assertThat(b.flush()).isZero();
        storage.nextFlush = -errno;
        assertThat(a.flush()).isEqualTo(-errno);
        for (int round = 0; round < 3; round++) {
            assertThat(b.flush()).isEqualTo(-Errno.EIO);
            assertThat(a.flush()).isEqualTo(-Errno.EIO);
            assertThat(b.write(new byte[512], 0, true)).isEqualTo(-Errno.EIO);
            assertThat(a.write(new byte[512], 0, true)).isEqualTo(-Errno.EIO);
        }
        assertThat(storage.flushes).as("the storage is not asked any more").isEqualTo(2);
        assertThat(a.write(new byte[] {7}, 5, false)).isZero();
        final byte[] read = new byte[1];
        assertThat(a.read(read, 5)).isZero();
        assertThat(read).containsExactly(7);
        assertThat(told).containsExactly(errno);
        assertThat(volume.failure().errno()).isEqualTo(errno);
    }

    @Test
    @DisplayName("fault 5: a failed durable write latches, and callers outside the loops are told as sessions are")
    void durableWritesAndOtherThreads() {
        storage.nextDurable = -Errno.EIO;
        assertThat(b.write(new byte[512], 0, true)).isEqualTo(-Errno.EIO);
        assertThat(a.flush()).isEqualTo(-Errno.EIO);
        final List<Integer> results = new ArrayList<>();
        final VolumeAccess access = new VolumeAccess(here.loop(), volume);
        access.flush(results::add);
        access.read(0, ByteBuffer.allocate(8), results::add);
        here.run();
        assertThat(results).containsExactlyInAnyOrder(-Errno.EIO, 0);
        assertThat(told).containsExactly(Errno.EIO);
    }

    @ParameterizedTest
    @ValueSource(ints = {Errno.EINVAL, Errno.ECONNRESET, Errno.EOPNOTSUPP, Errno.ENOMEM, Errno.ESHUTDOWN})
    @DisplayName("fault 5: a refusal that loses nothing does not latch")
    void refusalsPass(final int errno) {
        storage.nextFlush = -errno;
        assertThat(a.flush()).isEqualTo(-errno);
        assertThat(a.flush()).isZero();
        assertThat(b.flush()).isZero();
        assertThat(told).isEmpty();
    }

    @Test
    @DisplayName("fault 5: a write that fails in sight of its client does not latch, nor does a read")
    void otherErrorsPass() {
        assertThat(a.read(new byte[1], 65536)).isEqualTo(-Errno.EIO);
        storage.nextPlain = -Errno.ENOSPC;
        assertThat(a.write(new byte[512], 0, false)).isEqualTo(-Errno.ENOSPC);
        assertThat(a.flush()).isZero();
        assertThat(told).isEmpty();
    }

    @Test
    @DisplayName("fault 5: a flush that was under way when another failed does not succeed after it")
    void successesAfterAFailureDoNotCount() {
        final Volume slow = new Volume(
                "s",
                "",
                new DelayBackend(storage, Set.of(VolumeOperation.FLUSH), 1_000_000),
                false,
                new FailureLatch(told::add));
        final List<Integer> results = new ArrayList<>();
        final VolumeAccess access = new VolumeAccess(here.loop(), slow);
        storage.nextFlush = -Errno.EIO;
        access.flush(results::add); // the kernel tells this one, and nobody else
        access.flush(results::add);
        access.flush(results::add);
        here.runUntil(() -> results.size() == 3);
        assertThat(storage.flushes).isEqualTo(3);
        assertThat(results).containsExactly(-Errno.EIO, -Errno.EIO, -Errno.EIO);
        assertThat(told).containsExactly(Errno.EIO);
    }

    @Test
    @DisplayName("fault 5: volumes on one backend fail together, a volume opened anew starts afresh")
    void latchesGoWithTheBackend() {
        final Volume second = new Volume("w", "", storage, false, volume.failure());
        storage.nextFlush = -Errno.EIO;
        assertThat(a.flush()).isEqualTo(-Errno.EIO);
        assertThat(driver(here, second).flush()).isEqualTo(-Errno.EIO);
        assertThat(driver(here, new Volume("v", "", storage, false)).flush()).isZero();
    }

    /** A backend that tells of one failure once, as the kernel does. */
    private static final class FlushesOnce implements Backend {
        private final Backend inner;
        private CoreLoop other;
        private BackendLane onOther;
        private int nextFlush;
        private int nextDurable;
        private int nextPlain;
        private int flushes;

        private FlushesOnce(final Backend inner) {
            this.inner = inner;
        }

        @Override
        public String description() {
            return "fails once";
        }

        @Override
        public BackendCapabilities capabilities() {
            return inner.capabilities();
        }

        @Override
        public long size() {
            return inner.size();
        }

        @Override
        public long allocatedBytes() {
            return inner.size();
        }

        @Override
        public void grow(final long newSize) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void close() {
            // nothing of its own
        }

        @Override
        public BackendLane attach(final CoreLoop loop) {
            final BackendLane next = loop == other ? Objects.requireNonNull(onOther) : inner.attach(loop);
            return new BackendLane() {
                @Override
                public int read(final FusedCommand command, final int offset, final int length, final long position) {
                    return next.read(command, offset, length, position);
                }

                @Override
                public int write(
                        final FusedCommand command,
                        final int offset,
                        final int length,
                        final long position,
                        final boolean durable) {
                    final int fails = durable ? nextDurable : nextPlain;
                    nextDurable = durable ? 0 : nextDurable;
                    nextPlain = durable ? nextPlain : 0;
                    return fails != 0 ? fails : next.write(command, offset, length, position, durable);
                }

                @Override
                public boolean writesInline() {
                    return false;
                }

                @Override
                public int flush(final FusedCommand command) {
                    final int fails = nextFlush;
                    nextFlush = 0;
                    flushes++;
                    return fails != 0 ? fails : next.flush(command);
                }

                @Override
                public int trim(final FusedCommand command, final long position, final long length) {
                    return next.trim(command, position, length);
                }

                @Override
                public int zero(
                        final FusedCommand command, final long position, final long length, final boolean mayTrim) {
                    return next.zero(command, position, length, mayTrim);
                }

                @Override
                public int cache(final FusedCommand command, final long position, final int length) {
                    return next.cache(command, position, length);
                }

                @Override
                public void extents(final ExtentQuery query) {
                    next.extents(query);
                }

                @Override
                public void detach() {
                    next.detach();
                }
            };
        }
    }
}
