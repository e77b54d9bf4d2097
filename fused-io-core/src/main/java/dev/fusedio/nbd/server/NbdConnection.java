package dev.fusedio.nbd.server;

import dev.fusedio.loop.CoreLoop;
import dev.fusedio.loop.Deferred;
import dev.fusedio.loop.Turn;
import dev.fusedio.nbd.wire.ByteQueue;
import dev.fusedio.net.ReceiveWindow;
import dev.fusedio.net.StreamChannel;
import dev.fusedio.sys.Errno;
import dev.fusedio.volume.Volume;
import org.jspecify.annotations.Nullable;

/**
 * A client's connection on its core: who looks at its bytes when, and the order in which things end. What the bytes mean is
 * for {@link Handshake} and {@link Transmission}. The loop's thread only.
 *
 * <p>Longer than most classes: all that an end depends on is to be seen in one place.
 */
final class NbdConnection implements StreamChannel.Owner, Deferred, Turn, Waiter {
    private static final String SHUTTING_DOWN = "the server is shutting down";

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
    private final String peer;
    private final StreamChannel channel;
    private final ReceiveWindow window;
    private final TimeLimits times;
    private final Handshake handshake;
    private Phase phase = Phase.HANDSHAKE;
    private SessionEnd end = SessionEnd.OTHER;
    private String reason = "";
    private @Nullable Transmission transmission;
    private Volume.@Nullable Lane lane;
    private long carry;
    private @Nullable NegotiationFailure failure;
    private boolean deferred;
    private boolean enqueued;
    private boolean awaiting;
    private boolean lingers;
    private boolean clientClosed;

    NbdConnection(final NbdWorker worker, final int fd, final String peer) {
        this.worker = worker;
        this.loop = worker.loop();
        this.peer = peer;
        this.channel = new StreamChannel(loop, fd, this, worker.sendBlocks(), worker.stashes());
        this.window = channel.window();
        this.times = new TimeLimits(worker, channel);
        this.handshake = new Handshake(
                worker.directory(),
                worker.limits(),
                worker.handshakeMemory(),
                peer,
                this::post,
                this::deferProcess,
                this::use);
        deferProcess();
    }

    // --- events ------------------------------------------------------------------------------------------------------

    @Override
    public void onFailure(final RuntimeException e) {
        cut(SessionEnd.OTHER, "internal error"); // the loop reports it; other connections go on
    }

    /** The client sees an end, and the volume has one user less. */
    @Override
    public void onLoopEnd() {
        if (phase == Phase.CLOSED) {
            return;
        }
        phase = Phase.CLOSED;
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

    @Override
    public boolean takesBytes() {
        return phase.compareTo(Phase.DRAINING) < 0;
    }

    @Override
    public void onReceived(final int result) {
        if (result == -Errno.ENOBUFS) {
            awaitWorker();
        } else if (!StreamChannel.isTransient(result) && result <= 0) {
            onReceiveEnd(result);
        }
        deferProcess();
    }

    @Override
    public void onPayload(final int result) {
        final Transmission current = transmission;
        final boolean over = result <= 0 && !StreamChannel.isTransient(result);
        if (phase == Phase.TRANSMISSION && current != null && !over) {
            current.onPayloadReceived(Math.max(result, 0));
        } else {
            if (over && phase == Phase.TRANSMISSION) {
                cutAfterReceive(result, "the client closed in the middle of a write");
            } else if (over) {
                onReceiveEnd(result);
            }
            if (current != null) {
                current.abandon(); // a write that isn't whole when the end has begun is never carried out
            }
        }
        deferProcess();
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

    @Override
    public void onSent() {
        deferFlush();
    }

    @Override
    public void onSendFailed(final int result) {
        if (!isCut()) {
            cut(SessionEnd.CONNECTION, "send: " + Errno.name(result));
        }
    }

    @Override
    public void onSendEnded() {
        deferProcess();
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
        if (!channel.flush()) {
            awaitWorker();
        }
        if (phase == Phase.DRAINING && isIdle()) {
            if (lingers && !clientClosed) {
                linger();
            } else {
                cut(end, reason);
            }
        }
        if (phase == Phase.CUT && channel.isQuiet() && (transmission == null || transmission.inFlight() == 0)) {
            close();
        }
    }

    private boolean isIdle() {
        return (transmission == null || transmission.unanswered() == 0)
                && handshake.out().size() == 0
                && channel.hasSentAll()
                && channel.operationsButReceives() == 0;
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
                receive(current.receiveBytes());
            }
        } else if (phase == Phase.LINGERING && !channel.isPayloadArmed()) {
            receive(0);
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
                    receive(0);
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
        channel.install();
        handshake.release();
        phase = Phase.TRANSMISSION;
        transmission = worker.opened(this, handshake.negotiated(), lane, window, carry);
        if (worker.isStopping()) {
            stop(); // its export was being looked up when the others were told
        }
    }

    private void receive(final int bytes) {
        if (!awaiting && !isCut()) {
            channel.receive(bytes);
        }
    }

    /** Receives {@code length} bytes of payload to {@code address}. */
    void receivePayload(final long address, final int length) {
        channel.receivePayload(address, length);
    }

    // --- sending -----------------------------------------------------------------------------------------------------

    /** A reply is ready; it leaves at the end of this round. */
    void queue(final NbdRequest reply) {
        channel.add(reply);
        deferFlush();
    }

    private void sendGreeting() {
        final ByteQueue out = handshake.out();
        final boolean may = out.size() > 0 && !channel.isSendingBytes() && !isCut();
        if (may && !channel.sendBytes(out.array(), out.head(), out.size())) {
            awaitWorker();
        }
    }

    @Override
    public void onBytesSent(final int result) {
        if (result > 0) {
            handshake.out().remove(result);
        } else if (!StreamChannel.isTransient(result) && !isCut()) {
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
        times.linger(loop.now());
        channel.shutWriting();
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
        channel.cut();
        if (transmission != null && !channel.isPayloadArmed()) { // the kernel may write to its buffer until it ends
            transmission.abandon();
        }
        deferProcess();
    }

    private void close() {
        phase = Phase.CLOSED;
        handshake.release();
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
        channel.close();
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
            if (times.hasLingered(now)) {
                cut(end, reason);
            }
        } else if (phase == Phase.HANDSHAKE
                && handshake.status() == Handshake.Status.READING
                && handshake.out().size() == 0
                && times.ignoresStop(now)) {
            refuse(NegotiationFailure.SHUTDOWN); // it was told so, and doesn't leave
        }
    }

    /** Looks whether a time limit is over. */
    void checkTimes(final long now) {
        times.look();
        if (isCut()) {
            return;
        }
        if (transmission == null && times.isHandshakeOver(now, handshake.listed())) {
            failure = NegotiationFailure.TIMEOUT;
            cut(
                    SessionEnd.OTHER,
                    "the handshake took longer than " + times.handshakeNanos(handshake.listed()) / 1_000_000_000
                            + " s");
            return;
        }
        final String stall = times.stall(now);
        if (!stall.isEmpty()) {
            cut(SessionEnd.STALLED, stall);
        } else if (phase == Phase.TRANSMISSION
                && transmission != null
                && transmission.inFlight() == 0
                && times.isIdle(now)) {
            cut(SessionEnd.IDLE, "the session was idle for " + times.idleSeconds() + " s");
        }
    }

    /** Payload and replies, in bytes, that it moved between the last two looks at its times. */
    long recent() {
        return times.recent();
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
