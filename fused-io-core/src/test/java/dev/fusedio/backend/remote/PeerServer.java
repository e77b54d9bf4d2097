package dev.fusedio.backend.remote;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.fusedio.backend.file.FileBackend;
import dev.fusedio.loop.LoopConfig;
import dev.fusedio.loop.LoopGroup;
import dev.fusedio.nbd.client.NbdUri;
import dev.fusedio.nbd.server.ExportDirectory;
import dev.fusedio.nbd.server.NbdLimits;
import dev.fusedio.nbd.server.NbdServer;
import dev.fusedio.nbd.server.NbdServerConfig;
import dev.fusedio.nbd.server.SessionListener;
import dev.fusedio.net.ListenAddress;
import dev.fusedio.volume.Volume;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Stream;

/** A server of some kind that serves a file, and can be killed and started again at the same address. */
final class PeerServer implements AutoCloseable {
    /** Whose server. */
    enum Kind {
        GATEWAY,
        NBDKIT,
        QEMU
    }

    private final Kind kind;
    private final Path file;
    private final Path socket;
    private final int port;
    private final Queue<Throwable> complaints = new ConcurrentLinkedQueue<>();
    private Process process;
    private LoopGroup loops;
    private NbdServer server;
    private Volume volume;

    /**
     * Starts one.
     *
     * @param unix whether by a Unix socket, else by TCP
     */
    PeerServer(final Kind kind, final Path folder, final long bytes, final boolean unix) throws Exception {
        this.kind = kind;
        file = folder.resolve("served.img");
        socket = unix ? folder.resolve("s") : null;
        if (!Files.exists(file)) {
            try (var made = new RandomAccessFile(file.toFile(), "rw")) {
                made.setLength(bytes);
            }
        }
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        start();
    }

    Path file() {
        return file;
    }

    NbdUri uri() {
        return socket == null ? NbdUri.tcp("127.0.0.1", port, "vol") : NbdUri.unix(socket, "vol");
    }

    void start() throws Exception {
        if (kind == Kind.GATEWAY) {
            loops = LoopGroup.start(
                    LoopConfig.of(LoopConfig.ofAllowedCores().cores().subList(0, 1)), complaints::add);
            volume = new Volume("vol", "", FileBackend.open(file, false, false, loops.blocking()), false);
            server = NbdServer.start(
                    loops,
                    new NbdServerConfig(
                            List.of(socket == null ? ListenAddress.tcp("127.0.0.1", port) : ListenAddress.unix(socket)),
                            NbdLimits.defaults()),
                    ExportDirectory.of(volume),
                    SessionListener.none());
            return;
        }
        final List<String> command = new ArrayList<>();
        if (kind == Kind.NBDKIT) {
            command.addAll(List.of("nbdkit", "-f", "-e", "vol"));
            command.addAll(socket == null ? List.of("-i", "127.0.0.1", "-p", "" + port) : List.of("-U", "" + socket));
            command.addAll(List.of("file", file.toString()));
        } else {
            command.addAll(List.of("qemu-nbd", "-t", "-f", "raw", "-x", "vol", "-e", "16", "--discard=unmap"));
            command.addAll(socket == null ? List.of("-b", "127.0.0.1", "-p", "" + port) : List.of("-k", "" + socket));
            command.add(file.toString());
        }
        if (socket != null) {
            Files.deleteIfExists(socket);
        }
        assumeTrue(isInstalled(command.getFirst()), command.getFirst() + " is not installed");
        process = new ProcessBuilder(command).inheritIO().start();
        awaitListener();
    }

    private static boolean isInstalled(final String program) {
        return Stream.of("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
                .anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
    }

    private void awaitListener() throws Exception {
        for (int i = 0; i < 500; i++) {
            try (SocketChannel probe = socket == null
                    ? SocketChannel.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), port))
                    : SocketChannel.open(StandardProtocolFamily.UNIX)) {
                if (socket != null) {
                    probe.connect(UnixDomainSocketAddress.of(socket));
                }
                return;
            } catch (final IOException e) {
                Thread.sleep(20);
            }
        }
        throw new AssertionError(kind + " doesn't listen");
    }

    /** SIGKILL, or for the gateway, which is in this process, the nearest to it. */
    void kill() throws Exception {
        if (process != null) {
            process.destroyForcibly().waitFor();
            process = null;
        } else if (server != null) {
            server.stop(Duration.ZERO);
            volume.close();
            loops.close();
            server = null;
        }
    }

    /** An end in order: SIGTERM, or for the gateway what SIGTERM begins. */
    void stop() throws Exception {
        if (process != null) {
            process.destroy();
            process.waitFor();
            process = null;
        } else if (server != null) {
            server.stop(Duration.ofSeconds(60));
            volume.close();
            loops.close();
            server = null;
        }
    }

    @Override
    public void close() throws Exception {
        kill();
        if (!complaints.isEmpty()) {
            throw new AssertionError("the server's loops let through", complaints.peek());
        }
    }
}
