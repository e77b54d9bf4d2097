package dev.fusedio.gateway;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;

/** An NBD client that opens a session by the oldest way, EXPORT_NAME, reads when it is told to, and else is idle. */
final class IdleNbdClient implements AutoCloseable {
    private static final long OPTION_MAGIC = 0x49484156454F5054L;
    private static final int FIXED_NEWSTYLE_NO_ZEROES = 3;
    private static final int EXPORT_NAME = 1;
    private static final int REQUEST_MAGIC = 0x25609513;
    private static final int SIMPLE_REPLY_MAGIC = 0x67446698;

    private final Socket socket;
    private final DataInputStream in;
    private final DataOutputStream out;

    private IdleNbdClient(final Socket socket) throws IOException {
        this.socket = socket;
        this.in = new DataInputStream(socket.getInputStream());
        this.out = new DataOutputStream(socket.getOutputStream());
    }

    static IdleNbdClient connect(final String address, final String export) throws IOException {
        final URI server = URI.create("nbd://" + address);
        final Socket socket = new Socket(server.getHost(), server.getPort());
        socket.setSoTimeout(30_000);
        final IdleNbdClient client = new IdleNbdClient(socket);
        client.in.skipNBytes(8 + 8 + 2);
        final byte[] name = export.getBytes(StandardCharsets.UTF_8);
        client.out.writeInt(FIXED_NEWSTYLE_NO_ZEROES);
        client.out.writeLong(OPTION_MAGIC);
        client.out.writeInt(EXPORT_NAME);
        client.out.writeInt(name.length);
        client.out.write(name);
        client.in.skipNBytes(8 + 2);
        return client;
    }

    /** The first bytes of the export. */
    byte[] read(final int length) throws IOException {
        out.writeInt(REQUEST_MAGIC);
        out.writeShort(0);
        out.writeShort(0);
        out.writeLong(1);
        out.writeLong(0);
        out.writeInt(length);
        if (in.readInt() != SIMPLE_REPLY_MAGIC || in.readInt() != 0 || in.readLong() != 1) {
            throw new IOException("not the reply that was asked for");
        }
        return in.readNBytes(length);
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
