package dev.fusedio.nbd.server;

import dev.fusedio.nbd.wire.NbdProtocol;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An NBD client that sends whatever it is told to, and believes nothing that it receives. Every wait has a limit: a
 * server that hangs fails the test. While it sends, it reads, so that it never blocks a server that answers.
 */
final class WireClient implements AutoCloseable {
    private static final long LIMIT_NANOS = Duration.ofSeconds(30).toNanos();
    private static final byte[] NOTHING = new byte[0];

    /** A reply to an option. */
    @SuppressWarnings("ArrayRecordComponent") // a carrier, never compared
    record OptionReply(int type, byte[] data) {
        boolean isError() {
            return type < 0;
        }

        ByteBuffer in() {
            return ByteBuffer.wrap(data);
        }

        String text() {
            return new String(data, StandardCharsets.UTF_8);
        }
    }

    private final SocketChannel channel;
    private final Selector selector;
    private final ByteBuffer incoming = ByteBuffer.allocate(256 << 10).limit(0);
    private int chop = Integer.MAX_VALUE;
    private boolean ended;
    private boolean wasReset;
    private boolean noZeroes;
    private Headers headers = Headers.SIMPLE;
    private @Nullable ReplyReader replies;
    private long size = -1;
    private int transmissionFlags;
    private long lastCookie = 0x4E42_4400_0000_0000L;

    private WireClient(final SocketChannel channel) throws IOException {
        this.channel = channel;
        channel.configureBlocking(false);
        this.selector = Selector.open();
        channel.register(selector, SelectionKey.OP_READ);
    }

    /** Connects and sends nothing. */
    static WireClient connect(final SocketAddress address) throws IOException {
        final SocketChannel channel = address instanceof InetSocketAddress
                ? SocketChannel.open()
                : SocketChannel.open(StandardProtocolFamily.UNIX);
        channel.connect(address);
        if (address instanceof InetSocketAddress) {
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        }
        return new WireClient(channel);
    }

    /** Connects and goes to transmission by what is usual for {@code headers}; base:allocation where possible. */
    static WireClient open(final SocketAddress address, final Headers headers, final String export) throws IOException {
        final WireClient client = connect(address);
        client.greet();
        if (headers == Headers.STRUCTURED) {
            client.negotiateStructured();
        } else if (headers == Headers.EXTENDED) {
            client.negotiateExtended();
        }
        if (headers != Headers.SIMPLE) {
            client.selectContext(export);
        }
        client.go(export);
        return client;
    }

    // --- bytes -------------------------------------------------------------------------------------------------------

    /** From now on what is sent leaves in pieces of this length. */
    WireClient chopped(final int bytes) {
        chop = bytes;
        return this;
    }

    /** Sends all of it. Fails when the connection ends before. */
    void send(final byte... bytes) throws IOException {
        if (!trySend(bytes)) {
            throw new AssertionError("the server closed the connection while it was sent to");
        }
    }

    /** Sends what the server takes. False when it closed the connection before all was sent. */
    boolean trySend(final byte... bytes) throws IOException {
        final ByteBuffer out = ByteBuffer.wrap(bytes);
        final long end = System.nanoTime() + LIMIT_NANOS;
        while (out.hasRemaining()) {
            if (ended) {
                return false;
            }
            out.limit(out.position() + Math.min(chop, bytes.length - out.position()));
            try {
                if (channel.write(out) == 0) {
                    await(SelectionKey.OP_READ | SelectionKey.OP_WRITE, end);
                    drainReplies();
                }
            } catch (final IOException e) {
                ended = true;
                wasReset = true;
            }
            out.limit(bytes.length);
        }
        return true;
    }

    private void await(final int operations, final long end) throws IOException {
        final long left = (end - System.nanoTime()) / 1_000_000;
        if (left <= 0) {
            throw new AssertionError("the server did nothing for 30 s");
        }
        for (final SelectionKey key : selector.keys()) {
            key.interestOps(operations);
        }
        selector.select(left);
        selector.selectedKeys().clear();
    }

    /** Reads what is there. False when the stream has ended. */
    private boolean fill() throws IOException {
        incoming.compact();
        try {
            final int count = channel.read(incoming);
            ended |= count < 0;
        } catch (final IOException e) {
            ended = true;
            wasReset = true;
        } finally {
            incoming.flip();
        }
        return !ended;
    }

    /** Reads {@code count} bytes. Fails when the stream ends before. */
    byte[] receive(final int count) throws IOException {
        final byte[] bytes = new byte[count];
        final long end = System.nanoTime() + LIMIT_NANOS;
        int done = 0;
        while (true) {
            final int part = Math.min(incoming.remaining(), count - done);
            incoming.get(bytes, done, part);
            done += part;
            if (done == count) {
                return bytes;
            }
            if (ended) {
                throw new AssertionError("the stream ended after " + done + " of " + count + " bytes");
            }
            if (!incoming.hasRemaining()) {
                final int before = incoming.remaining();
                if (fill() && incoming.remaining() == before) {
                    await(SelectionKey.OP_READ, end);
                }
            }
        }
    }

    /** Waits for the server to close; what comes before that is read and thrown away, unless it is a reply. */
    void awaitEnd() throws IOException {
        final long end = System.nanoTime() + LIMIT_NANOS;
        while (!ended) {
            final int before = incoming.remaining();
            if (fill() && incoming.remaining() == before) {
                await(SelectionKey.OP_READ, end);
            }
            drainReplies();
            if (replies == null) {
                incoming.limit(incoming.position());
            }
        }
    }

    /** Whether the server has closed; doesn't wait. */
    boolean hasEnded() throws IOException {
        if (!ended) {
            fill();
        }
        drainReplies();
        return ended;
    }

    /** Whether the end was a reset. */
    boolean wasReset() {
        return wasReset;
    }

    void halfClose() throws IOException {
        channel.shutdownOutput();
    }

    /** Closes with a reset instead of an orderly end. */
    void reset() throws IOException {
        channel.setOption(StandardSocketOptions.SO_LINGER, 0);
        close();
    }

    @Override
    public void close() throws IOException {
        selector.close();
        channel.close();
    }

    // --- handshake ---------------------------------------------------------------------------------------------------

    /** Reads the server's greeting and sends the client's flags. */
    WireClient greet() throws IOException {
        return greet(NbdProtocol.FLAG_C_FIXED_NEWSTYLE | NbdProtocol.FLAG_C_NO_ZEROES);
    }

    WireClient greet(final int clientFlags) throws IOException {
        final ByteBuffer greeting = ByteBuffer.wrap(receive(18));
        require(greeting.getLong() == NbdProtocol.NBDMAGIC, "the greeting isn't NBDMAGIC");
        require(greeting.getLong() == NbdProtocol.IHAVEOPT, "the greeting isn't newstyle");
        require(greeting.getShort() == 3, "the handshake flags aren't FIXED_NEWSTYLE and NO_ZEROES");
        return flags(clientFlags);
    }

    /** Sends the client's flags to a server whose greeting was read. */
    WireClient flags(final int clientFlags) throws IOException {
        send(Wire.bytes().u32(clientFlags).toArray());
        noZeroes = (clientFlags & NbdProtocol.FLAG_C_NO_ZEROES) != 0;
        return this;
    }

    void sendOption(final int option, final byte... data) throws IOException {
        send(Wire.option(option, data));
    }

    /** Sends an option and reads its replies up to ACK or an error. */
    List<OptionReply> ask(final int option, final byte... data) throws IOException {
        sendOption(option, data);
        return readReplies(option);
    }

    /** As {@link #ask}, for an option that has one reply: its type. */
    int askOne(final int option, final byte... data) throws IOException {
        final List<OptionReply> all = ask(option, data);
        require(all.size() == 1, "one reply was expected and " + all.size() + " came");
        return all.getFirst().type();
    }

    List<OptionReply> readReplies(final int option) throws IOException {
        final List<OptionReply> all = new ArrayList<>();
        do {
            all.add(readOptionReply(option));
        } while (!all.getLast().isError() && all.getLast().type() != NbdProtocol.REP_ACK);
        return all;
    }

    private OptionReply readOptionReply(final int option) throws IOException {
        final ByteBuffer header = ByteBuffer.wrap(receive(20));
        require(header.getLong() == NbdProtocol.REP_MAGIC, "an option reply without its magic number");
        final int echoed = header.getInt();
        require(echoed == option, "a reply to option " + echoed + " where " + option + " was asked");
        final int type = header.getInt();
        final int length = header.getInt();
        require(length >= 0 && length <= 4 + 4096 + 4096, "an option reply of " + length + " bytes");
        final OptionReply reply = new OptionReply(type, receive(length));
        switch (type) {
            case NbdProtocol.REP_ACK -> require(length == 0, "an ACK with data");
            case NbdProtocol.REP_SERVER -> {
                require(option == NbdProtocol.OPT_LIST, "SERVER in reply to " + option);
                final int name = reply.in().getInt();
                require(name >= 0 && name <= length - 4, "a name of " + name + " bytes in " + length);
            }
            case NbdProtocol.REP_INFO -> checkInfo(option, reply.in());
            case NbdProtocol.REP_META_CONTEXT ->
                require(
                        length > 4
                                && (option == NbdProtocol.OPT_SET_META_CONTEXT
                                        || option == NbdProtocol.OPT_LIST_META_CONTEXT),
                        "META_CONTEXT of " + length + " bytes in reply to " + option);
            default -> require(reply.isError() && length <= 4096, "reply type 0x" + Integer.toHexString(type));
        }
        return reply;
    }

    private static void checkInfo(final int option, final ByteBuffer info) {
        require(option == NbdProtocol.OPT_INFO || option == NbdProtocol.OPT_GO, "INFO in reply to " + option);
        final int length = info.remaining();
        switch (info.getShort()) {
            case NbdProtocol.INFO_EXPORT -> require(length == 12, "INFO_EXPORT of " + length + " bytes");
            case NbdProtocol.INFO_BLOCK_SIZE -> {
                require(length == 14, "INFO_BLOCK_SIZE of " + length + " bytes");
                final int minimum = info.getInt();
                final int preferred = info.getInt();
                final int maximum = info.getInt();
                require(Integer.bitCount(minimum) == 1 && minimum <= 65536, "minimum block " + minimum);
                require(
                        Integer.bitCount(preferred) == 1 && preferred >= Math.max(minimum, 512),
                        "preferred block " + preferred);
                require(Integer.compareUnsigned(maximum, preferred) >= 0, "maximum payload " + maximum);
            }
            case NbdProtocol.INFO_NAME, NbdProtocol.INFO_DESCRIPTION -> require(length <= 2 + 4096, "a long string");
            default -> throw new AssertionError("unknown information type");
        }
    }

    void negotiateStructured() throws IOException {
        require(
                askOne(NbdProtocol.OPT_STRUCTURED_REPLY, NOTHING) == NbdProtocol.REP_ACK,
                "STRUCTURED_REPLY was refused");
        headers = Headers.STRUCTURED;
    }

    void negotiateExtended() throws IOException {
        require(
                askOne(NbdProtocol.OPT_EXTENDED_HEADERS, NOTHING) == NbdProtocol.REP_ACK,
                "EXTENDED_HEADERS was refused");
        headers = Headers.EXTENDED;
    }

    void selectContext(final String export) throws IOException {
        final List<OptionReply> all =
                ask(NbdProtocol.OPT_SET_META_CONTEXT, Wire.contexts(export, NbdProtocol.BASE_ALLOCATION));
        require(all.size() == 2, "base:allocation was not selected");
        require(all.getFirst().in().getInt() == NbdProtocol.BASE_ALLOCATION_ID, "an unexpected context id");
    }

    /** GO to transmission; fails when it is refused. */
    WireClient go(final String export) throws IOException {
        sendOption(NbdProtocol.OPT_GO, Wire.info(export));
        return gone();
    }

    /** Reads the replies to a GO that was sent, the last of the handshake. */
    WireClient gone() throws IOException {
        for (final OptionReply reply : readReplies(NbdProtocol.OPT_GO)) {
            require(!reply.isError(), "GO was refused: " + reply.text());
            final ByteBuffer info = reply.in();
            if (reply.type() == NbdProtocol.REP_INFO && info.getShort() == NbdProtocol.INFO_EXPORT) {
                size = info.getLong();
                transmissionFlags = info.getShort() & 0xFFFF;
            }
        }
        require(size >= 0, "GO was acknowledged without INFO_EXPORT");
        beginTransmission();
        return this;
    }

    /** To transmission by EXPORT_NAME. */
    WireClient exportName(final String export) throws IOException {
        sendOption(NbdProtocol.OPT_EXPORT_NAME, export.getBytes(StandardCharsets.UTF_8));
        final ByteBuffer answer = ByteBuffer.wrap(receive(noZeroes ? 10 : 134));
        size = answer.getLong();
        transmissionFlags = answer.getShort() & 0xFFFF;
        while (answer.hasRemaining()) {
            require(answer.get() == 0, "the zeroes after EXPORT_NAME aren't");
        }
        beginTransmission();
        return this;
    }

    private void beginTransmission() {
        replies = new ReplyReader(headers);
    }

    long size() {
        return size;
    }

    int transmissionFlags() {
        return transmissionFlags;
    }

    // --- transmission ------------------------------------------------------------------------------------------------

    Headers headers() {
        return headers;
    }

    private ReplyReader replies() {
        if (replies == null) {
            throw new IllegalStateException("this client is not in transmission");
        }
        return replies;
    }

    /** Sends a request without payload; returns its cookie. */
    long submit(final int type, final int flags, final long offset, final long length) throws IOException {
        return submit(type, flags, offset, length, length, NOTHING);
    }

    /** Sends a request as it has to be with payload. */
    long submit(final int type, final int flags, final long offset, final byte[] payload) throws IOException {
        final int all = flags | (headers.extended() ? NbdProtocol.CMD_FLAG_PAYLOAD_LEN : 0);
        return submit(type, all, offset, payload.length, payload.length, payload);
    }

    /**
     * Sends any request.
     *
     * @param length in the header
     * @param effect bytes that the reply is about
     */
    long submit(
            final int type,
            final int flags,
            final long offset,
            final long length,
            final long effect,
            final byte[] payload)
            throws IOException {
        final long cookie = ++lastCookie;
        replies().expect(cookie, type, flags, offset, effect);
        send(Wire.request(headers.extended(), flags, type, cookie, offset, length));
        send(payload);
        return cookie;
    }

    /** A request's bytes, to be sent together with others; its reply is expected from now on. */
    byte[] compose(final int type, final int flags, final long offset, final long length) {
        final long cookie = ++lastCookie;
        replies().expect(cookie, type, flags, offset, length);
        return Wire.request(headers.extended(), flags, type, cookie, offset, length);
    }

    /** Says that a request was sent as bytes. */
    void expectReply(final long cookie, final int type, final long offset, final long length) {
        replies().expect(cookie, type, 0, offset, length);
    }

    /** The cookie of the request that was made last. */
    long lastCookie() {
        return lastCookie;
    }

    Reply await(final long cookie) throws IOException {
        final long end = System.nanoTime() + LIMIT_NANOS;
        while (true) {
            drainReplies();
            final Reply reply = replies().take(cookie);
            if (reply != null) {
                return reply;
            }
            if (ended) {
                throw new AssertionError("the server closed the connection and owes " + outstanding() + " replies");
            }
            if (fill() && !incoming.hasRemaining()) {
                await(SelectionKey.OP_READ, end);
            }
        }
    }

    /** The answer that has come already; null when there is none. */
    @Nullable Reply answered(final long cookie) {
        return replies().take(cookie);
    }

    private void drainReplies() throws IOException {
        if (replies == null) {
            return;
        }
        do {
            final int count = incoming.remaining();
            replies.feed(incoming.array(), incoming.position(), count);
            incoming.position(incoming.limit());
        } while (!ended && fill() && incoming.hasRemaining());
    }

    int outstanding() {
        return replies().outstanding();
    }

    Reply request(final int type, final int flags, final long offset, final long length) throws IOException {
        return await(submit(type, flags, offset, length));
    }

    byte[] read(final long offset, final int length) throws IOException {
        final Reply reply = request(NbdProtocol.CMD_READ, 0, offset, length);
        require(reply.error() == 0, "READ failed: " + reply.error() + " " + reply.message());
        return reply.data();
    }

    int write(final long offset, final byte[] data) throws IOException {
        return await(submit(NbdProtocol.CMD_WRITE, 0, offset, data)).error();
    }

    int flush() throws IOException {
        return request(NbdProtocol.CMD_FLUSH, 0, 0, 0).error();
    }

    /** DISC; then the server closes, and owes nothing. */
    void disconnect() throws IOException {
        send(Wire.request(headers.extended(), 0, NbdProtocol.CMD_DISC, ++lastCookie, 0, 0));
        awaitEnd();
        require(outstanding() == 0, outstanding() + " requests were not answered before the end");
        require(replies().unread() == 0, "the stream ended in the middle of a reply");
        close();
    }

    private static void require(final boolean condition, final String what) {
        if (!condition) {
            throw new AssertionError(what);
        }
    }
}
