package dev.fusedio.nbd.client;

import dev.fusedio.nbd.wire.NbdProtocol;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/** A server that says to each client what a script says, true or not. */
public final class ScriptedServer implements AutoCloseable {
    public static final String EXPORT = "vol";
    public static final int FLAGS = NbdProtocol.FLAG_HAS_FLAGS
            | NbdProtocol.FLAG_SEND_FLUSH
            | NbdProtocol.FLAG_SEND_FUA
            | NbdProtocol.FLAG_SEND_TRIM
            | NbdProtocol.FLAG_SEND_WRITE_ZEROES
            | NbdProtocol.FLAG_SEND_CACHE;
    public static final long SIZE = 1 << 20;

    /** What is said to one client; the connection is closed at its end. */
    @FunctionalInterface
    public interface Script {
        void run(Peer peer) throws Exception;
    }

    /** A request as it came. */
    @SuppressWarnings("ArrayRecordComponent")
    public record Request(int flags, int type, long cookie, long offset, long length, byte[] payload) {}

    private final ServerSocket listener;
    private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
    private final Queue<Socket> sockets = new ConcurrentLinkedQueue<>();

    /** @param scripts one for each connection; the last one for all that follow */
    public ScriptedServer(final Script... scripts) throws IOException {
        listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().start(() -> {
            for (int i = 0; !listener.isClosed(); i++) {
                final Script script = scripts[Math.min(i, scripts.length - 1)];
                try {
                    final Socket socket = listener.accept();
                    sockets.add(socket);
                    Thread.ofVirtual().start(() -> talk(socket, script));
                } catch (final IOException e) {
                    return; // closed
                }
            }
        });
    }

    private void talk(final Socket socket, final Script script) {
        try (socket) {
            socket.setTcpNoDelay(true);
            script.run(new Peer(socket));
        } catch (final IOException e) {
            // the client went away, as it should after most lies
        } catch (final Exception | AssertionError e) {
            failures.add(e);
        }
    }

    public NbdUri uri() {
        return NbdUri.tcp("127.0.0.1", listener.getLocalPort(), EXPORT);
    }

    public int connections() {
        return sockets.size();
    }

    @Override
    public void close() throws IOException {
        listener.close();
        for (final Socket socket : sockets) {
            socket.close();
        }
        if (!failures.isEmpty()) {
            throw new AssertionError("the script failed", failures.peek());
        }
    }

    /** One client. */
    public static final class Peer {
        public final Socket socket;
        public final DataInputStream in;
        public final DataOutputStream out;
        public boolean structured;
        public boolean extended;

        Peer(final Socket socket) throws IOException {
            this.socket = socket;
            in = new DataInputStream(new BufferedInputStream(socket.getInputStream()));
            out = new DataOutputStream(socket.getOutputStream());
        }

        void greet() throws IOException {
            out.writeLong(NbdProtocol.NBDMAGIC);
            out.writeLong(NbdProtocol.IHAVEOPT);
            out.writeShort(NbdProtocol.FLAG_FIXED_NEWSTYLE | NbdProtocol.FLAG_NO_ZEROES);
            in.readInt();
        }

        /** The next option's number; its data is passed over. */
        int option() throws IOException {
            if (in.readLong() != NbdProtocol.IHAVEOPT) {
                throw new AssertionError("the client sent no option");
            }
            final int option = in.readInt();
            in.readNBytes(in.readInt());
            return option;
        }

        void reply(final int option, final int type, final byte... data) throws IOException {
            final ByteBuffer all = ByteBuffer.allocate(20 + data.length);
            all.putLong(NbdProtocol.REP_MAGIC)
                    .putInt(option)
                    .putInt(type)
                    .putInt(data.length)
                    .put(data);
            out.write(all.array());
        }

        static byte[] info(final long size, final int flags) {
            return ByteBuffer.allocate(12)
                    .putShort((short) NbdProtocol.INFO_EXPORT)
                    .putLong(size)
                    .putShort((short) flags)
                    .array();
        }

        static byte[] blocks(final int minimum, final int preferred, final int maximum) {
            return ByteBuffer.allocate(14)
                    .putShort((short) NbdProtocol.INFO_BLOCK_SIZE)
                    .putInt(minimum)
                    .putInt(preferred)
                    .putInt(maximum)
                    .array();
        }

        /** A whole honest handshake with the newest headers that {@code upTo} allows. */
        public void handshake(final HeaderKind upTo, final long size, final int flags) throws IOException {
            greet();
            while (true) {
                final int option = option();
                switch (option) {
                    case NbdProtocol.OPT_EXTENDED_HEADERS -> {
                        extended = upTo == HeaderKind.EXTENDED;
                        reply(option, extended ? NbdProtocol.REP_ACK : NbdProtocol.REP_ERR_UNSUP);
                    }
                    case NbdProtocol.OPT_STRUCTURED_REPLY -> {
                        structured = upTo != HeaderKind.SIMPLE;
                        reply(option, structured ? NbdProtocol.REP_ACK : NbdProtocol.REP_ERR_UNSUP);
                    }
                    case NbdProtocol.OPT_SET_META_CONTEXT -> {
                        final byte[] name = NbdProtocol.BASE_ALLOCATION.getBytes(StandardCharsets.UTF_8);
                        reply(
                                option,
                                NbdProtocol.REP_META_CONTEXT,
                                ByteBuffer.allocate(4 + name.length)
                                        .putInt(7)
                                        .put(name)
                                        .array());
                        reply(option, NbdProtocol.REP_ACK);
                    }
                    case NbdProtocol.OPT_GO -> {
                        reply(option, NbdProtocol.REP_INFO, info(size, flags));
                        reply(option, NbdProtocol.REP_ACK);
                        return;
                    }
                    default -> reply(option, NbdProtocol.REP_ERR_UNSUP);
                }
            }
        }

        public Request request() throws IOException {
            final int magic = in.readInt();
            if (magic != (extended ? NbdProtocol.EXTENDED_REQUEST_MAGIC : NbdProtocol.REQUEST_MAGIC)) {
                throw new AssertionError("a request's magic number is " + Integer.toHexString(magic));
            }
            final int flags = in.readUnsignedShort();
            final int type = in.readUnsignedShort();
            final long cookie = in.readLong();
            final long offset = in.readLong();
            final long length = extended ? in.readLong() : in.readInt() & 0xFFFF_FFFFL;
            final byte[] payload = type == NbdProtocol.CMD_WRITE ? in.readNBytes((int) length) : new byte[0];
            if (type == NbdProtocol.CMD_WRITE && payload.length < length) {
                throw new IOException("the client closed in the middle of a write");
            }
            return new Request(flags, type, cookie, offset, length, payload);
        }

        public void simple(final int error, final long cookie, final byte... payload) throws IOException {
            out.write(ByteBuffer.allocate(16 + payload.length)
                    .putInt(NbdProtocol.SIMPLE_REPLY_MAGIC)
                    .putInt(error)
                    .putLong(cookie)
                    .put(payload)
                    .array());
        }

        /** A chunk in the negotiated form; {@code offset} is the extended header's. */
        public void chunk(final int flags, final int type, final long cookie, final long offset, final byte... payload)
                throws IOException {
            final ByteBuffer all = ByteBuffer.allocate(32 + payload.length);
            all.putInt(extended ? NbdProtocol.EXTENDED_REPLY_MAGIC : NbdProtocol.STRUCTURED_REPLY_MAGIC)
                    .putShort((short) flags)
                    .putShort((short) type)
                    .putLong(cookie);
            if (extended) {
                all.putLong(offset).putLong(payload.length);
            } else {
                all.putInt(payload.length);
            }
            all.put(payload);
            out.write(all.array(), 0, all.position());
        }

        public static byte[] join(final byte[]... parts) {
            final ByteArrayOutputStream all = new ByteArrayOutputStream();
            for (final byte[] part : parts) {
                all.writeBytes(part);
            }
            return all.toByteArray();
        }

        public static byte[] longs(final long... values) {
            final ByteBuffer all = ByteBuffer.allocate(8 * values.length);
            for (final long value : values) {
                all.putLong(value);
            }
            return all.array();
        }

        public static byte[] ints(final int... values) {
            final ByteBuffer all = ByteBuffer.allocate(4 * values.length);
            for (final int value : values) {
                all.putInt(value);
            }
            return all.array();
        }
    }
}
