package dev.fusedio.backend.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.fusedio.loop.KernelLoop;
import dev.fusedio.loop.LoopConfig;
import dev.fusedio.loop.LoopGroup;
import dev.fusedio.ring.RingUnavailableException;
import dev.fusedio.sys.Affinity;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Seeds;
import dev.fusedio.volume.BackendLane;
import dev.fusedio.volume.LaneDriver;
import dev.fusedio.volume.Volume;
import dev.fusedio.volume.VolumeAccess;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** File volumes on real files through the kernel's ring. */
class FileBackendIT {
    private static final int BYTES = 1 << 20;
    private static final int PAGE = 4096;

    @TempDir
    private Path directory;

    private final ExecutorService blocking = Executors.newSingleThreadExecutor();
    private KernelLoop fixture;
    private Path path;

    @BeforeEach
    void open() throws IOException {
        fixture = new KernelLoop();
        path = Files.write(directory.resolve("disk.img"), new byte[BYTES]);
    }

    @AfterEach
    void close() {
        if (fixture != null) {
            fixture.close();
        }
        blocking.shutdown();
    }

    private FileBackend backend(final Path which, final boolean direct) throws IOException {
        try {
            return FileBackend.open(which, false, direct, blocking);
        } catch (final IOException e) {
            if (direct) {
                abort("skipped: " + e.getMessage());
            }
            throw e;
        }
    }

    private LaneDriver driver(final BackendLane lane) {
        return new LaneDriver(fixture.loop(), lane, fixture::runUntil);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void againstAnArray(final boolean direct) {
        Seeds.forEach(20, seed -> {
            final SplittableRandom random = new SplittableRandom(seed);
            final byte[] model = Files.readAllBytes(path);
            try (FileBackend backend = backend(path, direct)) {
                final int block = backend.capabilities().minimumBlock();
                final BackendLane lane = backend.attach(fixture.loop());
                final LaneDriver driver = driver(lane);
                for (int step = 0; step < 40; step++) {
                    change(random, driver, model, block);
                }
                assertThat(driver.flush()).isZero();
                lane.detach();
            }
            assertThat(Files.readAllBytes(path)).isEqualTo(model);
        });
    }

    private static void change(
            final SplittableRandom random, final LaneDriver driver, final byte[] model, final int block) {
        final int length = block * (1 + random.nextInt(100_000 / block));
        final int at = block * random.nextInt((BYTES - length) / block);
        switch (random.nextInt(6)) {
            case 0, 1 -> {
                final byte[] news = new byte[length];
                random.nextBytes(news);
                assertThat(driver.write(news, at, random.nextInt(4) == 0)).isZero();
                System.arraycopy(news, 0, model, at, length);
            }
            case 2 -> {
                assertThat(driver.trim(at, length)).isZero();
                Arrays.fill(model, at, at + length, (byte) 0); // a punched hole reads as zeroes
            }
            case 3 -> {
                final boolean mayTrim = random.nextBoolean();
                final int result = driver.zero(at, length, mayTrim);
                if (result == 0) {
                    Arrays.fill(model, at, at + length, (byte) 0);
                } else {
                    assertThat(result).isEqualTo(-Errno.EOPNOTSUPP);
                    assertThat(mayTrim).isFalse();
                }
            }
            case 4 -> assertThat(driver.cache(at, length)).isZero();
            default -> {
                final byte[] read = new byte[length];
                assertThat(driver.read(read, at)).isZero();
                assertThat(read).isEqualTo(Arrays.copyOfRange(model, at, at + length));
            }
        }
    }

    @Test
    void holesAreFound() throws IOException {
        final Path sparse = Files.write(directory.resolve("sparse"), new byte[0]);
        try (FileBackend backend = FileBackend.open(sparse, false, false, blocking)) {
            assumeTrue(backend.capabilities().canExtents(), "skipped: this file system has no SEEK_HOLE");
            backend.grow(16L << 20);
            final LaneDriver driver = driver(backend.attach(fixture.loop()));
            assertThat(driver.extents(0, 16 << 20, 10)).isEqualTo("hole 16777216");
            final byte[] data = new byte[1 << 20];
            Arrays.fill(data, (byte) 1);
            driver.write(data, 4 << 20, true);
            driver.write(data, 9 << 20, true);
            assertThat(driver.extents(0, 16 << 20, 10))
                    .isEqualTo("hole 4194304, data 1048576, hole 4194304, data 1048576, hole 6291456");
            assertThat(driver.extents(0, 16 << 20, 2)).isEqualTo("hole 4194304, data 1048576");
            assertThat(driver.extents((4 << 20) + 5, 100, 10)).isEqualTo("data 100");
            assertThat(driver.extents((4 << 20) - 5, 10, 10)).isEqualTo("hole 5, data 5");
            assertThat(backend.allocatedBytes()).isBetween(2L << 20, 3L << 20);
            driver.trim(4 << 20, 1 << 20);
            assertThat(driver.extents(0, 10 << 20, 10)).isEqualTo("hole 9437184, data 1048576");
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    @DisplayName("fault 24: what lies beyond the end of a file that was cut is an error for block status as for reads")
    void aFileThatShrinks(final boolean sparse) throws IOException {
        final Path cut = Files.write(directory.resolve("cut"), new byte[1 << 20]);
        try (FileBackend backend = FileBackend.open(cut, false, false, blocking)) {
            if (sparse) {
                backend.noteHoles();
            }
            final LaneDriver driver = driver(backend.attach(fixture.loop()));
            assertThat(driver.extents(0, 1 << 20, 10)).isEqualTo("data 1048576");
            for (final int left : new int[] {1 << 19, 0}) {
                try (FileChannel channel = FileChannel.open(cut, StandardOpenOption.WRITE)) {
                    channel.truncate(left);
                }
                assertThat(driver.extents(0, 1 << 20, 10)).isEqualTo(Integer.toString(-Errno.EIO));
                assertThat(driver.extents(1 << 19, 1 << 19, 64)).isEqualTo(Integer.toString(-Errno.EIO));
                assertThat(driver.read(new byte[PAGE], 1 << 19)).isEqualTo(-Errno.EIO);
            }
        }
    }

    @Test
    @DisplayName("fault 24: a device that was set read-only is not offered for writing")
    void aReadOnlyDevice() throws Exception {
        final Process attach = new ProcessBuilder("losetup", "--find", "--show", path.toString()).start();
        final String device = new String(attach.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        assumeTrue(attach.waitFor() == 0, "skipped: a loop device can't be had here");
        try {
            new ProcessBuilder("blockdev", "--setro", device).start().waitFor();
            try (FileBackend backend = FileBackend.open(Path.of(device), false, false, blocking)) {
                assertThat(backend.capabilities().readOnly()).isTrue();
                assertThat(backend.capabilities().canTrim()).isFalse();
            }
            new ProcessBuilder("blockdev", "--setrw", device).start().waitFor();
            try (FileBackend backend = FileBackend.open(Path.of(device), false, false, blocking)) {
                assertThat(backend.capabilities().readOnly()).isFalse();
            }
        } finally {
            new ProcessBuilder("losetup", "--detach", device).start().waitFor();
        }
    }

    @Test
    void extentsAreAllDataWhenNobodyHasTimeToLook() throws IOException {
        blocking.shutdown(); // it rejects tasks from now on, as a full queue does
        try (FileBackend backend = FileBackend.open(path, false, false, blocking)) {
            assertThat(driver(backend.attach(fixture.loop())).extents(0, BYTES, 10))
                    .isEqualTo("data " + BYTES);
        }
    }

    @Test
    void growsOnline() throws IOException {
        try (FileBackend backend = FileBackend.open(path, false, false, blocking)) {
            final LaneDriver driver = driver(backend.attach(fixture.loop()));
            assertThat(driver.read(new byte[10], BYTES)).isEqualTo(-Errno.EIO);
            backend.grow(3L << 20);
            assertThat(backend.size()).isEqualTo(3L << 20).isEqualTo(Files.size(path));
            final byte[] read = new byte[10];
            assertThat(driver.read(read, BYTES)).isZero();
            assertThat(read).containsOnly(0);
            assertThatIllegalArgumentException().isThrownBy(() -> backend.grow(BYTES));
        }
    }

    @Test
    void aReadOnlyFileIsNotWritten() throws IOException {
        try (FileBackend backend = FileBackend.open(path, true, false, blocking)) {
            assertThat(backend.capabilities().readOnly()).isTrue();
            assertThat(backend.capabilities().canTrim()).isFalse();
            final LaneDriver driver = driver(backend.attach(fixture.loop()));
            assertThat(driver.read(new byte[PAGE], 0)).isZero();
            assertThat(driver.write(new byte[PAGE], 0, false)).isEqualTo(-Errno.EBADF);
            assertThat(driver.trim(0, PAGE)).isEqualTo(-Errno.EBADF);
            assertThatExceptionOfType(IOException.class)
                    .isThrownBy(() -> backend.grow(2 * BYTES))
                    .withMessageContaining(path.toString());
        }
    }

    @Test
    void whatCannotBeOpenedIsExplained() throws IOException {
        assertRefused(directory.resolve("missing"), false, "No such file or directory");
        assertRefused(directory, true, "neither a regular file nor a block device");
        assertRefused(Path.of("/dev/null"), false, "neither a regular file nor a block device");
    }

    private void assertRefused(final Path which, final boolean readOnly, final String reason) {
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(
                        () -> FileBackend.open(which, readOnly, false, blocking).close())
                .withMessageContaining(which.toString())
                .withMessageContaining(reason);
    }

    @Test
    void directAccessNeedsAWholeNumberOfBlocks() throws IOException {
        backend(path, true).close();
        final Path odd = Files.write(directory.resolve("odd"), new byte[BYTES + 100]);
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> FileBackend.open(odd, false, true, blocking).close())
                .withMessageContaining("direct I/O");
        try (FileBackend backend = backend(path, true)) {
            assertThat(backend.description()).contains("(direct)");
            assertThat(backend.attach(fixture.loop()).writesInline()).isFalse();
            assertThatExceptionOfType(IOException.class)
                    .isThrownBy(() -> backend.grow(BYTES + 1))
                    .withMessageContaining("direct I/O");
        }
    }

    @Test
    void payloadIsCountedAsBorrowed() throws IOException {
        try (FileBackend backend = FileBackend.open(path, false, false, blocking)) {
            final LaneDriver driver = driver(backend.attach(fixture.loop()));
            driver.write(new byte[10_000], 0, false);
            driver.read(new byte[20_000], 0);
            assertThat(fixture.loop().snapshot().borrowedBytes()).isEqualTo(30_000);
            assertThat(fixture.loop().snapshot().copiedBytes()).isZero();
        }
    }

    @Test
    void aFullFileSystemIsEnospc() throws Exception {
        final Path mount = Files.createDirectory(directory.resolve("small"));
        final Process mounting = new ProcessBuilder("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", mount.toString())
                .redirectErrorStream(true)
                .start();
        assumeTrue(mounting.waitFor() == 0, "skipped: mounting a small file system takes root");
        try {
            final Path full = Files.write(mount.resolve("disk"), new byte[0]);
            try (FileBackend backend = FileBackend.open(full, false, false, blocking)) {
                backend.grow(16L << 20); // sparse: the claim is larger than the file system
                final BackendLane lane = backend.attach(fixture.loop());
                final LaneDriver driver = driver(lane);
                final byte[] data = new byte[1 << 20];
                assertThat(driver.write(data, 0, false)).isIn(0, -Errno.ENOSPC);
                assertThat(driver.write(data, 4 << 20, false)).isEqualTo(-Errno.ENOSPC);
                assertThat(driver.write(data, 4 << 20, true)).isEqualTo(-Errno.ENOSPC);
                assertThat(driver.trim(0, 16 << 20)).isZero();
                assertThat(driver.write(new byte[PAGE], 4 << 20, false))
                        .as("room again")
                        .isZero();
                lane.detach();
            }
        } finally {
            assertThat(new ProcessBuilder("umount", "--lazy", mount.toString())
                            .start()
                            .waitFor())
                    .isZero();
        }
    }

    /** A volume as the control plane uses it: over loops on other threads, closed while they run. */
    @Test
    void aVolumeLetsGoOfItsLoopsWhenItCloses() throws Exception {
        final int core = Affinity.allowed().getFirst();
        final LoopConfig config = new LoopConfig(List.of(core, core), false, 64, 2 << 20, 16, 65536, 64);
        final List<Throwable> errors = new ArrayList<>();
        try (LoopGroup group = LoopGroup.start(config, errors::add)) {
            final Volume volume = new Volume("v", "", FileBackend.open(path, false, false, group.blocking()), false);
            final BlockingQueue<Integer> results = new ArrayBlockingQueue<>(10);
            for (int i = 0; i < 4; i++) {
                final VolumeAccess access = new VolumeAccess(group.loops().get(i % 2), volume);
                final byte[] data = new byte[PAGE];
                Arrays.fill(data, (byte) (i + 1));
                access.write((long) i * PAGE, ByteBuffer.wrap(data), results::add);
                assertThat(results.poll(30, TimeUnit.SECONDS)).isZero();
            }
            assertThat(volume.statistics().lanes()).isEqualTo(2);
            volume.close();
            assertThat(volume.statistics().lanes()).isZero();
        } catch (final RingUnavailableException e) {
            abort("skipped: " + e.getMessage());
        }
        assertThat(errors).isEmpty();
        final byte[] written = Files.readAllBytes(path);
        for (int i = 0; i < 4; i++) {
            assertThat(written[i * PAGE]).isEqualTo((byte) (i + 1));
        }
    }

    @Test
    void aVolumeClosesAfterItsLoopsHaveEnded() throws Exception {
        final int core = Affinity.allowed().getFirst();
        final LoopConfig config = new LoopConfig(List.of(core), false, 64, 2 << 20, 16, 65536, 64);
        final Volume volume = new Volume("v", "", FileBackend.open(path, false, false, blocking), false);
        try (LoopGroup group = LoopGroup.start(config, error -> {})) {
            final BlockingQueue<Integer> results = new ArrayBlockingQueue<>(1);
            new VolumeAccess(group.next(), volume).flush(results::add);
            assertThat(results.poll(30, TimeUnit.SECONDS)).isZero();
        }
        volume.close();
    }
}
