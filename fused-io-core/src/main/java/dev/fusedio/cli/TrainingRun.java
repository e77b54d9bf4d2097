package dev.fusedio.cli;

import dev.fusedio.nbd.ListenAddress;
import dev.fusedio.sys.Affinity;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/**
 * A short life of the server with one client, all in this process: what the JVM's ahead-of-time cache is made from, so
 * that a start has the classes and profiles of a server that has worked.
 */
final class TrainingRun {
    private static final int BLOCK = 4096;
    private static final int BATCH = 32;
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
                    file,
                    "training",
                    List.of(new ListenAddress.Tcp(InetAddress.getLoopbackAddress(), 0)),
                    false,
                    false,
                    List.of(Affinity.allowed().getFirst()));
            try (ServeCommand serve = ServeCommand.start(options, e -> {
                throw new IllegalStateException(e);
            })) {
                converse((InetSocketAddress) serve.server().addresses().getFirst());
            }
        } finally {
            Files.delete(file);
        }
    }

    private static void converse(final InetSocketAddress address) throws IOException {
        try (SocketChannel socket = SocketChannel.open(address)) {
            read(socket, 18);
            // client flags; then GO of the empty name
            write(
                    socket,
                    ByteBuffer.allocate(26)
                            .putInt(3)
                            .putLong(0x49484156454F5054L)
                            .putInt(7)
                            .putInt(6)
                            .putInt(0)
                            .putShort((short) 0));
            ByteBuffer reply;
            do {
                reply = read(socket, 20);
                read(socket, reply.getInt(16));
            } while (reply.getInt(12) != 1);
            for (int round = 0; round < ROUNDS; round++) {
                final boolean writing = round % 4 == 0;
                final ByteBuffer batch = ByteBuffer.allocate(BATCH * (28 + BLOCK));
                for (int i = 0; i < BATCH; i++) {
                    final long offset = (long) (round * 31 + i) * BLOCK % VOLUME_BYTES;
                    batch.putInt(0x25609513).putShort((short) 0).putShort((short) (writing ? 1 : 0));
                    batch.putLong(i).putLong(offset).putInt(BLOCK);
                    batch.position(batch.position() + (writing ? BLOCK : 0));
                }
                write(socket, batch);
                read(socket, BATCH * (16 + (writing ? 0 : BLOCK)));
            }
            write(socket, ByteBuffer.allocate(28).putInt(0x25609513).putInt(2).position(28));
        }
    }

    private static void write(final SocketChannel socket, final ByteBuffer bytes) throws IOException {
        bytes.flip();
        while (bytes.hasRemaining()) {
            socket.write(bytes);
        }
    }

    private static ByteBuffer read(final SocketChannel socket, final int count) throws IOException {
        final ByteBuffer bytes = ByteBuffer.allocate(count);
        while (bytes.hasRemaining()) {
            if (socket.read(bytes) < 0) {
                throw new IOException("the server closed the connection");
            }
        }
        return bytes.flip();
    }
}
