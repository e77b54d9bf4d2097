package dev.fusedio.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.fusedio.backend.file.FileBackend;
import dev.fusedio.loop.LoopConfig;
import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.sys.Errno;
import dev.fusedio.volume.Volume;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The server over real files: holes, O_DIRECT, read-only, growth, durability over several connections, a full disk. */
class FileExportIT {
    private static final int MIB = 1 << 20;
    private static final int FUA = NbdProtocol.CMD_FLAG_FUA;

    @TempDir
    private Path folder;

    private Path sparse(final String name, final long size) throws IOException {
        final Path file = folder.resolve(name);
        try (RandomAccessFile access = new RandomAccessFile(file.toFile(), "rw")) {
            access.setLength(size);
        }
        return file;
    }

    private static TestServer serve(final Path file, final boolean readOnly, final boolean direct) throws IOException {
        return new TestServer(
                LoopConfig.ofAllowedCores(),
                NbdLimits.defaults(),
                loops -> List.of(new Volume(
                        TestServer.EXPORT, "", FileBackend.open(file, readOnly, direct, loops.blocking()), readOnly)));
    }

    @ParameterizedTest
    @EnumSource(
            value = Headers.class,
            names = {"STRUCTURED", "EXTENDED"})
    void holesAreToldOf(final Headers headers) throws IOException {
        final Path file = sparse("holes", 16 * MIB);
        final byte[] data = Patterns.random(1, MIB);
        try (RandomAccessFile access = new RandomAccessFile(file.toFile(), "rw")) {
            access.seek(4 * MIB);
            access.write(data);
        }
        try (TestServer server = serve(file, false, false);
                WireClient client = server.open(headers)) {
            final Reply all = client.request(NbdProtocol.CMD_READ, 0, 0, 16 * MIB);
            assertThat(all.error()).isZero();
            assertThat(all.holes()).isEqualTo(2);
            final byte[] expected = new byte[16 * MIB];
            System.arraycopy(data, 0, expected, 4 * MIB, MIB);
            assertThat(all.data()).isEqualTo(expected);
            final Reply whole = client.request(NbdProtocol.CMD_READ, NbdProtocol.CMD_FLAG_DF, 3 * MIB, 2 * MIB);
            assertThat(whole.holes()).isZero();
            assertThat(whole.data()).isEqualTo(Arrays.copyOfRange(expected, 3 * MIB, 5 * MIB));
            assertThat(client.request(NbdProtocol.CMD_BLOCK_STATUS, 0, 0, 16 * MIB)
                            .extents())
                    .containsExactly(
                            new Reply.Extent(4 * MIB, 3), new Reply.Extent(MIB, 0), new Reply.Extent(11 * MIB, 3));
            assertThat(client.request(NbdProtocol.CMD_BLOCK_STATUS, NbdProtocol.CMD_FLAG_REQ_ONE, MIB, 8 * MIB)
                            .extents())
                    .containsExactly(new Reply.Extent(3 * MIB, 3));
            // punched and read again
            assertThat(client.request(NbdProtocol.CMD_TRIM, 0, 4 * MIB, MIB).error())
                    .isZero();
            assertThat(client.request(NbdProtocol.CMD_READ, 0, 0, 16 * MIB).holes())
                    .isEqualTo(1);
            // NO_HOLE keeps the storage
            assertThat(client.request(NbdProtocol.CMD_WRITE_ZEROES, NbdProtocol.CMD_FLAG_NO_HOLE, 8 * MIB, MIB)
                            .error())
                    .isZero();
            assertThat(client.read(8 * MIB, MIB)).isEqualTo(new byte[MIB]);
            client.disconnect();
        }
    }

    @ParameterizedTest
    @EnumSource(Headers.class)
    void aModelOfWritesThroughTheRing(final Headers headers) throws IOException {
        final Path file = sparse("model", 8 * MIB);
        final byte[] model = new byte[8 * MIB];
        final long seed = 77;
        final java.util.SplittableRandom random = new java.util.SplittableRandom(seed);
        try (TestServer server = serve(file, false, false);
                WireClient client = server.open(headers)) {
            for (int i = 0; i < 300; i++) {
                final int length = 1 + random.nextInt(i % 20 == 0 ? 5 * MIB : 70_000);
                final int at = random.nextInt(model.length - length);
                switch (random.nextInt(4)) {
                    case 0 ->
                        assertThat(client.read(at, length))
                                .as("seed %d step %d", seed, i)
                                .isEqualTo(Arrays.copyOfRange(model, at, at + length));
                    case 1 -> {
                        assertThat(client.request(NbdProtocol.CMD_WRITE_ZEROES, 0, at, length)
                                        .error())
                                .isZero();
                        Arrays.fill(model, at, at + length, (byte) 0);
                    }
                    default -> {
                        final byte[] data = Patterns.random(i, length);
                        final int flags = i % 5 == 0 ? FUA : 0;
                        assertThat(client.await(client.submit(NbdProtocol.CMD_WRITE, flags, at, data))
                                        .error())
                                .isZero();
                        System.arraycopy(data, 0, model, at, length);
                    }
                }
            }
            assertThat(client.flush()).isZero();
            client.disconnect();
        }
        assertThat(Files.readAllBytes(file)).isEqualTo(model);
    }

    @ParameterizedTest
    @EnumSource(Headers.class)
    void readOnlyExports(final Headers headers) throws IOException {
        final Path file = sparse("read-only", MIB);
        try (TestServer server = serve(file, true, false);
                WireClient client = server.open(headers)) {
            assertThat(client.transmissionFlags() & NbdProtocol.FLAG_READ_ONLY).isNotZero();
            assertThat(client.write(0, new byte[512])).isEqualTo(Errno.EPERM);
            assertThat(client.write(0, new byte[MIB])).isEqualTo(Errno.EPERM);
            assertThat(client.request(NbdProtocol.CMD_TRIM, 0, 0, 512).error()).isEqualTo(Errno.EPERM);
            assertThat(client.request(NbdProtocol.CMD_WRITE_ZEROES, 0, 0, 512).error())
                    .isEqualTo(Errno.EPERM);
            assertThat(client.flush()).isZero();
            assertThat(client.request(NbdProtocol.CMD_CACHE, 0, 0, 512).error()).isZero();
            assertThat(client.read(0, MIB)).isEqualTo(new byte[MIB]);
            client.disconnect();
        }
        assertThat(Files.readAllBytes(file)).isEqualTo(new byte[MIB]);
    }

    @Test
    void directExportsRefuseWhatIsNotAligned() throws IOException {
        final Path file = sparse("direct", 8 * MIB);
        final TestServer server;
        try {
            server = serve(file, false, true);
        } catch (final IOException e) {
            assumeThat(false).as("no O_DIRECT here: %s", e.getMessage()).isTrue();
            return;
        }
        try (server;
                WireClient client = server.connect()) {
            client.greet();
            final int block = client.ask(NbdProtocol.OPT_INFO, Wire.info("", NbdProtocol.INFO_BLOCK_SIZE)).stream()
                    .filter(reply -> reply.data().length == 14)
                    .mapToInt(reply -> reply.in().getInt(2))
                    .findFirst()
                    .orElseThrow();
            assertThat(block).isGreaterThanOrEqualTo(512);
            client.go("");
            final byte[] data = Patterns.random(4, 5 * MIB);
            assertThat(client.write(block, data)).isZero();
            assertThat(client.read(block, data.length)).isEqualTo(data);
            assertThat(client.write(1, new byte[block])).isEqualTo(Errno.EINVAL);
            assertThat(client.write(0, new byte[block + 1])).isEqualTo(Errno.EINVAL);
            for (final int type : new int[] {0, 4, 5, 6}) {
                assertThat(client.request(type, 0, 1, block).error()).isEqualTo(Errno.EINVAL);
                assertThat(client.request(type, 0, 0, block - 1).error()).isEqualTo(Errno.EINVAL);
                assertThat(client.request(type, 0, 0, block).error()).isZero();
            }
            assertThat(client.flush()).isZero();
            client.disconnect();
        }
    }

    @Test
    void growthIsForNewSessions() throws IOException {
        final Path file = sparse("grows", MIB);
        final Volume[] volume = new Volume[1];
        try (TestServer server = new TestServer(LoopConfig.ofAllowedCores(), NbdLimits.defaults(), loops -> {
                    volume[0] = new Volume(
                            TestServer.EXPORT, "", FileBackend.open(file, false, false, loops.blocking()), false);
                    return List.of(volume[0]);
                });
                WireClient before = server.open(Headers.EXTENDED)) {
            volume[0].backend().grow(2 * MIB);
            assertThat(before.write(MIB, new byte[1])).isEqualTo(Errno.ENOSPC);
            assertThat(before.request(NbdProtocol.CMD_READ, 0, MIB - 1, 2).error())
                    .isEqualTo(Errno.EINVAL);
            assertThat(before.request(NbdProtocol.CMD_BLOCK_STATUS, 0, 0, MIB).error())
                    .isZero();
            try (WireClient after = server.open(Headers.EXTENDED)) {
                assertThat(after.size()).isEqualTo(2 * MIB);
                assertThat(after.write(2 * MIB - 4, new byte[4])).isZero();
                assertThat(after.write(2 * MIB - 4, new byte[5])).isEqualTo(Errno.ENOSPC);
                after.disconnect();
            }
            assertThat(before.write(MIB - 1, new byte[] {9})).isZero();
            before.disconnect();
        }
    }

    @Test
    void whatOneConnectionWroteAnotherFlushes() throws IOException {
        final Path file = sparse("shared", 4 * MIB);
        try (TestServer server = serve(file, false, false);
                WireClient one = server.open(Headers.SIMPLE);
                WireClient two = server.open(Headers.STRUCTURED);
                WireClient three = server.open(Headers.EXTENDED)) {
            assertThat(one.transmissionFlags() & NbdProtocol.FLAG_CAN_MULTI_CONN)
                    .isNotZero();
            // a client knows of its session before the server has noted that the reply was sent
            TestServer.await("all are listed", () -> server.server().sessions().size() == 3);
            assertThat(server.server().sessions().stream()
                            .map(SessionSnapshot::core)
                            .distinct())
                    .as("cores that serve them")
                    .hasSize(Math.min(LoopConfig.ofAllowedCores().cores().size(), 3));
            for (int i = 0; i < 20; i++) {
                final byte[] data = Patterns.random(i, 60_000);
                assertThat(one.write(i * 100_000L, data)).isZero();
                assertThat(two.flush()).isZero(); // covers it
                assertThat(three.read(i * 100_000L, data.length)).isEqualTo(data);
                assertThat(server.server().sessions()).hasSize(3);
            }
            one.disconnect();
            two.disconnect();
            three.disconnect();
        }
    }

    @Test
    @DisplayName("fault 5: what a loop device could not write back fails the flushes of every session, and reads go on")
    void aFailedWriteBackIsEverybodysBusiness() throws Exception {
        final Path mount = Files.createDirectory(folder.resolve("full"));
        assumeThat(run("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", mount.toString()))
                .as("a small file system can't be mounted here: root is needed")
                .isZero();
        String device = "";
        try {
            final Path small = mount.resolve("disk");
            try (RandomAccessFile access = new RandomAccessFile(small.toFile(), "rw")) {
                access.setLength(64 * MIB);
            }
            device = output("losetup", "--find", "--show", small.toString());
            assumeThat(device).as("a loop device can't be had here").startsWith("/dev/loop");
            try (TestServer server = serve(Path.of(device), false, false);
                    WireClient a = server.open(Headers.STRUCTURED);
                    WireClient b = server.open(Headers.STRUCTURED)) {
                for (int i = 0; i < 32; i++) {
                    assertThat(b.write(i * (long) MIB, Patterns.random(i, MIB))).isZero();
                }
                assertThat(a.flush()).isNotZero();
                for (int i = 0; i < 3; i++) {
                    assertThat(b.flush()).isEqualTo(Errno.EIO);
                    assertThat(a.flush()).isEqualTo(Errno.EIO);
                }
                assertThat(b.read(0, 4096)).isEqualTo(Arrays.copyOf(Patterns.random(0, MIB), 4096));
                try (WireClient late = server.open(Headers.EXTENDED)) {
                    assertThat(late.flush()).isEqualTo(Errno.EIO);
                    late.disconnect();
                }
                a.disconnect();
                b.disconnect();
            }
        } finally {
            if (device.startsWith("/dev/loop")) {
                run("losetup", "--detach", device);
            }
            run("umount", "--lazy", mount.toString());
        }
    }

    private static String output(final String... command) throws Exception {
        final Process process = new ProcessBuilder(command).start();
        final String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        return process.waitFor() == 0 ? text : "";
    }

    @Test
    void aFullDiskIsTheBusinessOfOneClient() throws Exception {
        final Path mount = Files.createDirectory(folder.resolve("small"));
        assumeThat(run("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", mount.toString()))
                .as("a small file system can't be mounted here: root is needed")
                .isZero();
        try {
            final Path small = mount.resolve("disk");
            try (RandomAccessFile access = new RandomAccessFile(small.toFile(), "rw")) {
                access.setLength(64 * MIB);
            }
            final Path roomy = sparse("roomy", 16 * MIB);
            try (TestServer server = new TestServer(
                            TestServer.oneCore(32 * MIB),
                            NbdLimits.defaults(),
                            loops -> List.of(
                                    new Volume(
                                            "full", "", FileBackend.open(small, false, false, loops.blocking()), false),
                                    new Volume(
                                            TestServer.EXPORT,
                                            "",
                                            FileBackend.open(roomy, false, false, loops.blocking()),
                                            false)));
                    WireClient victim = WireClient.open(server.address(), Headers.STRUCTURED, "full");
                    WireClient other = server.open(Headers.STRUCTURED)) {
                int failed = 0;
                for (int i = 0; i < 16; i++) {
                    final int error = victim.write(i * (long) MIB, Patterns.random(i, MIB));
                    assertThat(error).isIn(0, Errno.ENOSPC);
                    failed += error == 0 ? 0 : 1;
                    assertThat(other.write(i * (long) MIB, Patterns.random(i, MIB)))
                            .isZero();
                }
                assertThat(failed).isGreaterThanOrEqualTo(12);
                final Reply long_ = victim.await(victim.submit(NbdProtocol.CMD_WRITE, 0, 20 * MIB, new byte[9 * MIB]));
                assertThat(long_.error()).isEqualTo(Errno.ENOSPC);
                assertThat(long_.message()).contains("space");
                assertThat(victim.read(0, MIB)).isEqualTo(Patterns.random(0, MIB)); // reads go on
                assertThat(victim.request(NbdProtocol.CMD_TRIM, 0, 0, 4 * MIB).error())
                        .isZero();
                assertThat(victim.write(0, Patterns.random(5, MIB))).isZero(); // and writes, with room
                for (int i = 0; i < 16; i++) {
                    assertThat(other.read(i * (long) MIB, MIB)).isEqualTo(Patterns.random(i, MIB));
                }
                victim.disconnect();
                other.disconnect();
            }
        } finally {
            assertThat(run("umount", "-l", mount.toString())).isZero();
        }
    }

    @Test
    @DisplayName("fault 20: block status of a file that another session writes and trims is answered every time")
    void blockStatusWhileHolesComeAndGo() throws Exception {
        final int blocks = 1024;
        final Path file = sparse("alternating", 8 * MIB);
        try (RandomAccessFile access = new RandomAccessFile(file.toFile(), "rw")) {
            for (int block = 0; block < blocks; block += 2) {
                access.seek(block * 4096L);
                access.write(1);
            }
        }
        try (TestServer server = serve(file, false, false);
                WireClient changing = server.open(Headers.EXTENDED);
                WireClient asking = server.open(Headers.EXTENDED)) {
            final AtomicBoolean over = new AtomicBoolean();
            final CompletableFuture<Void> changes = CompletableFuture.runAsync(() -> {
                try {
                    final SplittableRandom random = new SplittableRandom(20);
                    final byte[] data = Patterns.random(20, 4096);
                    while (!over.get()) {
                        final long at = random.nextInt(blocks) * 4096L;
                        assertThat(changing.write(at, data)).isZero();
                        assertThat(changing.request(NbdProtocol.CMD_TRIM, 0, at, 4096)
                                        .error())
                                .isZero();
                    }
                } catch (final IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
            try {
                for (int question = 0; question < 1000 && !changes.isDone(); question++) {
                    final Reply reply = asking.request(NbdProtocol.CMD_BLOCK_STATUS, 0, 0, 8 * MIB);
                    assertThat(reply.error()).isZero();
                    assertThat(reply.extents()).isNotEmpty();
                }
            } finally {
                over.set(true);
            }
            changes.get(30, TimeUnit.SECONDS);
            changing.disconnect();
            asking.disconnect();
        }
    }

    private static int run(final String... command) throws IOException, InterruptedException {
        final Process process;
        try {
            process = new ProcessBuilder(command).redirectErrorStream(true).start();
        } catch (final IOException e) {
            return 127; // no such command here
        }
        process.getInputStream().readAllBytes();
        assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
        return process.exitValue();
    }
}
