package dev.fusedio.backend.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fusedio.loop.CoreLoop;
import dev.fusedio.loop.LoopConfig;
import dev.fusedio.loop.LoopGroup;
import dev.fusedio.nbd.client.HeaderKind;
import dev.fusedio.nbd.client.NbdUri;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The client on real rings against real servers. */
@Timeout(180) // not a measure of speed: what waits so long is stuck
class RemoteBackendIT {
    private static final long SIZE = 64L << 20;

    private final Queue<Throwable> complaints = new ConcurrentLinkedQueue<>();
    private LoopGroup loops;

    @TempDir
    Path folder;

    record Setting(PeerServer.Kind kind, boolean unix, HeaderKind headers, int connections) {}

    static Stream<Setting> settings() {
        return Stream.of(PeerServer.Kind.values())
                .flatMap(kind -> Stream.of(HeaderKind.values())
                        .flatMap(headers -> Stream.of(
                                new Setting(kind, headers == HeaderKind.STRUCTURED, headers, 1),
                                new Setting(kind, headers == HeaderKind.SIMPLE, headers, 4))));
    }

    @BeforeEach
    void start() throws IOException {
        final LoopConfig defaults = LoopConfig.ofAllowedCores();
        loops = LoopGroup.start(defaults, complaints::add);
    }

    @AfterEach
    void stop() {
        assertThat(loops.loops())
                .allSatisfy(loop -> assertThat(loop.snapshot().leasedBytes()).isZero());
        loops.close();
        assertThat(complaints).as("what the core loops let through").isEmpty();
    }

    private static byte[] random(final SplittableRandom random, final int length) {
        final byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    private static void done(final CompletableFuture<Integer> operation) {
        assertThat(RemoteDevice.get(operation)).isZero();
    }

    private static byte[] served(final PeerServer server, final long position, final int length) throws IOException {
        final byte[] bytes = new byte[length];
        try (RandomAccessFile file = new RandomAccessFile(server.file().toFile(), "r")) {
            file.seek(position);
            file.readFully(bytes);
        }
        return bytes;
    }

    @ParameterizedTest
    @MethodSource("settings")
    void everyOperation(final Setting setting) throws Exception {
        final SplittableRandom random = new SplittableRandom(7);
        final RemoteOptions options =
                RemoteOptions.defaults().withHeaders(setting.headers).withConnections(setting.connections);
        try (PeerServer server = new PeerServer(setting.kind, folder, SIZE, setting.unix);
                RemoteBackend backend = RemoteBackend.connect(server.uri(), options, loops.loops())) {
            assertThat(backend.size()).isEqualTo(SIZE);
            assertThat(backend.capabilities().readOnly()).isFalse();
            for (final CoreLoop loop : loops.loops()) { // with one connection, one loop goes by the other
                try (RemoteDevice device = new RemoteDevice(backend, loop)) {
                    transfers(server, device, random);
                    ranges(server, device, setting);
                }
            }
            assertThat(backend.status().sessions()).isEqualTo(setting.connections);
            assertThat(backend.status().replays()).isZero();
        }
    }

    private static void transfers(final PeerServer server, final RemoteDevice device, final SplittableRandom random)
            throws IOException {
        for (final int length : new int[] {512, 4096, 8192, 8704, 65536, 70_144, 1 << 20, 2 << 20}) {
            final long position = 512 * (long) random.nextInt((int) ((SIZE - length) / 512));
            final byte[] bytes = random(random, length);
            done(device.write(bytes, position, length == 4096));
            assertThat(served(server, position, length)).isEqualTo(bytes);
            final byte[] back = new byte[length];
            done(device.read(back, position));
            assertThat(back).isEqualTo(bytes);
        }
        final List<CompletableFuture<Integer>> all = new ArrayList<>();
        final byte[][] parts = new byte[64][];
        for (int i = 0; i < parts.length; i++) {
            parts[i] = random(random, 512 * (1 + random.nextInt(64)));
            all.add(device.write(parts[i], i * 65536L, false));
        }
        all.forEach(RemoteBackendIT::done);
        done(device.flush());
        all.clear();
        final byte[][] back = new byte[64][];
        for (int i = 0; i < parts.length; i++) {
            back[i] = new byte[parts[i].length];
            all.add(device.read(back[i], i * 65536L));
        }
        all.forEach(RemoteBackendIT::done);
        assertThat(back).isDeepEqualTo(parts);
    }

    private static void ranges(final PeerServer server, final RemoteDevice device, final Setting setting)
            throws IOException {
        final byte[] ones = new byte[1 << 20];
        Arrays.fill(ones, (byte) 1);
        done(device.write(ones, 8 << 20, false));
        done(device.write(ones, 9 << 20, false));
        done(device.zero(8 << 20, 1 << 20, true));
        done(device.zero(9 << 20, 1 << 19, false));
        assertThat(served(server, 8 << 20, 1 << 20)).containsOnly(0);
        assertThat(served(server, 9 << 20, 1 << 19)).containsOnly(0);
        assertThat(served(server, (9 << 20) + (1 << 19), 1 << 19)).containsOnly(1);
        done(device.write(ones, 16 << 20, false));
        done(device.trim(16 << 20, 1 << 20));
        done(device.trim(0, SIZE));
        done(device.cache(0, 4096));
        done(device.write(ones, 4 << 20, false));
        done(device.flush());
        final String extents = RemoteDevice.get(device.extents(0, SIZE, 16));
        if (setting.headers == HeaderKind.SIMPLE) {
            assertThat(extents).isEqualTo("data " + SIZE);
        } else {
            assertThat(extents).isEqualTo("hole 4194304, data 1048576, hole " + (SIZE - (5 << 20)));
            assertThat(RemoteDevice.get(device.extents(4 << 20, 8 << 20, 1))).isEqualTo("data 1048576");
        }
        final byte[] mixed = new byte[2 << 20];
        done(device.read(mixed, (4 << 20) - (1 << 19)));
        assertThat(Arrays.copyOfRange(mixed, 0, 1 << 19)).containsOnly(0);
        assertThat(Arrays.copyOfRange(mixed, 1 << 19, 3 << 19)).containsOnly(1);
        assertThat(Arrays.copyOfRange(mixed, 3 << 19, 4 << 19)).containsOnly(0);
    }

    private static final int RESTARTS = Integer.getInteger("fusedio.restarts", 3);

    @ParameterizedTest
    @EnumSource(PeerServer.Kind.class)
    @DisplayName("fault 26: requests never see that the server is restarted in order, be it by ESHUTDOWN or by its end")
    void doesNotNoticeServersThatAreStoppedUnderLoad(final PeerServer.Kind kind) throws Exception {
        final RemoteOptions options = RemoteOptions.defaults().withConnections(2);
        try (PeerServer server = new PeerServer(kind, folder, SIZE, kind == PeerServer.Kind.QEMU);
                RemoteBackend backend = RemoteBackend.connect(server.uri(), options, loops.loops())) {
            final List<Load> loads = loads(backend);
            loads.forEach(Load::start);
            for (int i = 0; i < RESTARTS; i++) {
                awaitWrites(loads, 100);
                server.stop();
                server.start();
            }
            awaitWrites(loads, 100);
            for (final Load load : loads) {
                load.finish();
            }
            assertThat(backend.status().sessions()).isGreaterThanOrEqualTo(2 + RESTARTS);
            for (final Load load : loads) {
                load.verify(server);
            }
        }
    }

    private List<Load> loads(final RemoteBackend backend) {
        final List<Load> loads = new ArrayList<>();
        for (final CoreLoop loop : loops.loops()) {
            for (int i = 0; i < 8; i++) {
                loads.add(new Load(backend, loop, loads.size()));
            }
        }
        return loads;
    }

    private static void awaitWrites(final List<Load> loads, final int more) throws InterruptedException {
        final long enough = loads.stream().mapToLong(Load::written).sum() + more;
        while (loads.stream().mapToLong(Load::written).sum() < enough) {
            assertThat(loads).allMatch(load -> load.failure == null);
            Thread.sleep(5);
        }
    }

    @ParameterizedTest
    @EnumSource(PeerServer.Kind.class)
    void survivesServersThatAreKilledUnderLoad(final PeerServer.Kind kind) throws Exception {
        final RemoteOptions options = RemoteOptions.defaults().withConnections(2);
        try (PeerServer server = new PeerServer(kind, folder, SIZE, kind == PeerServer.Kind.QEMU);
                RemoteBackend backend = RemoteBackend.connect(server.uri(), options, loops.loops())) {
            final List<Load> loads = loads(backend);
            loads.forEach(Load::start);
            for (int i = 0; i < 5; i++) {
                Thread.sleep(400);
                server.kill();
                Thread.sleep(200);
                server.start();
            }
            Thread.sleep(400);
            long written = 0;
            for (final Load load : loads) {
                written += load.finish();
            }
            assertThat(written).isGreaterThan(500);
            assertThat(backend.status().sessions()).isGreaterThanOrEqualTo(2 + 5);
            assertThat(backend.status().replays()).isPositive();
            assertThat(backend.status().lastFailure()).isNotEmpty();
            for (final Load load : loads) {
                load.verify(server);
            }
        }
    }

    /** Writes to a part of its own, one block after another again and again, and reads back what it wrote. */
    private static final class Load {
        private static final int BLOCK = 16 << 10;
        private static final int BLOCKS = 32;

        private final RemoteDevice device;
        private final long base;
        private final byte[][] content = new byte[BLOCKS][];
        private final Thread thread;
        private volatile boolean ending;
        private volatile Throwable failure;
        private final AtomicLong written = new AtomicLong();

        Load(final RemoteBackend backend, final CoreLoop loop, final int index) {
            device = new RemoteDevice(backend, loop);
            base = (long) index * BLOCK * BLOCKS;
            final SplittableRandom random = new SplittableRandom(index);
            thread = Thread.ofPlatform().unstarted(() -> {
                try {
                    while (!ending) {
                        step(random);
                    }
                } catch (final Throwable e) {
                    failure = e;
                }
            });
        }

        private void step(final SplittableRandom random) {
            final int at = random.nextInt(BLOCKS);
            final byte[] bytes = random(random, BLOCK);
            done(device.write(bytes, base + (long) at * BLOCK, random.nextInt(8) == 0));
            content[at] = bytes;
            written.incrementAndGet();
            final int other = random.nextInt(BLOCKS);
            if (content[other] != null) {
                final byte[] back = new byte[BLOCK];
                done(device.read(back, base + (long) other * BLOCK));
                assertThat(Arrays.equals(back, content[other]))
                        .as("block %d", other)
                        .isTrue();
            }
        }

        void start() {
            thread.start();
        }

        long written() {
            return written.get();
        }

        long finish() throws InterruptedException {
            ending = true;
            thread.join();
            assertThat(failure).isNull();
            return written.get();
        }

        void verify(final PeerServer server) throws IOException {
            done(device.flush());
            for (int i = 0; i < BLOCKS; i++) {
                if (content[i] != null) {
                    assertThat(served(server, base + (long) i * BLOCK, BLOCK)).isEqualTo(content[i]);
                }
            }
            device.close();
        }
    }

    @Test
    void failsWithEioWhenNoServerComesBack() throws Exception {
        final RemoteOptions options = RemoteOptions.defaults()
                .withTimes(Duration.ofSeconds(1), Duration.ofSeconds(5), Duration.ofMillis(500), Duration.ofSeconds(1));
        try (PeerServer server = new PeerServer(PeerServer.Kind.NBDKIT, folder, SIZE, false);
                RemoteBackend backend = RemoteBackend.connect(server.uri(), options, loops.loops());
                RemoteDevice device = new RemoteDevice(backend, loops.loops().getFirst())) {
            done(device.write(new byte[4096], 0, false));
            server.kill();
            assertThat(RemoteDevice.get(device.write(new byte[4096], 0, false))).isEqualTo(-5);
            assertThat(RemoteDevice.get(device.read(new byte[4096], 0))).isEqualTo(-5);
            assertThat(RemoteDevice.get(device.flush())).isEqualTo(-5);
            assertThat(RemoteDevice.get(device.extents(0, 4096, 1))).isEqualTo("-5");
            assertThat(backend.status().live()).isZero();
            server.start();
            for (int i = 0; i < 200 && backend.status().live() == 0; i++) {
                Thread.sleep(20);
            }
            done(device.write(new byte[4096], 0, false));
        }
    }

    @Test
    void saysWhyAnExportCannotBeHad() throws Exception {
        try (PeerServer server = new PeerServer(PeerServer.Kind.GATEWAY, folder, SIZE, false)) {
            final NbdUri other = NbdUri.parse(server.uri().toString().replace("vol", "nothing"));
            assertThatThrownBy(() -> RemoteBackend.connect(other, RemoteOptions.defaults(), loops.loops()))
                    .hasMessageContaining("nothing")
                    .hasMessageContaining("no such export");
        }
    }
}
