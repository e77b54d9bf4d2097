package dev.fusedio.clients;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.backend.file.FileBackend;
import dev.fusedio.backend.memory.MemoryBackend;
import dev.fusedio.loop.LoopConfig;
import dev.fusedio.loop.LoopGroup;
import dev.fusedio.nbd.server.ExportDirectory;
import dev.fusedio.nbd.server.NbdLimits;
import dev.fusedio.nbd.server.NbdServer;
import dev.fusedio.nbd.server.NbdServerConfig;
import dev.fusedio.nbd.server.SessionListener;
import dev.fusedio.net.ListenAddress;
import dev.fusedio.volume.Backend;
import dev.fusedio.volume.Volume;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * A server with two exports, {@link #NAME} and {@link #OTHER}, on a TCP port and a Unix socket. Whatever a core loop
 * complained of while it ran fails the test that closes it.
 */
final class ServedVolume implements AutoCloseable {
    static final String NAME = "vol";
    static final String DESCRIPTION = "the volume under test";
    static final String OTHER = "other";
    static final long OTHER_SIZE = 1 << 20;

    private final Queue<Throwable> complaints = new ConcurrentLinkedQueue<>();
    private final Path folder;
    private final LoopGroup loops;
    private final Volume volume;
    private final Volume other;
    private final NbdServer server;

    private ServedVolume(final Source source, final boolean readOnly) throws IOException {
        folder = Files.createTempDirectory("served");
        loops = LoopGroup.start(LoopConfig.ofAllowedCores(), complaints::add);
        try {
            volume = new Volume(NAME, DESCRIPTION, source.open(loops), readOnly);
            other = new Volume(OTHER, "", new MemoryBackend(OTHER_SIZE), false);
            server = NbdServer.start(
                    loops,
                    new NbdServerConfig(
                            List.of(ListenAddress.tcp("127.0.0.1", 0), ListenAddress.unix(socket())),
                            NbdLimits.defaults()),
                    ExportDirectory.of(volume, other),
                    SessionListener.none());
        } catch (final IOException | RuntimeException e) {
            loops.close();
            Files.deleteIfExists(folder);
            throw e;
        }
    }

    static ServedVolume memory(final long bytes) throws IOException {
        return new ServedVolume(loops -> new MemoryBackend(bytes), false);
    }

    static ServedVolume file(final Path file) throws IOException {
        return new ServedVolume(loops -> FileBackend.open(file, false, false, loops.blocking()), false);
    }

    static ServedVolume readOnly(final Path file) throws IOException {
        return new ServedVolume(loops -> FileBackend.open(file, true, false, loops.blocking()), true);
    }

    /** Past the page cache; an {@link IOException} where the file system can't. */
    static ServedVolume direct(final Path file) throws IOException {
        return new ServedVolume(loops -> FileBackend.open(file, false, true, loops.blocking()), false);
    }

    String host() {
        return "127.0.0.1";
    }

    int port() {
        return server.addresses().stream()
                .filter(InetSocketAddress.class::isInstance)
                .mapToInt(address -> ((InetSocketAddress) address).getPort())
                .findFirst()
                .orElseThrow();
    }

    Path socket() {
        return folder.resolve("nbd.sock");
    }

    String uri() {
        return uri(NAME);
    }

    /** By TCP. */
    String uri(final String export) {
        return "nbd://" + host() + ":" + port() + "/" + export;
    }

    String socketUri() {
        return "nbd+unix:///" + NAME + "?socket=" + socket();
    }

    @Override
    public void close() throws IOException {
        try {
            server.stop(Duration.ofSeconds(10));
            volume.close();
            other.close();
        } finally {
            loops.close();
            Files.deleteIfExists(socket());
            Files.deleteIfExists(folder);
        }
        assertThat(complaints).as("what the core loops let through").isEmpty();
    }

    @FunctionalInterface
    private interface Source {
        Backend open(LoopGroup loops) throws IOException;
    }
}
