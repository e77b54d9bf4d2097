package dev.fusedio.nbd.client;

import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.sys.Clock;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * The client's side of the handshake, fixed newstyle, by blocking calls: extended headers or structured replies, the
 * context base:allocation, then GO. Every length that a server says is bounded before it is believed (CVE-2017-2630 was
 * one that wasn't).
 */
public final class ClientHandshake {
    /** A reply's data: the longest that is legal is a name with its fixed part. */
    private static final int MAX_REPLY = 64 << 10;

    /** Replies to one option: contexts and information, of which a handful are expected. */
    private static final int MAX_REPLIES = 64;

    private static final int DEFAULT_PREFERRED = 4096;

    /** What the specification lets every server be asked for, and what one without a limit of its own is. */
    private static final int DEFAULT_MAXIMUM = 32 << 20;

    private static final int MAX_MINIMUM = 65536;
    private static final int MAX_PREFERRED = 32 << 20;

    /**
     * A connection that is ready for requests.
     *
     * @param fd its socket, in blocking mode; whoever has it closes it, or gives it to a {@link ClientConnection}
     * @param export what the server said
     */
    public record Established(int fd, ExportInfo export) {}

    private final ClientSocket socket;
    private final NbdUri uri;
    private final HeaderKind newest;
    private long size = -1;
    private int flags;
    private int minimum = 1;
    private int preferred = DEFAULT_PREFERRED;
    private long maximum = DEFAULT_MAXIMUM;
    private HeaderKind headers = HeaderKind.SIMPLE;
    private long context = ExportInfo.NO_CONTEXT;

    private ClientHandshake(final ClientSocket socket, final NbdUri uri, final HeaderKind newest) {
        this.socket = socket;
        this.uri = uri;
        this.newest = newest;
    }

    /**
     * Connects and negotiates. Blocks; any thread but a loop's.
     *
     * @param newest the newest kind of headers to ask for
     * @param limit how long it may take, positive
     * @throws IOException saying what was tried and what the server answered
     */
    public static Established connect(final NbdUri uri, final HeaderKind newest, final Duration limit)
            throws IOException {
        final long deadline = Clock.MONOTONIC.nanos() + limit.toNanos();
        try (ClientSocket socket = ClientSocket.connect(uri, deadline)) {
            final ExportInfo export = new ClientHandshake(socket, uri, newest).negotiate();
            return new Established(socket.release(), export);
        }
    }

    private ExportInfo negotiate() throws IOException {
        greet();
        negotiateHeaders();
        if (headers != HeaderKind.SIMPLE) {
            selectContext();
        }
        go();
        return export();
    }

    private void greet() throws IOException {
        final ByteBuffer greeting = ByteBuffer.wrap(socket.read(18));
        if (greeting.getLong() != NbdProtocol.NBDMAGIC) {
            throw refused("it is not an NBD server");
        }
        if (greeting.getLong() != NbdProtocol.IHAVEOPT) {
            throw refused("it speaks the old handshake, which can't name an export; fixed newstyle is needed");
        }
        final int offered = greeting.getShort();
        if ((offered & NbdProtocol.FLAG_FIXED_NEWSTYLE) == 0) {
            throw refused("it doesn't speak the fixed newstyle handshake");
        }
        final int noZeroes = offered & NbdProtocol.FLAG_NO_ZEROES;
        socket.write(ByteBuffer.allocate(4)
                .putInt(NbdProtocol.FLAG_C_FIXED_NEWSTYLE | (noZeroes == 0 ? 0 : NbdProtocol.FLAG_C_NO_ZEROES))
                .array());
    }

    private void negotiateHeaders() throws IOException {
        if (newest == HeaderKind.EXTENDED && offers(NbdProtocol.OPT_EXTENDED_HEADERS)) {
            headers = HeaderKind.EXTENDED;
        } else if (newest != HeaderKind.SIMPLE && offers(NbdProtocol.OPT_STRUCTURED_REPLY)) {
            headers = HeaderKind.STRUCTURED;
        }
    }

    private boolean offers(final int option) throws IOException {
        send(option, new byte[0]);
        final OptionReply reply = receive(option);
        if (reply.type == NbdProtocol.REP_ACK) {
            return true;
        }
        if (reply.type == NbdProtocol.REP_ERR_SHUTDOWN || !reply.isError()) {
            throw failed(option, reply);
        }
        return false; // whatever its reason, it goes on without
    }

    private void selectContext() throws IOException {
        final byte[] name = uri.export().getBytes(StandardCharsets.UTF_8);
        final byte[] query = NbdProtocol.BASE_ALLOCATION.getBytes(StandardCharsets.UTF_8);
        final int option = NbdProtocol.OPT_SET_META_CONTEXT;
        send(
                option,
                ByteBuffer.allocate(12 + name.length + query.length)
                        .putInt(name.length)
                        .put(name)
                        .putInt(1)
                        .putInt(query.length)
                        .put(query)
                        .array());
        for (int i = 0; i < MAX_REPLIES; i++) {
            final OptionReply reply = receive(option);
            if (reply.type == NbdProtocol.REP_ACK) {
                return;
            }
            if (reply.isError() && reply.type != NbdProtocol.REP_ERR_SHUTDOWN) {
                context = ExportInfo.NO_CONTEXT;
                return; // it has no contexts for this export; if it has no such export, GO will say so
            }
            if (reply.type != NbdProtocol.REP_META_CONTEXT || reply.data.length < 4) {
                throw failed(option, reply);
            }
            final ByteBuffer data = ByteBuffer.wrap(reply.data);
            final int id = data.getInt();
            if (StandardCharsets.UTF_8.decode(data).toString().equals(NbdProtocol.BASE_ALLOCATION)) {
                context = id & 0xFFFF_FFFFL;
            }
        }
        throw refused("it answers one option without end");
    }

    private void go() throws IOException {
        final byte[] name = uri.export().getBytes(StandardCharsets.UTF_8);
        final int option = NbdProtocol.OPT_GO;
        send(
                option,
                ByteBuffer.allocate(8 + name.length)
                        .putInt(name.length)
                        .put(name)
                        .putShort((short) 1)
                        .putShort((short) NbdProtocol.INFO_BLOCK_SIZE)
                        .array());
        for (int i = 0; i < MAX_REPLIES; i++) {
            final OptionReply reply = receive(option);
            if (reply.type == NbdProtocol.REP_ACK) {
                return;
            }
            if (reply.type != NbdProtocol.REP_INFO || reply.data.length < 2) {
                throw failed(option, reply);
            }
            learn(ByteBuffer.wrap(reply.data));
        }
        throw refused("it answers one option without end");
    }

    private void learn(final ByteBuffer info) throws IOException {
        final int type = info.getShort() & 0xFFFF;
        if (type == NbdProtocol.INFO_EXPORT) {
            if (info.remaining() != 10) {
                throw refused("its description of the export is malformed");
            }
            size = info.getLong();
            flags = info.getShort() & 0xFFFF;
            if (size < 0) {
                throw refused("its export is larger than 2^63 - 1 bytes");
            }
        } else if (type == NbdProtocol.INFO_BLOCK_SIZE) {
            if (info.remaining() != 12) {
                throw refused("its block sizes are malformed");
            }
            minimum = info.getInt();
            preferred = info.getInt();
            maximum = info.getInt() & 0xFFFF_FFFFL;
            requireBlockSizes();
        }
    }

    /** Specification, "Size constraints". */
    private void requireBlockSizes() throws IOException {
        final boolean valid = minimum >= 1
                && minimum <= MAX_MINIMUM
                && Integer.bitCount(minimum) == 1
                && preferred >= Math.max(minimum, 512)
                && preferred <= MAX_PREFERRED
                && Integer.bitCount(preferred) == 1
                && maximum >= preferred;
        if (!valid) {
            throw refused("its block sizes are impossible: smallest " + Integer.toUnsignedString(minimum)
                    + ", preferred " + Integer.toUnsignedString(preferred) + ", largest " + maximum);
        }
    }

    private ExportInfo export() throws IOException {
        if (size < 0) {
            throw refused("it didn't say how large the export is");
        }
        if ((flags & NbdProtocol.FLAG_HAS_FLAGS) == 0) {
            flags = NbdProtocol.FLAG_HAS_FLAGS | (flags & NbdProtocol.FLAG_READ_ONLY); // no other means anything
        }
        if ((flags & NbdProtocol.FLAG_SEND_WRITE_ZEROES) == 0) {
            flags &= ~NbdProtocol.FLAG_SEND_FAST_ZERO;
        }
        if (size % minimum != 0) {
            size -= size % minimum; // the specification lets clients leave out a tail that they can't address
        }
        final long most = Math.min(maximum, DEFAULT_MAXIMUM);
        return new ExportInfo(size, flags, minimum, preferred, (int) (most - most % minimum), headers, context);
    }

    // --- options -----------------------------------------------------------------------------------------------------

    @SuppressWarnings("ArrayRecordComponent") // a carrier, never compared
    private record OptionReply(int type, byte[] data) {
        boolean isError() {
            return type < 0;
        }
    }

    private void send(final int option, final byte[] data) throws IOException {
        socket.write(ByteBuffer.allocate(16 + data.length)
                .putLong(NbdProtocol.IHAVEOPT)
                .putInt(option)
                .putInt(data.length)
                .put(data)
                .array());
    }

    private OptionReply receive(final int option) throws IOException {
        final ByteBuffer header = ByteBuffer.wrap(socket.read(20));
        if (header.getLong() != NbdProtocol.REP_MAGIC) {
            throw refused("its reply to an option has the wrong magic number");
        }
        final int about = header.getInt();
        if (about != option) {
            throw refused("it replied to option " + Integer.toUnsignedString(about) + " when option " + option
                    + " was asked");
        }
        final int type = header.getInt();
        final int length = header.getInt();
        if (length < 0 || length > MAX_REPLY) {
            throw refused("its reply to an option has " + Integer.toUnsignedString(length) + " bytes, more than the "
                    + MAX_REPLY + " that any can need");
        }
        return new OptionReply(type, socket.read(length));
    }

    private IOException failed(final int option, final OptionReply reply) {
        if (!reply.isError()) {
            return refused("its reply of type " + reply.type + " to " + name(option) + " makes no sense");
        }
        final String text = ServerText.of(reply.data);
        final String said = text.isEmpty() ? "" : "; it says: " + text;
        return refused(reason(reply.type) + said);
    }

    private static String name(final int option) {
        return switch (option) {
            case NbdProtocol.OPT_GO -> "GO";
            case NbdProtocol.OPT_SET_META_CONTEXT -> "SET_META_CONTEXT";
            case NbdProtocol.OPT_STRUCTURED_REPLY -> "STRUCTURED_REPLY";
            case NbdProtocol.OPT_EXTENDED_HEADERS -> "EXTENDED_HEADERS";
            default -> "option " + option;
        };
    }

    private static String reason(final int error) {
        return switch (error) {
            case NbdProtocol.REP_ERR_UNSUP -> "the server can't open an export by its name (GO)";
            case NbdProtocol.REP_ERR_POLICY -> "the server's policy forbids it";
            case NbdProtocol.REP_ERR_INVALID -> "the server takes the request for malformed";
            case 0x80000004 -> "the server's platform doesn't allow it";
            case 0x80000005 -> "the server wants TLS, which is not possible yet";
            case NbdProtocol.REP_ERR_UNKNOWN -> "there is no such export";
            case NbdProtocol.REP_ERR_SHUTDOWN -> "the server is shutting down";
            case 0x80000008 -> "the server wants block sizes to be negotiated";
            case NbdProtocol.REP_ERR_TOO_BIG -> "the server takes the request for too large";
            case NbdProtocol.REP_ERR_EXT_HEADER_REQD -> "the server wants extended headers";
            default -> "the server answered with error 0x" + Integer.toHexString(error);
        };
    }

    private NbdConnectException refused(final String why) {
        return new NbdConnectException(
                "export \"" + ServerText.sanitised(uri.export()) + "\" at " + socket.peer() + ": " + why);
    }
}
