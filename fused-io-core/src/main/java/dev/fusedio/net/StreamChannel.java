package dev.fusedio.net;

import dev.fusedio.fused.RingFile;
import dev.fusedio.loop.BlockPool;
import dev.fusedio.loop.Completable;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.loop.FailureOwner;
import dev.fusedio.ring.IoUring;
import dev.fusedio.ring.ProvidedBuffers;
import dev.fusedio.ring.Sqe;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Memory;
import dev.fusedio.sys.SocketCalls;

/**
 * A stream socket on a loop's ring: what is received, what is sent, and the order in which it closes. What the bytes mean,
 * and when it ends, is for its {@link Owner}. Nothing else touches the descriptor. The loop's thread only.
 */
public final class StreamChannel implements Completable {
    private static final int TAG_RECEIVE = 0;
    private static final int TAG_PAYLOAD = 1;
    private static final int TAG_SEND = 2;
    private static final int TAG_BYTES = 3;

    /** Who is told of a channel. On the loop's thread. */
    public interface Owner extends FailureOwner {
        /** Whether bytes that have arrived are of use; otherwise they are dropped. */
        boolean takesBytes();

        /**
         * A receive to the window has ended.
         *
         * @param result bytes, now in the window unless they were dropped; 0 at the stream's end; or a negated error number
         */
        void onReceived(int result);

        /**
         * A receive of payload has ended.
         *
         * @param result bytes, 0 at the stream's end, or a negated error number
         */
        void onPayload(int result);

        /** All that was gathered has left, and everybody in it was told. */
        void onSent();

        /**
         * A send has failed; those in it are told after this.
         *
         * @param result the negated error number
         */
        void onSendFailed(int result);

        /** Those in a send that failed have been told. */
        void onSendEnded();

        /**
         * {@link StreamChannel#sendBytes} has ended.
         *
         * @param result how many have left, or a negated error number
         */
        void onBytesSent(int result);

        /** The loop is gone, and the socket with it. */
        void onLoopEnd();
    }

    private final CoreLoop loop;
    private final Owner owner;
    private final ProvidedBuffers buffers;
    private final BlockPool blocks;
    private final int fd;
    private final int slot;
    private final ReceiveWindow window;
    private final GatheredSend sends;
    private RingFile socket;
    private long bytesBlock;
    private boolean receiveArmed;
    private boolean payloadArmed;
    private boolean moreIsWaiting = true;
    private boolean cut;
    private int operations;
    private long moved;
    private long lastReceivedAt;
    private long sendProgressAt;
    private long payloadAwaitedAt;

    /**
     * Takes a connected socket over.
     *
     * @param blocks blocks of {@link GatheredSend#BLOCK_BYTES} for sends
     * @param aside blocks as large as a receive buffer
     */
    public StreamChannel(
            final CoreLoop loop, final int fd, final Owner owner, final BlockPool blocks, final BlockPool aside) {
        this.loop = loop;
        this.owner = owner;
        this.buffers = loop.receiveBuffers();
        this.blocks = blocks;
        this.fd = fd;
        this.slot = loop.register(this);
        this.socket = new RingFile(fd, 0); // a place in the ring's table only for those that are worth it
        this.window = new ReceiveWindow(buffers, aside);
        this.sends = new GatheredSend(blocks);
        this.lastReceivedAt = loop.now();
    }

    /** Takes a place in the ring's file table, which makes each operation cheaper. */
    public void install() {
        socket = RingFile.install(loop, fd);
    }

    @Override
    public void onCompletion(final int tag, final int result, final int flags) {
        operations--;
        switch (tag) {
            case TAG_RECEIVE -> received(result, flags);
            case TAG_PAYLOAD -> {
                payloadArmed = false;
                if (result > 0) {
                    lastReceivedAt = loop.now();
                    moved += result;
                }
                owner.onPayload(result);
            }
            case TAG_SEND -> sent(result);
            case TAG_BYTES -> {
                blocks.give(bytesBlock);
                bytesBlock = 0;
                owner.onBytesSent(result);
            }
            default -> throw new IllegalStateException("tag " + tag);
        }
    }

    @Override
    public void onFailure(final RuntimeException e) {
        owner.onFailure(e);
    }

    @Override
    public void onLoopEnd() {
        loop.libc().sockets().shutdown(fd, SocketCalls.SHUT_RDWR);
        loop.libc().files().close(fd);
        owner.onLoopEnd();
    }

    // --- receiving ---------------------------------------------------------------------------------------------------

    /** What was received and has not been looked at. */
    public ReceiveWindow window() {
        return window;
    }

    /**
     * Receives to the window, which must be empty, unless that is under way.
     *
     * @param bytes at most so many, 0 for as many as a buffer takes
     */
    public void receive(final int bytes) {
        if (receiveArmed || cut) {
            return;
        }
        receiveArmed = true;
        operations++;
        buffers.armed();
        Sqe.recvSelect(
                loop.driver().sqe(),
                socket.fd(),
                socket.sqeFlag(),
                ProvidedBuffers.GROUP,
                bytes,
                moreIsWaiting ? 0 : IoUring.RECVSEND_POLL_FIRST,
                loop.userData(slot, TAG_RECEIVE));
    }

    private void received(final int result, final int flags) {
        receiveArmed = false;
        final boolean taken = (flags & IoUring.CQE_F_BUFFER) != 0;
        buffers.disarmed(taken);
        moreIsWaiting = (flags & IoUring.CQE_F_SOCK_NONEMPTY) != 0;
        if (taken) {
            final int buffer = flags >>> IoUring.CQE_BUFFER_SHIFT;
            if (result > 0 && owner.takesBytes()) {
                window.open(buffer, result);
            } else {
                buffers.recycle(buffer);
            }
        }
        if (result > 0) {
            lastReceivedAt = loop.now();
        }
        owner.onReceived(result);
    }

    /** Receives {@code length} bytes to {@code address}, all of them unless something comes between. */
    public void receivePayload(final long address, final int length) {
        payloadArmed = true;
        payloadAwaitedAt = loop.now();
        operations++;
        Sqe.recv(
                loop.driver().sqe(),
                socket.fd(),
                socket.sqeFlag(),
                address,
                length,
                Sqe.MSG_WAITALL,
                loop.userData(slot, TAG_PAYLOAD));
    }

    /** Whether the kernel may write to a payload's buffer. */
    public boolean isPayloadArmed() {
        return payloadArmed;
    }

    // --- sending -----------------------------------------------------------------------------------------------------

    /** Adds a message; it leaves with {@link #flush}. */
    public void add(final Outgoing message) {
        sends.add(message);
    }

    /**
     * Sends what was added, unless a send is under way.
     *
     * @return false when there is no block for it now
     */
    public boolean flush() {
        if (cut || !sends.isReady()) {
            return true;
        }
        if (!sends.prepare()) {
            return false;
        }
        sendProgressAt = loop.now();
        submitSend();
        return true;
    }

    private void submitSend() {
        operations++;
        sends.submit(loop.driver().sqe(), socket.fd(), socket.sqeFlag(), loop.userData(slot, TAG_SEND));
    }

    private void sent(final int result) {
        sendProgressAt = loop.now();
        if (result > 0) {
            moved += result;
            if (sends.advance(result)) {
                sends.finish(true);
                owner.onSent();
            } else {
                submitSend();
            }
        } else if (isTransient(result) && !cut) {
            submitSend();
        } else {
            owner.onSendFailed(result);
            sends.finish(false);
            owner.onSendEnded();
        }
    }

    /** Whether nothing was added that has not left. */
    public boolean hasSentAll() {
        return sends.isEmpty() && !sends.isSending();
    }

    /** Whether messages are on their way. */
    public boolean isSending() {
        return sends.isSending();
    }

    /**
     * Copies bytes, as many as a block holds, and sends them; only while no messages are sent, and one call at a time.
     *
     * @return false when there is no block for it now
     */
    public boolean sendBytes(final byte[] source, final int from, final int length) {
        bytesBlock = blocks.take();
        if (bytesBlock == 0) {
            return false;
        }
        final int count = Math.min(length, GatheredSend.BLOCK_BYTES);
        Memory.put(bytesBlock, source, from, count);
        operations++;
        sendProgressAt = loop.now();
        Sqe.send(loop.driver().sqe(), socket.fd(), socket.sqeFlag(), bytesBlock, count, loop.userData(slot, TAG_BYTES));
        return true;
    }

    /** Whether {@link #sendBytes} is under way. */
    public boolean isSendingBytes() {
        return bytesBlock != 0;
    }

    /** Whether a result says only that it should be tried again. */
    public static boolean isTransient(final int result) {
        return result == -Errno.EAGAIN || result == -Errno.EINTR || result == -Errno.ENOBUFS;
    }

    // --- what its owner looks at -------------------------------------------------------------------------------------

    /** Operations that the kernel has, but for receives. */
    public int operationsButReceives() {
        return operations - (receiveArmed ? 1 : 0) - (payloadArmed ? 1 : 0);
    }

    /** Bytes of payload received and of messages sent. */
    public long moved() {
        return moved;
    }

    /** When something was received last; at first when it was made. */
    public long lastReceivedAt() {
        return lastReceivedAt;
    }

    /** When a send began or got on last; 0 before the first. */
    public long sendProgressAt() {
        return sendProgressAt;
    }

    /** When the last receive of payload began. */
    public long payloadAwaitedAt() {
        return payloadAwaitedAt;
    }

    /** Bytes that the peer has not acknowledged. */
    public int unacknowledged() {
        return Sockets.unacknowledged(loop.libc(), fd);
    }

    // --- the end -----------------------------------------------------------------------------------------------------

    /** The peer sees the end of the stream behind what was sent. Its silence counts from now on. */
    public void shutWriting() {
        lastReceivedAt = loop.now();
        loop.libc().sockets().shutdown(fd, SocketCalls.SHUT_WR);
    }

    /** Shuts the socket at once: operations under way end now, messages that wait are dropped. */
    public void cut() {
        cut = true;
        loop.libc().sockets().shutdown(fd, SocketCalls.SHUT_RDWR);
        sends.drop();
    }

    /** Whether the kernel has nothing of it any more, so that it can be {@link #close}d. */
    public boolean isQuiet() {
        return operations == 0;
    }

    /** Gives everything back. It must have been {@link #cut} and be quiet. */
    public void close() {
        window.release();
        socket.remove(loop);
        loop.libc().files().close(fd);
        loop.release(slot);
    }
}
