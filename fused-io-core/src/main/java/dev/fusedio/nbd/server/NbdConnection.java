package dev.fusedio.nbd.server;

import dev.fusedio.fused.RingFile;
import dev.fusedio.loop.Completable;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.loop.Deferred;
import dev.fusedio.loop.Turn;
import dev.fusedio.nbd.wire.ByteQueue;
import dev.fusedio.net.GatheredSend;
import dev.fusedio.net.ReceiveWindow;
import dev.fusedio.net.Sockets;
import dev.fusedio.ring.IoUring;
import dev.fusedio.ring.ProvidedBuffers;
import dev.fusedio.ring.Sqe;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Memory;
import dev.fusedio.sys.SocketCalls;
import dev.fusedio.volume.Volume;
import org.jspecify.annotations.Nullable;

/**
 * A client's socket on its core: receives, sends, and the order in which things end. What the bytes mean is for
 * {@link Handshake} and {@link Transmission}. The loop's thread only.
 */
final class NbdConnection implements Completable, Deferred, Turn, Waiter {
    private static final int TAG_RECEIVE = 0;
    private static final int TAG_PAYLOAD = 1;
    private static final int TAG_SEND = 2;
    private static final int TAG_GREETING = 3;
    private static final String SHUTTING_DOWN = "the server is shutting down";

    /** A client that sent nothing for this time after the last reply was acknowledged doesn't look for more. */
    private static final long QUIET_NANOS = 100_000_000;

    /** A client that was sent the end of the stream, and has acknowledged it, may go on sending for this time. */
    private static final long LINGER_NANOS = 1_000_000_000;

    /** Time for a client to ask for an export it was listed. libnbd 1.14's nbdinfo takes 200 ms over TCP: its last send has MSG_MORE. */
    private static final long NANOS_PER_EXPORT = 500_000_000;

    /** A client that holds memory for so long, while others wait for some, has to move so many bytes. */
    private static final long SHORT_NANOS = 4_000_000_000L;

    private static final long SHORT_BYTES = 1 << 20;

    private enum Phase {
        HANDSHAKE,
        TRANSMISSION,
        /** Nothing more is received; whole requests that were received already, and those in flight, are answered. */
        DRAINING,
        /**
         * All is answered and the writing side is shut. What the client still sends is thrown away until it closes: if the
         * socket were closed with bytes unread, TCP would reset the connection and drop replies on their way.
         */
        LINGERING,
        /** The socket is shut; what is in flight is waited for. */
        CUT,
        CLOSED
    }

    private final NbdWorker worker;
    private final CoreLoop loop;
    private final ProvidedBuffers buffers;
    private final int fd;
    private final String peer;
    private final int slot;
    private final ReceiveWindow window;
    private final GatheredSend replies;
    private final Handshake handshake;
    private RingFile socket;
    private Phase phase = Phase.HANDSHAKE;
    private SessionEnd end = SessionEnd.OTHER;
    private String reason = "";
    private @Nullable Transmission transmission;
    private Volume.@Nullable Lane lane;
    private long carry;
    private long greetingBlock;
    private @Nullable NegotiationFailure failure;
    private boolean receiveArmed;
    private boolean payloadArmed;
    private boolean moreIsWaiting = true;
    private int operations;
    private boolean deferred;
    private boolean enqueued;
    private boolean awaiting;
    private boolean lingers;
    private boolean clientClosed;
    private final long connectedAt;
    private long lastReceivedAt;
    private long sendProgressAt;
    private long payloadAwaitedAt;
    private long lingeringSince;
    private long shortSince;
    private long movedSince;
    private long moved;
    private long movedBefore;
    private long recent;

    NbdConnection(final NbdWorker worker, final int fd, final String peer) {
        this.worker = worker;
        this.loop = worker.loop();
        this.buffers = loop.receiveBuffers();
        this.fd = fd;
        this.peer = peer;
        this.slot = loop.register(this);
        this.socket = new RingFile(fd, 0); // a place in the ring's table only for those that get to transmission
        this.window = new ReceiveWindow(buffers, worker.stashes());
        this.replies = new GatheredSend(worker.sendBlocks());
        this.handshake = new Handshake(
                worker.directory(),
                worker.limits(),
                worker.handshakeMemory(),
                peer,
                this::post,
                this::deferProcess,
                this::use);
        this.connectedAt = loop.now();
        this.lastReceivedAt = connectedAt;
        deferProcess();
    }

    // --- events ------------------------------------------------------------------------------------------------------

    @Override
    public void onCompletion(final int tag, final int result, final int flags) {
        operations--;
        switch (tag) {
            case TAG_RECEIVE -> onReceived(result, flags);
            case TAG_PAYLOAD -> onPayload(result);
            case TAG_SEND -> onSent(result);
            case TAG_GREETING -> onGreetingSent(result);
            default -> throw new IllegalStateException("tag " + tag);
        }
    }

    @Override
    public void onFailure(final RuntimeException e) {
        cut(SessionEnd.OTHER, "internal error"); // the loop reports it; other connections go on
    }

    /** The loop is gone: the client sees an end, and the volume has one user less. */
    @Override
    public void onLoopEnd() {
        if (phase == Phase.CLOSED) {
            return;
        }
        phase = Phase.CLOSED;
        loop.libc().sockets().shutdown(fd, SocketCalls.SHUT_RDWR);
        loop.libc().files().close(fd);
        if (lane != null) {
            lane.release();
        }
        worker.closed(this, transmission, SessionEnd.OTHER, "the core loop failed");
    }

    /** Brings an answer to this loop; if it can't be made use of, this connection ends and no other. Any thread. */
    private void post(final Runnable answer) {
        loop.post(() -> {
            try {
                answer.run();
            } catch (final RuntimeException e) {
                loop.errors().accept(e);
                onFailure(e);
            }
        });
    }

    private void onReceived(final int result, final int flags) {
        receiveArmed = false;
        final boolean taken = (flags & IoUring.CQE_F_BUFFER) != 0;
        buffers.disarmed(taken);
        moreIsWaiting = (flags & IoUring.CQE_F_SOCK_NONEMPTY) != 0;
        if (taken) {
            final int buffer = flags >>> IoUring.CQE_BUFFER_SHIFT;
            if (result > 0 && phase.compareTo(Phase.DRAINING) < 0) {
                window.open(buffer, result);
            } else {
                buffers.recycle(buffer);
            }
        }
        if (result > 0) {
            lastReceivedAt = loop.now();
        }
        if (result == -Errno.ENOBUFS) {
            awaitWorker();
        } else if (!isTransient(result) && result <= 0) {
            onReceiveEnd(result);
        }
        deferProcess();
    }

    private void onPayload(final int result) {
        payloadArmed = false;
        final Transmission current = transmission;
        if (result > 0) {
            lastReceivedAt = loop.now();
            movedSince += result;
            moved += result;
        }
        if (phase == Phase.TRANSMISSION && current != null && (result > 0 || isTransient(result))) {
            current.onPayloadReceived(Math.max(result, 0));
        } else {
            if (result <= 0 && !isTransient(result) && phase == Phase.TRANSMISSION) {
                cutAfterReceive(result, "the client closed in the middle of a write");
            } else if (result <= 0 && !isTransient(result)) {
                onReceiveEnd(result);
            }
            if (current != null) {
                current.abandon(); // a write that isn't whole when the end has begun is never carried out
            }
        }
        deferProcess();
    }

    private static boolean isTransient(final int result) {
        return result == -Errno.EAGAIN || result == -Errno.EINTR || result == -Errno.ENOBUFS;
    }

    private void cutAfterReceive(final int result, final String closed) {
        if (result == 0) {
            cut(SessionEnd.CLOSED, closed);
        } else {
            cut(SessionEnd.CONNECTION, "receive: " + Errno.name(result));
        }
    }

    private void onReceiveEnd(final int result) {
        if (result == 0 && phase == Phase.TRANSMISSION) {
            drain(SessionEnd.CLOSED, "the client closed");
        } else if (result == 0 && phase == Phase.DRAINING) {
            clientClosed = true; // its writing side: it may read on
        } else if (phase == Phase.LINGERING) {
            cut(end, reason);
        } else if (phase.compareTo(Phase.CUT) < 0) {
            cutAfterReceive(result, "the client closed");
        }
    }

    private void onSent(final int result) {
        sendProgressAt = loop.now();
        if (result > 0) {
            movedSince += result;
            moved += result;
            if (replies.advance(result)) {
                replies.finish(true);
                deferFlush();
            } else {
                submitSend();
            }
        } else if (isTransient(result) && !isCut()) {
            submitSend();
        } else {
            if (!isCut()) {
                cut(SessionEnd.CONNECTION, "send: " + Errno.name(result));
            }
            replies.finish(false);
            deferProcess();
        }
    }

    @Override
    public void onTurn() {
        enqueued = false;
        if (phase != Phase.CLOSED) {
            process();
            deferFlush();
        }
    }

    @Override
    public void onRoundEnd() {
        deferred = false;
        if (phase == Phase.CLOSED) {
            return;
        }
        flush();
        if (phase == Phase.DRAINING && isIdle()) {
            if (lingers && !clientClosed) {
                linger();
            } else {
                cut(end, reason);
            }
        }
        if (phase == Phase.CUT && operations == 0 && (transmission == null || transmission.inFlight() == 0)) {
            close();
        }
    }

    private boolean isIdle() {
        return (transmission == null || transmission.unanswered() == 0)
                && handshake.out().size() == 0
                && replies.isEmpty()
                && operations == (receiveArmed ? 1 : 0) + (payloadArmed ? 1 : 0);
    }

    /** Has the window looked at when it is this connection's turn. */
    void deferProcess() {
        if (!enqueued && phase != Phase.CLOSED) {
            enqueued = true;
            loop.enqueue(this);
        }
    }

    /** Has replies sent, and an end that is due made, at the end of this round. */
    private void deferFlush() {
        if (!deferred && phase != Phase.CLOSED) {
            deferred = true;
            loop.defer(this);
        }
    }

    /** Has {@link #deferProcess} called when the core has memory or room for requests again. */
    void awaitWorker() {
        if (!awaiting) {
            awaiting = true;
            worker.await(this);
        }
    }

    @Override
    public void retry() {
        awaiting = false;
        deferProcess();
    }

    // --- receiving ---------------------------------------------------------------------------------------------------

    private void process() {
        if (phase == Phase.HANDSHAKE) {
            negotiate();
        }
        final Transmission current = transmission;
        if ((phase == Phase.TRANSMISSION || phase == Phase.DRAINING) && current != null) {
            current.parse();
            if (!current.isPinned()) {
                window.releaseIfEmpty();
                if (!enqueued) { // it waits for something that can take long
                    window.moveAside();
                }
            }
            if (phase == Phase.TRANSMISSION && current.wantsBytes()) {
                armReceive(current.receiveBytes());
            }
        } else if (phase == Phase.LINGERING && !payloadArmed) {
            armReceive(0);
        }
    }

    private void negotiate() {
        handshake.replyServers();
        int taken = 1;
        while (taken > 0 && window.remaining() > 0 && handshake.status() == Handshake.Status.READING) {
            taken = handshake.feed(window.position(), window.remaining());
            window.advance(taken);
        }
        window.releaseIfEmpty();
        sendGreeting();
        switch (handshake.status()) {
            case READING -> {
                if (window.remaining() == 0) {
                    armReceive(0);
                } else {
                    window.moveAside(); // replies wait to be sent; the client's next options with them
                }
            }
            case WAITING -> window.moveAside();
            case FINISHED -> {
                if (handshake.out().size() == 0) {
                    beginTransmission();
                } else {
                    window.moveAside();
                }
            }
            case CLOSING -> {
                if (handshake.out().size() == 0) {
                    cut(SessionEnd.OTHER, "the handshake ended: " + handshake.failure());
                }
            }
        }
    }

    private void use(final Volume volume) {
        if (!isCut()) {
            lane = volume.acquire(loop);
        }
    }

    private void beginTransmission() {
        if (lane == null) {
            throw new IllegalStateException("a session begins without a volume");
        }
        carry = worker.carries().take();
        if (carry == 0) {
            cut(SessionEnd.OTHER, "out of memory for another session");
            return;
        }
        socket = RingFile.install(loop, fd);
        handshake.release();
        phase = Phase.TRANSMISSION;
        transmission = worker.opened(this, handshake.negotiated(), lane, window, carry);
        if (worker.isStopping()) {
            stop(); // its export was being looked up when the others were told
        }
    }

    private void armReceive(final int bytes) {
        if (receiveArmed || awaiting || isCut()) {
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

    /** Receives {@code length} bytes of payload to {@code address}. */
    void receivePayload(final long address, final int length) {
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

    // --- sending -----------------------------------------------------------------------------------------------------

    /** A reply is ready; it leaves at the end of this round. */
    void queue(final NbdRequest reply) {
        replies.add(reply);
        deferFlush();
    }

    private void flush() {
        if (isCut() || !replies.isReady()) {
            return;
        }
        if (replies.prepare()) {
            sendProgressAt = loop.now();
            submitSend();
        } else {
            awaitWorker();
        }
    }

    private void submitSend() {
        operations++;
        replies.submit(loop.driver().sqe(), socket.fd(), socket.sqeFlag(), loop.userData(slot, TAG_SEND));
    }

    private void sendGreeting() {
        final ByteQueue out = handshake.out();
        if (out.size() == 0 || greetingBlock != 0 || isCut()) {
            return;
        }
        greetingBlock = worker.sendBlocks().take();
        if (greetingBlock == 0) {
            awaitWorker();
            return;
        }
        final int count = Math.min(out.size(), GatheredSend.BLOCK_BYTES);
        Memory.put(greetingBlock, out.array(), out.head(), count);
        operations++;
        sendProgressAt = loop.now();
        Sqe.send(
                loop.driver().sqe(),
                socket.fd(),
                socket.sqeFlag(),
                greetingBlock,
                count,
                loop.userData(slot, TAG_GREETING));
    }

    private void onGreetingSent(final int result) {
        worker.sendBlocks().give(greetingBlock);
        greetingBlock = 0;
        if (result > 0) {
            handshake.out().remove(result);
        } else if (!isTransient(result) && !isCut()) {
            cut(SessionEnd.CONNECTION, "send: " + Errno.name(result));
        }
        deferProcess();
    }

    // --- the end -----------------------------------------------------------------------------------------------------

    /** Reads nothing more, answers what is in flight, then closes. */
    void drain(final SessionEnd kind, final String why) {
        if (phase.compareTo(Phase.DRAINING) < 0) {
            phase = Phase.DRAINING;
            end = kind;
            reason = why;
            window.release();
            if (transmission != null) {
                transmission.abandon();
            }
            deferProcess();
        }
    }

    /** All is answered: the client sees the end of the stream behind its last reply. */
    private void linger() {
        phase = Phase.LINGERING;
        lingeringSince = loop.now();
        lastReceivedAt = lingeringSince;
        loop.libc().sockets().shutdown(fd, SocketCalls.SHUT_WR);
        deferProcess();
    }

    /** Shuts the socket at once; replies not yet sent are dropped. */
    void cut(final SessionEnd kind, final String why) {
        if (isCut()) {
            return;
        }
        phase = Phase.CUT;
        end = kind;
        reason = why;
        loop.libc().sockets().shutdown(fd, SocketCalls.SHUT_RDWR); // receives and sends in flight end now
        replies.drop();
        if (transmission != null && !payloadArmed) { // the kernel may write to its buffer until it ends
            transmission.abandon();
        }
        deferProcess();
    }

    private void close() {
        phase = Phase.CLOSED;
        handshake.release();
        window.release();
        if (carry != 0) {
            worker.carries().give(carry);
            carry = 0;
        }
        if (lane != null) {
            lane.release();
        }
        if (awaiting) {
            worker.forget(this);
        }
        socket.remove(loop);
        loop.libc().files().close(fd);
        loop.release(slot);
        worker.closed(this, transmission, end, reason);
    }

    /** Ends a handshake for a reason of the server's. */
    void refuse(final NegotiationFailure why) {
        failure = why;
        cut(SessionEnd.OTHER, "the handshake was ended: " + why);
    }

    /**
     * The server stops. Whole requests that were received are carried out and answered, then the client sees the end of
     * the stream; what it has sent beyond that it must send again, to the server's successor. It is told no error: clients
     * that reconnect by themselves hand one on to their users (Linux's driver, qemu).
     */
    void stop() {
        if (phase == Phase.HANDSHAKE) {
            handshake.stop();
            if (handshake.status() == Handshake.Status.READING
                    && handshake.out().size() == 0) {
                refuse(NegotiationFailure.SHUTDOWN);
            }
        } else if (transmission != null && phase == Phase.TRANSMISSION) {
            phase = Phase.DRAINING;
            end = SessionEnd.SHUTDOWN;
            reason = SHUTTING_DOWN;
            lingers = true;
            transmission.endInput();
            deferProcess();
        }
    }

    /** While the server stops: looks whether the client has got everything, and has had time to close. */
    void checkEnd(final long now) {
        if (phase == Phase.LINGERING) {
            final boolean over = now - lastReceivedAt > QUIET_NANOS || now - lingeringSince > LINGER_NANOS;
            if (over && Sockets.unacknowledged(loop.libc(), fd) == 0) {
                cut(end, reason);
            }
        } else if (phase == Phase.HANDSHAKE
                && handshake.status() == Handshake.Status.READING
                && handshake.out().size() == 0
                && now - lastReceivedAt > LINGER_NANOS
                && now - sendProgressAt > LINGER_NANOS) {
            refuse(NegotiationFailure.SHUTDOWN); // it was told so, and doesn't leave
        }
    }

    /** Looks whether a time limit is over. */
    void checkTimes(final long now) {
        final NbdLimits limits = worker.limits();
        recent = moved - movedBefore;
        movedBefore = moved;
        if (isCut()) {
            return;
        }
        if (transmission == null && now - connectedAt > handshakeNanos()) {
            failure = NegotiationFailure.TIMEOUT;
            cut(SessionEnd.OTHER, "the handshake took longer than " + handshakeNanos() / 1_000_000_000 + " s");
        } else if (isTooSlow(now)) {
            cut(
                    SessionEnd.STALLED,
                    "the client left memory in use that others waited for: it moved less than " + (SHORT_BYTES >> 10)
                            + " KiB in " + SHORT_NANOS / 1_000_000_000 + " s");
        } else if (replies.isSending()
                && now - sendProgressAt > limits.stallTime().toNanos()) {
            cut(
                    SessionEnd.STALLED,
                    "the client left replies unread for " + limits.stallTime().toSeconds() + " s");
        } else if (payloadArmed && now - payloadAwaitedAt > limits.stallTime().toNanos()) {
            cut(
                    SessionEnd.STALLED,
                    "the client left a write without its payload for "
                            + limits.stallTime().toSeconds() + " s"); // it holds memory that others may need
        } else if (phase == Phase.TRANSMISSION
                && !limits.idleTime().isZero()
                && transmission != null
                && transmission.inFlight() == 0
                && now - lastReceivedAt > limits.idleTime().toNanos()) {
            cut(SessionEnd.IDLE, "the session was idle for " + limits.idleTime().toSeconds() + " s");
        }
    }

    /** Memory that a slow client holds is nobody's business until others wait for it. */
    private boolean isTooSlow(final long now) {
        if (!worker.isShort() || !(replies.isSending() || payloadArmed)) {
            shortSince = 0;
            return false;
        }
        if (shortSince == 0 || now - shortSince >= SHORT_NANOS) {
            final boolean slow = shortSince != 0 && movedSince < SHORT_BYTES;
            shortSince = now;
            movedSince = 0;
            return slow;
        }
        return false;
    }

    /** A client that was listed many exports may ask for each of them. */
    private long handshakeNanos() {
        return worker.limits().handshakeTime().toNanos() + handshake.listed() * NANOS_PER_EXPORT;
    }

    /** Payload and replies, in bytes, that it moved between the last two looks at its times. */
    long recent() {
        return recent;
    }

    /** Whether nothing can be sent or received any more. */
    boolean isCut() {
        return phase.compareTo(Phase.CUT) >= 0;
    }

    /** Whether all is answered and the writing side is shut, or more than that. */
    boolean hasSentAll() {
        return phase.compareTo(Phase.LINGERING) >= 0;
    }

    boolean isInHandshake() {
        return transmission == null;
    }

    /** Why the handshake came to nothing; null when the client ended it in good order. */
    @Nullable NegotiationFailure failure() {
        return failure == null ? handshake.failure() : failure;
    }

    String peer() {
        return peer;
    }

    NbdWorker worker() {
        return worker;
    }
}
