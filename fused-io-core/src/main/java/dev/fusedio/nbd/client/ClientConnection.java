package dev.fusedio.nbd.client;

import dev.fusedio.fused.RingFile;
import dev.fusedio.fused.RingSocket;
import dev.fusedio.fused.SocketMechanism;
import dev.fusedio.loop.BlockPool;
import dev.fusedio.loop.Completable;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.ring.Sqe;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Memory;
import dev.fusedio.sys.SocketCalls;
import org.jspecify.annotations.Nullable;

/**
 * One negotiated connection on a loop's ring. Requests leave in one {@link SendChain} at a time; a {@link ReplyReceiver}
 * has their replies.
 *
 * <p>Once it fails it carries nothing more: its writing side is shut, and it is read until the server has closed too, so
 * that nothing that the server still had from it is executed after what the next connection carries. Only then can its
 * requests be taken back. The loop's thread only.
 */
public final class ClientConnection {
    /** Native memory that a connection works in, in bytes. */
    public static final int BLOCK_BYTES =
            ReceiveBuffer.BYTES + SendChain.BLOCK_BYTES + 2 * NbdProtocol.EXTENDED_REQUEST_BYTES;

    private static final int TAG_RECEIVE = 0;
    private static final int TAG_PAYLOAD = 1;
    private static final int TAG_DISCONNECT = 2;
    private static final int TAG_SEND = 16;
    private static final int AF_UNSPEC_BYTES = 16;

    /** Whose requests a connection carries. Called on the loop's thread. */
    public interface Owner {
        /** A request's reply has ended; its error is in it. The connection has forgotten the request. */
        void onReplied(ClientRequest request);

        /** There may be room for more requests: see {@link #hasRoom}. */
        void onRoom();

        /** The connection carries nothing more, for its {@link #reason}; it is being closed. */
        void onFailed(ClientConnection connection);

        /** The connection is closed on both sides, or was given up; its requests {@linkplain #takeUnanswered can be taken}. */
        void onClosed(ClientConnection connection);

        /** The server sent a text with an error; it is bounded and has no control characters. */
        void onServerText(String text);

        /**
         * Fills a part of a request's buffer that the kernel keeps with zeroes. This may take longer than its reply.
         *
         * @param offset in the command's buffer
         * @param length in bytes, positive
         * @return 0; or a negated error number, and then nothing has begun
         */
        int fillHole(ClientRequest request, int offset, int length);

        /**
         * Whether reads are to be expected whose buffers the kernel keeps. A receive that takes whatever arrives would have
         * to end before such a read could be sent, and it ends with the reply to something else.
         */
        boolean expectsLentReads();
    }

    private enum Phase {
        LIVE,
        ENDING,
        CLOSED
    }

    private final class Completions implements Completable {
        @Override
        public void onCompletion(final int tag, final int result, final int flags) {
            onTagged(tag, result, flags);
        }

        @Override
        public void onLoopEnd() {
            endWithLoop();
        }

        @Override
        public void onFailure(final RuntimeException e) {
            fail("internal error"); // the loop reports it; other connections go on
        }
    }

    private final class Replies implements ReplyParser.Listener {
        @Override
        public void onReplied(final ClientRequest request) {
            finishReply(request);
        }

        @Override
        public int fillHole(final ClientRequest request, final int offset, final int length) {
            return owner.fillHole(request, offset, length);
        }

        @Override
        public void onErrorText(final long address, final int length) {
            final byte[] text = new byte[length];
            Memory.get(address, text, 0, length);
            owner.onServerText(ServerText.of(text));
        }
    }

    private final CoreLoop loop;
    private final Owner owner;
    private final ExportInfo export;
    private final int fd;
    private final int slot;
    private final RingSocket socket;
    private final BlockPool blocks;
    private final long memory;
    private final RequestTable requests = new RequestTable();
    private final SendChain chain;
    private final ReplyReceiver receiver;
    private final long small;

    private Phase phase = Phase.LIVE;
    private String reason = "";
    private boolean disconnecting;
    private boolean aborted;
    private boolean fenced;
    private long endingSince;

    /**
     * Begins to receive.
     *
     * @param blocks of {@link #BLOCK_BYTES}; one is used until the connection is closed
     * @param established its descriptor is the connection's from now on
     */
    public ClientConnection(
            final CoreLoop loop,
            final Owner owner,
            final SocketMechanism mechanism,
            final BlockPool blocks,
            final ClientHandshake.Established established) {
        this.loop = loop;
        this.owner = owner;
        this.export = established.export();
        this.fd = established.fd();
        this.slot = loop.register(new Completions());
        this.socket = new RingSocket(RingFile.install(loop, fd), mechanism);
        this.blocks = blocks;
        this.memory = blocks.take();
        this.receiver = new ReplyReceiver(
                loop,
                socket,
                requests,
                owner,
                new Replies(),
                export,
                memory,
                loop.userData(slot, TAG_RECEIVE),
                loop.userData(slot, TAG_PAYLOAD));
        this.chain = new SendChain(loop, socket, export, memory + ReceiveBuffer.BYTES, slot, TAG_SEND);
        this.small = memory + ReceiveBuffer.BYTES + SendChain.BLOCK_BYTES;
        receiver.arm();
    }

    /** Whether it carries requests. */
    public boolean isLive() {
        return phase == Phase.LIVE;
    }

    /** Why it ended; empty while it is live. */
    public String reason() {
        return reason;
    }

    // --- sending -----------------------------------------------------------------------------------------------------

    /** Whether {@link #add} may be called. */
    public boolean hasRoom(final ClientRequest request) {
        if (phase != Phase.LIVE || requests.isFull() || chain.isSending() || !chain.hasRoom()) {
            return false;
        }
        // what a receive under way would take of its payload couldn't be put into a kernel's buffer
        return !(receiver.isBulk() && request.isLentRead());
    }

    /** Takes a request; it leaves with {@link #flush}. */
    public void add(final ClientRequest request) {
        requests.add(request);
        request.sentAt = loop.now();
        chain.add(request);
    }

    /** Sends what was added. */
    public void flush() {
        if (!chain.isEmpty() && !chain.isSending()) {
            chain.submit();
        }
    }

    private void onSent(final int segment, final int result, final int flags) {
        final int outcome = chain.onCompletion(segment, result, flags);
        if (outcome == SendChain.GOING_ON) {
            return;
        }
        final int count = chain.count();
        for (int i = 0; i < count; i++) {
            final ClientRequest request = chain.take(i);
            if (request.replied && phase == Phase.LIVE && outcome == SendChain.SENT) {
                end(request);
            }
        }
        chain.clear();
        if (outcome < 0) {
            fail("send", outcome);
        } else {
            owner.onRoom();
        }
    }

    // --- replies -----------------------------------------------------------------------------------------------------

    private void finishReply(final ClientRequest request) {
        if (request.error == Errno.ESHUTDOWN) {
            fail("the server is shutting down");
            return;
        }
        requests.markReplied(request);
        if (!request.sending) { // else the send still has its buffer
            end(request);
        }
    }

    private void end(final ClientRequest request) {
        requests.remove(request);
        owner.onReplied(request);
    }

    private void onReceived(final int outcome) {
        if (outcome == ReplyReceiver.GOING_ON) {
            return;
        }
        if (outcome <= 0) {
            onPeerEnd(outcome);
        }
        if (phase != Phase.LIVE) {
            receiver.arm();
            return;
        }
        final String violation = receiver.parse();
        if (violation != null) {
            fail(violation);
        }
        receiver.arm();
        owner.onRoom();
    }

    // --- the end -----------------------------------------------------------------------------------------------------

    /**
     * The server's end of the stream, or a reset by its machine, is its word that nothing more of this connection is
     * executed. That this side gave up, or can't reach it any more (ETIMEDOUT, EHOSTUNREACH), is not.
     */
    private void onPeerEnd(final int result) {
        fenced = !aborted && (result == 0 || result == -Errno.ECONNRESET || result == -Errno.EPIPE);
        if (phase == Phase.LIVE) {
            fail(result == 0 || result == -Errno.ECONNRESET ? "the server closed the connection" : "receive", result);
        }
        loop.libc().sockets().shutdown(fd, SocketCalls.SHUT_RDWR); // a send that the server doesn't read ends
    }

    private void onTagged(final int tag, final int result, final int flags) {
        switch (tag) {
            case TAG_RECEIVE -> onReceived(receiver.onReceived(result));
            case TAG_PAYLOAD -> onReceived(receiver.onPayload(result, flags));
            case TAG_DISCONNECT -> {
                disconnecting = false;
                fail("the client disconnected");
            }
            default -> onSent(tag - TAG_SEND, result, flags);
        }
        if (phase == Phase.ENDING && receiver.hasEnded() && isIdle()) {
            close();
        }
    }

    private boolean isIdle() {
        return !receiver.isReceiving() && !disconnecting && !chain.isSending();
    }

    private void endWithLoop() {
        if (phase != Phase.CLOSED) {
            phase = Phase.CLOSED;
            receiver.end();
            loop.libc().sockets().shutdown(fd, SocketCalls.SHUT_RDWR);
            loop.libc().files().close(fd);
        }
    }

    private void fail(final String what, final int result) {
        fail(result < 0 ? what + ": " + Errno.name(result) : what);
    }

    /** Sends nothing more, and waits for the server to close as well. */
    private void fail(final String why) {
        if (phase != Phase.LIVE) {
            return;
        }
        phase = Phase.ENDING;
        reason = why;
        endingSince = loop.now();
        loop.libc().sockets().shutdown(fd, SocketCalls.SHUT_WR);
        receiver.drain();
        owner.onFailed(this);
    }

    /** Ends it: in good order when nothing is in flight. */
    public void disconnect() {
        if (phase != Phase.LIVE || chain.isSending() || !requests.isEmpty()) {
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
    public void checkTimes(final long requestNanos, final long fenceNanos) {
        final long now = loop.now();
        if (phase == Phase.ENDING && now - endingSince > fenceNanos) {
            abort();
        } else if (phase == Phase.LIVE && requests.hasSentBefore(now - requestNanos)) {
            fail("the server left a request without its reply for " + requestNanos / 1_000_000_000 + " s");
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
        blocks.give(memory);
        owner.onClosed(this);
    }

    /** Whether the server was seen to end the connection; once it is closed. */
    public boolean isFenced() {
        return fenced;
    }

    /** Takes a request that was in flight out of a closed connection; null when there is none left. */
    public @Nullable ClientRequest takeUnanswered() {
        return requests.removeAny();
    }
}
