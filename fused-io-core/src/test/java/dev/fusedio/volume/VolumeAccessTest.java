package dev.fusedio.volume;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.loop.SimulatedLoop;
import dev.fusedio.loop.Slab;
import dev.fusedio.ring.Fault;
import dev.fusedio.ring.SimulatedFaults;
import dev.fusedio.ring.SimulatedFile;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Seeds;
import dev.fusedio.sys.SystemCallException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class VolumeAccessTest {
    private static final int BYTES = 128 << 10;

    private final List<Integer> results = new ArrayList<>();
    private SimulatedLoop fixture;
    private SimulatedFile disk;
    private Volume volume;
    private VolumeAccess access;

    @BeforeEach
    void open() throws SystemCallException {
        open(1, SimulatedFaults.none());
    }

    private void open(final long seed, final SimulatedFaults faults) throws SystemCallException {
        fixture = new SimulatedLoop(seed, faults);
        disk = fixture.ring().file(BYTES);
        volume = new Volume("v", "", new SimulatedBackend(disk), false);
        access = new VolumeAccess(fixture.loop(), volume);
        results.clear();
    }

    @AfterEach
    void close() {
        fixture.close();
    }

    @Test
    void bytesCrossBothWays() {
        access.write(1000, ByteBuffer.wrap(new byte[] {1, 2, 3}), results::add);
        fixture.run();
        final ByteBuffer target = ByteBuffer.allocate(5);
        access.read(999, target, results::add);
        access.flush(results::add);
        fixture.run();
        assertThat(results).containsExactly(0, 0, 0);
        assertThat(target.array()).containsExactly(0, 1, 2, 3, 0);
        assertThat(target.hasRemaining()).isFalse();
        assertThat(disk.isDurable(1000, 3)).isTrue();
        fixture.requireNothingLeased();
    }

    @Test
    void onlyWhatRemainsIsTransferred() {
        final ByteBuffer part = ByteBuffer.wrap(new byte[] {9, 1, 2, 9});
        part.position(1).limit(3);
        access.write(0, part, results::add);
        fixture.run();
        assertThat(Arrays.copyOf(disk.content(), 4)).containsExactly(1, 2, 0, 0);
    }

    @Test
    void tellsTheFirstExtent() {
        final List<String> answers = new ArrayList<>();
        final VolumeAccess.ExtentAnswer note =
                (result, length, isHole) -> answers.add(result + " " + length + " " + isHole);
        access.extent(1000, note);
        fixture.run();
        access.extent(-1, note);
        access.extent(BYTES, note);
        assertThat(answers)
                .containsExactly(
                        "0 " + (BYTES - 1000) + " false", -Errno.EINVAL + " 0 false", -Errno.EINVAL + " 0 false");
        fixture.requireNothingLeased();
    }

    @Test
    void aRangeOfNothingEndsWell() {
        access.read(5, ByteBuffer.allocate(0), results::add);
        access.write(5, ByteBuffer.allocate(0), results::add);
        access.write(BYTES, ByteBuffer.allocate(0), results::add);
        fixture.run();
        assertThat(results).containsExactly(0, 0, 0);
    }

    @Test
    void rangesAreChecked() {
        access.read(-1, ByteBuffer.allocate(1), results::add);
        access.read(BYTES, ByteBuffer.allocate(1), results::add);
        access.read(Long.MAX_VALUE, ByteBuffer.allocate(1), results::add);
        access.read(0, ByteBuffer.allocate(VolumeAccess.MAX_LENGTH + 1), results::add);
        access.write(BYTES - 1, ByteBuffer.allocate(2), results::add);
        assertThat(results).containsExactly(-Errno.EINVAL, -Errno.EINVAL, -Errno.EINVAL, -Errno.EINVAL, -Errno.ENOSPC);
        fixture.run();
        assertThat(results).hasSize(5);
    }

    @Test
    void readOnlyMeansReadOnly() {
        final Volume readOnly = new Volume("r", "", new SimulatedBackend(disk), true);
        final VolumeAccess reader = new VolumeAccess(fixture.loop(), readOnly);
        reader.write(0, ByteBuffer.allocate(1), results::add);
        reader.read(0, ByteBuffer.allocate(1), results::add);
        fixture.run();
        assertThat(results).containsExactly(-Errno.EPERM, 0);
    }

    @Test
    void errorsComeToTheCaller() {
        disk.truncate(1000);
        final Volume cut = new Volume("c", "", new LyingSize(new SimulatedBackend(disk), BYTES), false);
        new VolumeAccess(fixture.loop(), cut).read(500, ByteBuffer.allocate(1000), results::add);
        fixture.run();
        assertThat(results).containsExactly(-Errno.EIO);
        fixture.requireNothingLeased();
    }

    @Test
    void aFullMailboxIsEbusy() {
        while (fixture.loop().execute(() -> {})) {
            assertThat(results).isEmpty();
        }
        access.flush(results::add);
        assertThat(results).containsExactly(-Errno.EBUSY);
    }

    @Test
    void callersWaitForMemory() {
        final int blocks = (int) (fixture.loop().slab().length() / Slab.MAX_BLOCK);
        final long[] held = new long[blocks];
        for (int i = 0; i < blocks; i++) {
            held[i] = fixture.loop().slab().lease(Slab.MAX_BLOCK);
        }
        access.read(0, ByteBuffer.allocate(10), results::add);
        fixture.runFor(10_000_000);
        assertThat(results).isEmpty();
        for (final long block : held) {
            fixture.loop().slab().release(block, Slab.MAX_BLOCK);
        }
        fixture.runUntil(() -> !results.isEmpty());
        assertThat(results).containsExactly(0);
    }

    @Test
    void callsAreCounted() {
        access.write(0, ByteBuffer.allocate(4096), results::add);
        access.read(0, ByteBuffer.allocate(512), results::add);
        fixture.run();
        final VolumeStatistics snapshot = volume.statistics();
        assertThat(snapshot.lanes()).isEqualTo(1);
        assertThat(snapshot.inFlight()).isZero();
        assertThat(snapshot.operations().get(VolumeOperation.READ.ordinal()).bytes())
                .isEqualTo(512);
        assertThat(snapshot.operations().get(VolumeOperation.WRITE.ordinal()).count())
                .isEqualTo(1);
        assertThat(volume.acquire(fixture.loop()).users()).isEqualTo(1);
    }

    @Test
    void dataIsWholeWhateverTheKernelDoes() {
        Seeds.forEach(500, seed -> {
            fixture.close();
            open(seed, SimulatedFaults.benign(seed));
            final SplittableRandom random = new SplittableRandom(seed);
            final byte[] model = new byte[BYTES];
            for (int step = 0; step < 10; step++) {
                final byte[] news = new byte[1 + random.nextInt(40_000)];
                random.nextBytes(news);
                final int at = random.nextInt(BYTES - news.length);
                System.arraycopy(news, 0, model, at, news.length);
                access.write(at, ByteBuffer.wrap(news), results::add);
                fixture.run();
                final ByteBuffer target = ByteBuffer.allocate(1 + random.nextInt(40_000));
                final int from = random.nextInt(BYTES - target.capacity());
                access.read(from, target, results::add);
                fixture.run();
                assertThat(target.array()).isEqualTo(Arrays.copyOfRange(model, from, from + target.capacity()));
            }
            assertThat(results).hasSize(20).containsOnly(0);
            fixture.requireNothingLeased();
        });
    }

    @Test
    void aBrokenDeviceNeverLeaksMemory() {
        Seeds.forEach(300, seed -> {
            fixture.close();
            open(seed, SimulatedFaults.hostile(seed).with(Fault.EIO, 200).with(Fault.ENOSPC, 200));
            for (int i = 0; i < 30; i++) {
                access.write(i * 1000L, ByteBuffer.allocate(3000), results::add);
                access.read(i * 1000L, ByteBuffer.allocate(3000), results::add);
                access.flush(results::add);
                fixture.run();
            }
            assertThat(results).hasSize(90).allMatch(result -> result <= 0);
            assertThat(volume.statistics().inFlight()).isZero();
            fixture.requireNothingLeased();
        });
    }

    /** A volume whose file was cut behind its back. */
    private static final class LyingSize implements Backend {
        private final SimulatedBackend inner;
        private final long size;

        private LyingSize(final SimulatedBackend inner, final long size) {
            this.inner = inner;
            this.size = size;
        }

        @Override
        public String description() {
            return inner.description();
        }

        @Override
        public BackendCapabilities capabilities() {
            return inner.capabilities();
        }

        @Override
        public long size() {
            return size;
        }

        @Override
        public long allocatedBytes() {
            return inner.allocatedBytes();
        }

        @Override
        public void grow(final long newSize) {
            throw new AssertionError("nobody calls");
        }

        @Override
        public BackendLane attach(final dev.fusedio.loop.CoreLoop loop) {
            return inner.attach(loop);
        }

        @Override
        public void close() {
            inner.close();
        }
    }
}
