package dev.fusedio.cli;

import dev.fusedio.net.ListenAddress;
import dev.fusedio.sys.Affinity;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/**
 * A short life of the server with one client, all in this process: what the JVM's ahead-of-time cache is made from, so
 * that a start has the classes and profiles of a server that has worked.
 */
final class TrainingRun {
    private static final int ROUNDS = 2_000;
    private static final long VOLUME_BYTES = 16L << 20;

    private TrainingRun() {}

    /** Runs it on a temporary file. */
    static void run() throws IOException {
        final Path file = Files.createTempFile("gateway-training", ".img");
        try {
            try (var channel = Files.newByteChannel(file, StandardOpenOption.WRITE)) {
                channel.position(VOLUME_BYTES - 1).write(ByteBuffer.allocate(1));
            }
            final ServeOptions options = new ServeOptions(
                    new FileArgument(file, file.toString()),
                    "training",
                    List.of(new ListenAddress.Tcp(InetAddress.getLoopbackAddress(), 0)),
                    false,
                    false,
                    false,
                    List.of(Affinity.allowed().getFirst()));
            try (ServeCommand serve = ServeCommand.start(options, e -> {
                throw new IllegalStateException(e);
            })) {
                TrainingClient.converse(
                        (InetSocketAddress) serve.server().addresses().getFirst(), "", VOLUME_BYTES, ROUNDS);
            }
        } finally {
            Files.delete(file);
        }
    }
}
