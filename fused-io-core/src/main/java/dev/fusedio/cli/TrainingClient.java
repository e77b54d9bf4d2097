package dev.fusedio.cli;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

/** The NBD client of training runs: asks for an export, reads and writes it in batches, and leaves in order. */
public final class TrainingClient {
    private static final int BLOCK = 4096;
    private static final int BATCH = 32;
    private static final int GREETING_BYTES = 18;
    private static final int CLIENT_FLAGS = 3; // fixed newstyle, no zeroes
    private static final long OPTION_MAGIC = 0x49484156454F5054L;
    private static final int OPTION_GO = 7;
    private static final int OPTION_REPLY_BYTES = 20;
    private static final int ACK = 1;
    private static final int REQUEST_MAGIC = 0x25609513;
    private static final int REQUEST_BYTES = 28;
    private static final int REPLY_BYTES = 16;
    private static final short WRITE = 1;
    private static final int DISCONNECT = 2;

    private TrainingClient() {}

    /**
     * Blocks until it is done. One batch in four is written, the others are read.
     *
     * @param export its name, perhaps empty
     * @param volumeBytes what of the export is used: 4 KiB or more, a multiple of that
     * @param rounds batches of 32 requests of 4 KiB
     */
    public static void converse(
            final InetSocketAddress address, final String export, final long volumeBytes, final int rounds)
            throws IOException {
        try (SocketChannel socket = SocketChannel.open(address)) {
            negotiate(socket, export.getBytes(StandardCharsets.UTF_8));
            for (int round = 0; round < rounds; round++) {
                final boolean writing = round % 4 == 0;
                final ByteBuffer batch = ByteBuffer.allocate(BATCH * (REQUEST_BYTES + BLOCK));
                for (int i = 0; i < BATCH; i++) {
                    final long offset = (long) (round * 31 + i) * BLOCK % volumeBytes;
                    batch.putInt(REQUEST_MAGIC).putShort((short) 0).putShort(writing ? WRITE : 0);
                    batch.putLong(i).putLong(offset).putInt(BLOCK);
                    batch.position(batch.position() + (writing ? BLOCK : 0));
                }
                write(socket, batch);
                read(socket, BATCH * (REPLY_BYTES + (writing ? 0 : BLOCK)));
            }
            write(
                    socket,
                    ByteBuffer.allocate(REQUEST_BYTES)
                            .putInt(REQUEST_MAGIC)
                            .putInt(DISCONNECT)
                            .position(REQUEST_BYTES));
        }
    }

    private static void negotiate(final SocketChannel socket, final byte[] export) throws IOException {
        read(socket, GREETING_BYTES);
        write(
                socket,
                ByteBuffer.allocate(26 + export.length)
                        .putInt(CLIENT_FLAGS)
                        .putLong(OPTION_MAGIC)
                        .putInt(OPTION_GO)
                        .putInt(6 + export.length)
                        .putInt(export.length)
                        .put(export)
                        .putShort((short) 0));
        ByteBuffer reply;
        do {
            reply = read(socket, OPTION_REPLY_BYTES);
            if (reply.getInt(12) < 0) {
                throw new IOException("the export was refused: reply " + Integer.toHexString(reply.getInt(12)));
            }
            read(socket, reply.getInt(16));
        } while (reply.getInt(12) != ACK);
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
