package dev.fusedio.nbd.client;

import dev.fusedio.fused.Direction;
import dev.fusedio.fused.FusedCommand;
import dev.fusedio.fused.RingFile;
import dev.fusedio.fused.RingSocket;
import dev.fusedio.fused.SocketMechanism;
import dev.fusedio.loop.Completable;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.ring.IoUring;
import dev.fusedio.ring.Sqe;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Memory;
import dev.fusedio.sys.SocketCalls;
import org.jspecify.annotations.Nullable;

/**
 * One negotiated connection on a loop's ring. Requests leave in one {@link SendChain} at a time; replies are received
 * header by header with the payload straight to its command's buffer, or many at once while all that is awaited is small.
 *
 * <p>Once it fails it carries nothing more: its writing side is shut, and it is read until the server has closed too, so
 * that nothing that the server still had from it is executed after what the next connection carries. Only then are its
 * requests given back. The loop's thread only.
 */
final class RemoteConnection implements Completable, ReplyParser.Requests {
    /** Requests in flight on one connection. */
    static final int DEPTH = 256;

    /** Native memory that a connection works in. */
    static final int BLOCK_BYTES =
            ReplyParser.BUFFER_BYTES + SendChain.BLOCK_BYTES + 2 * NbdProtocol.EXTENDED_REQUEST_BYTES;

    private static final int TAG_RECEIVE = 0;
    private static final int TAG_PAYLOAD = 1;
    private static final int TAG_DISCONNECT = 2;
    private static final int TAG_SEND = 16;
    private static final int AF_UNSPEC_BYTES = 16;
    private static final int INDEX_BITS = 16;
    private static final int INDEX_MASK = (1 << INDEX_BITS) - 1;

    private enum Phase {
        LIVE,
        ENDING,
        CLOSED
    }

    private final CoreLoop loop;
    private final RemoteQueue queue;
    private final ExportInfo export;
    private final int fd;
    private final int slot;
    private final RingSocket socket;
    private final long memory;
    private final ReplyParser parser;
    private final SendChain chain;
    private final long small;
    private final @Nullable RemoteRequest[] requests = new RemoteRequest[DEPTH];
    private final int[] free = new int[DEPTH];
    private int freeCount;
    private long lastCookie;
    private int directReads;
    private int awaited;

    private Phase phase = Phase.LIVE;
    private String reason = "";
    private boolean receiveArmed;
    private boolean bulkArmed;
    private boolean payloadArmed;
    private boolean disconnecting;
    private boolean peerEnded;
    private boolean aborted;
    private boolean fenced;
    private long endingSince;

    RemoteConnection(final RemoteQueue queue, final ClientHandshake.Established established) {
        this.loop = queue.loop();
        this.queue = queue;
        this.export = established.export();
        this.fd = established.fd();
        this.slot = loop.register(this);
        final SocketMechanism mechanism = queue.mechanism();
        this.socket = new RingSocket(RingFile.install(loop, fd), mechanism);
        this.memory = queue.blocks().take();
        this.parser = new ReplyParser(loop, this, export, memory);
        this.chain = new SendChain(loop, socket, export, memory + ReplyParser.BUFFER_BYTES, slot, TAG_SEND);
        this.small = memory + ReplyParser.BUFFER_BYTES + SendChain.BLOCK_BYTES;
        for (int i = DEPTH - 1; i >= 0; i--) {
            free[freeCount++] = i;
        }
        arm();
    }

    ExportInfo export() {
        return export;
    }

    boolean isLive() {
        return phase == Phase.LIVE;
    }

    /** Why it ended. */
    String reason() {
        return reason;
    }

    int inFlight() {
        return DEPTH - freeCount;
    }

    // --- sending -----------------------------------------------------------------------------------------------------

    /** Whether {@link #add} may be called. */
    boolean hasRoom(final RemoteRequest request) {
        if (phase != Phase.LIVE || freeCount == 0 || chain.isSending() || !chain.hasRoom()) {
            return false;
        }
        // what a receive under way would take of its payload couldn't be put into a kernel's buffer
        return !(bulkArmed && request.isLentRead());
    }

    /** Takes a request; it leaves with {@link #flush}. */
    void add(final RemoteRequest request) {
        final int index = free[--freeCount];
        requests[index] = request;
        lastCookie += 1L << INDEX_BITS;
        request.cookie = lastCookie | index;
        request.sentAt = loop.now();
        awaited++;
        if (isDirect(request)) {
            directReads++;
        }
        chain.add(request);
    }

    /** Sends what was added. */
    void flush() {
        if (!chain.isEmpty() && !chain.isSending()) {
            chain.submit();
        }
    }

    /** Whether its payload is to come straight to its buffer. */
    private static boolean isDirect(final RemoteRequest request) {
        return request.isRead() && (!request.inMemory || request.length > ReplyParser.COPY_BYTES);
    }

    private void onSent(final int segment, final int result, final int flags) {
        final int outcome = chain.onCompletion(segment, result, flags);
        if (outcome == SendChain.GOING_ON) {
            return;
        }
        final int count = chain.count();
        for (int i = 0; i < count; i++) {
            final RemoteRequest request = chain.take(i);
            if (request.replied && phase == Phase.LIVE && outcome == SendChain.SENT) {
                end(request);
            }
        }
        chain.clear();
        if (outcome < 0) {
            fail("send", outcome);
        } else {
            queue.deferPump();
        }
    }

    // --- replies -----------------------------------------------------------------------------------------------------

    @Override
    public @Nullable RemoteRequest find(final long cookie) {
        final int index = (int) cookie & INDEX_MASK;
        final RemoteRequest request = index < DEPTH ? requests[index] : null;
        return request != null && request.cookie == cookie && !request.replied ? request : null;
    }

    @Override
    public void onReplied(final RemoteRequest request) {
        if (request.error == Errno.ESHUTDOWN) {
            fail("the server is shutting down");
            return;
        }
        request.replied = true;
        awaited--;
        if (!request.sending) { // else the send still has its buffer
            end(request);
        }
    }

    private void end(final RemoteRequest request) {
        forget(request);
        queue.onReplied(request, export);
    }

    private void forget(final RemoteRequest request) {
        final int index = (int) request.cookie & INDEX_MASK;
        requests[index] = null;
        free[freeCount++] = index;
        if (!request.replied) {
            awaited--;
        }
        if (isDirect(request)) {
            directReads--;
        }
    }

    @Override
    public int fillHole(final RemoteRequest request, final int offset, final int length) {
        return queue.holes().fill(request, offset, length);
    }

    @Override
    public void onErrorText(final long address, final int length) {
        final byte[] text = new byte[length];
        Memory.get(address, text, 0, length);
        queue.noteServerText(ServerText.of(text));
    }

    // --- receiving ---------------------------------------------------------------------------------------------------

    private void parse() {
        parser.parse();
        final String violation = parser.violation();
        if (violation != null) {
            fail(violation);
        }
        arm();
        queue.deferPump();
    }

    /** Receives what comes next, one receive at a time or two that are linked. */
    private void arm() {
        if (receiveArmed || payloadArmed || phase == Phase.CLOSED || peerEnded) {
            return;
        }
        if (phase == Phase.LIVE && parser.payloadLeft() > 0) {
            receivePayload();
        } else {
            receiveHeader();
        }
    }

    private void receiveHeader() {
        final boolean drain = phase != Phase.LIVE;
        // Bulk only where a reply is to come besides the one whose payload is being received: while it is armed no
        // read to a kernel's buffer is sent, and nothing but a reply ends it.
        final boolean awaitsReply = awaited > (payloadArmed ? 1 : 0);
        bulkArmed = drain || (directReads == 0 && awaitsReply && !queue.expectsLentReads());
        final long space = drain ? parser.discard() : parser.space();
        receiveArmed = true;
        Sqe.recv(
                loop.driver().sqe(),
                socket.file().fd(),
                socket.file().sqeFlag(),
                space,
                parser.wanted(bulkArmed),
                0,
                loop.userData(slot, TAG_RECEIVE));
    }

    private void receivePayload() {
        final RemoteRequest request = parser.payloadOwner();
        final FusedCommand command = request.command;
        if (command == null) {
            throw new IllegalStateException("payload without a command");
        }
        final boolean link = request.inMemory || socket.mechanism().receivesWhole();
        if (link) {
            loop.driver().reserve(2); // a chain doesn't span two submissions
        }
        payloadArmed = true;
        if (request.inMemory) {
            Sqe.prepare(
                    loop.driver().sqe(),
                    IoUring.OP_RECV,
                    socket.file().sqeFlag() | IoUring.SQE_IO_LINK,
                    0,
                    socket.file().fd(),
                    0,
                    command.address(parser.payloadAt()),
                    parser.payloadLeft(),
                    Sqe.MSG_WAITALL,
                    0,
                    loop.userData(slot, TAG_PAYLOAD));
        } else {
            request.transfer()
                    .start(
                            loop,
                            Direction.DEST,
                            socket,
                            command.kernelBuffer(),
                            parser.payloadAt(),
                            parser.payloadLeft(),
                            link,
                            loop.userData(slot, TAG_PAYLOAD));
        }
        if (link) {
            receiveHeader(); // begins in the kernel when the payload has come whole
        }
    }

    private void onPayload(final int result, final int flags) {
        int outcome = result;
        if (phase == Phase.LIVE || parser.payloadLeft() > 0) {
            final RemoteRequest request = parser.payloadOwner();
            if (!request.inMemory) {
                outcome = request.transfer().advance(loop, result, flags, loop.userData(slot, TAG_PAYLOAD));
                if (outcome == FusedCommand.PENDING) {
                    return;
                }
            }
        }
        payloadArmed = false;
        if (outcome > 0) {
            loop.countBorrowed(outcome);
            if (phase == Phase.LIVE) {
                parser.payloadReceived(outcome);
            }
        } else if (!isPassing(outcome)) {
            onPeerEnd(outcome);
        }
        parseOrDrain();
    }

    private void onReceived(final int result) {
        receiveArmed = false;
        bulkArmed = false;
        if (result > 0) {
            if (phase == Phase.LIVE) {
                parser.received(result);
            }
        } else if (!isPassing(result)) {
            onPeerEnd(result);
        }
        parseOrDrain();
    }

    private void parseOrDrain() {
        if (phase == Phase.LIVE) {
            parse();
        } else {
            arm();
        }
    }

    /** ECANCELED: the receive before it in its chain stopped short. */
    private static boolean isPassing(final int result) {
        return result == -Errno.EAGAIN || result == -Errno.EINTR || result == -Errno.ECANCELED;
    }

    /**
     * The server's end of the stream, or a reset by its machine, is its word that nothing more of this connection is
     * executed. That this side gave up, or can't reach it any more (ETIMEDOUT, EHOSTUNREACH), is not.
     */
    private void onPeerEnd(final int result) {
        fenced = !aborted && (result == 0 || result == -Errno.ECONNRESET || result == -Errno.EPIPE);
        peerEnded = true;
        if (phase == Phase.LIVE) {
            fail(result == 0 || result == -Errno.ECONNRESET ? "the server closed the connection" : "receive", result);
        }
        loop.libc().sockets().shutdown(fd, SocketCalls.SHUT_RDWR); // a send that the server doesn't read ends
    }

    // --- the end -----------------------------------------------------------------------------------------------------

    @Override
    public void onCompletion(final int tag, final int result, final int flags) {
        switch (tag) {
            case TAG_RECEIVE -> onReceived(result);
            case TAG_PAYLOAD -> onPayload(result, flags);
            case TAG_DISCONNECT -> {
                disconnecting = false;
                fail("the client disconnected");
            }
            default -> onSent(tag - TAG_SEND, result, flags);
        }
        if (phase == Phase.ENDING && peerEnded && isIdle()) {
            close();
        }
    }

    private boolean isIdle() {
        return !receiveArmed && !payloadArmed && !disconnecting && !chain.isSending();
    }

    @Override
    public void onLoopEnd() {
        if (phase != Phase.CLOSED) {
            phase = Phase.CLOSED;
            loop.libc().sockets().shutdown(fd, SocketCalls.SHUT_RDWR);
            loop.libc().files().close(fd);
        }
    }

    @Override
    public void onFailure(final RuntimeException e) {
        fail("internal error"); // the loop reports it; other connections go on
    }

    private void fail(final String what, final int result) {
        fail(result < 0 ? what + ": " + Errno.name(result) : what);
    }

    /** Sends nothing more, and waits for the server to close as well. */
    void fail(final String why) {
        if (phase != Phase.LIVE) {
            return;
        }
        phase = Phase.ENDING;
        reason = why;
        endingSince = loop.now();
        loop.libc().sockets().shutdown(fd, SocketCalls.SHUT_WR);
        arm();
        queue.onFailed(this);
    }

    /** Ends it in good order: nothing is in flight. */
    void disconnect() {
        if (phase != Phase.LIVE || chain.isSending() || inFlight() > 0) {
            fail("the client stopped");
            return;
        }
        disconnecting = true;
        final boolean extended = export.extended();
        final int bytes = extended ? NbdProtocol.EXTENDED_REQUEST_BYTES : NbdProtocol.REQUEST_BYTES;
        Memory.zero(small, bytes);
        Memory.putIntBe(small, extended ? NbdProtocol.EXTENDED_REQUEST_MAGIC : NbdProtocol.REQUEST_MAGIC);
        Memory.putShortBe(small + 6, (short) NbdProtocol.CMD_DISC);
        Sqe.send(
                loop.driver().sqe(),
                socket.file().fd(),
                socket.file().sqeFlag(),
                small,
                bytes,
                loop.userData(slot, TAG_DISCONNECT));
    }

    /**
     * Looks whether a time limit is over.
     *
     * @param requestNanos how long a request may be without its reply
     * @param fenceNanos how long the server may take to close
     */
    void checkTimes(final long requestNanos, final long fenceNanos) {
        final long now = loop.now();
        if (phase == Phase.ENDING && now - endingSince > fenceNanos) {
            abort();
        } else if (phase == Phase.LIVE && freeCount < DEPTH) {
            for (final RemoteRequest request : requests) {
                if (request != null && now - request.sentAt > requestNanos) {
                    fail("the server left a request without its reply for " + requestNanos / 1_000_000_000 + " s");
                    return;
                }
            }
        }
    }

    /** Resets a TCP connection: what is in its queues here is dropped and never sent again. */
    private void abort() {
        aborted = true;
        loop.libc().sockets().shutdown(fd, SocketCalls.SHUT_RDWR);
        Memory.zero(small, AF_UNSPEC_BYTES);
        loop.libc()
                .sockets()
                .connect(fd, small, AF_UNSPEC_BYTES); // refused for a Unix socket, whose queues are the server's
    }

    private void close() {
        phase = Phase.CLOSED;
        socket.file().remove(loop);
        loop.libc().files().close(fd);
        loop.release(slot);
        queue.blocks().give(memory);
        queue.onClosed(this);
    }

    /** Whether the server was seen to end the connection; once it is closed. */
    boolean isFenced() {
        return fenced;
    }

    /** Takes a request that was in flight out of a closed connection; null when there is none left. */
    @Nullable RemoteRequest takeUnanswered() {
        for (int i = 0; i < DEPTH; i++) {
            final RemoteRequest request = requests[i];
            if (request != null) {
                forget(request);
                return request;
            }
        }
        return null;
    }
}
