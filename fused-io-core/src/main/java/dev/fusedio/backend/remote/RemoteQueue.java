package dev.fusedio.backend.remote;

import dev.fusedio.fused.FusedCommand;
import dev.fusedio.fused.SocketMechanism;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.loop.Deferred;
import dev.fusedio.loop.Timer;
import dev.fusedio.nbd.client.ClientConnection;
import dev.fusedio.nbd.client.ClientHandshake;
import dev.fusedio.nbd.client.ClientRequest;
import dev.fusedio.nbd.client.ExportInfo;
import dev.fusedio.sys.Errno;
import dev.fusedio.volume.ExtentQuery;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The requests of one core loop for a remote export, and the {@linkplain ConnectionSet connections} that carry them. A request belongs here until it
 * is answered: when its connection ends, it waits until that is closed on both sides and is then sent again.
 *
 * <p>Two requests that change the same bytes are never under way at once: the newer one waits for the older one's answer,
 * however often that has to be sent. So nothing that was stalled on an old connection lands on what was acknowledged
 * later. The loop's thread only, but for {@link #status}.
 */
final class RemoteQueue implements Deferred, ClientConnection.Owner {
    private static final long TICK_NANOS = 100_000_000;

    /** How long after a read to a kernel's buffer another one is expected. */
    private static final long LENT_READS_NANOS = 100_000_000;

    private final class Tick extends Timer {
        @Override
        protected void expired() {
            onTick();
        }
    }

    private final CoreLoop loop;
    private final ExportInfo promised;
    private final long requestNanos;
    private final long reconnectNanos;
    private final long fenceNanos;
    private final boolean replayUnfenced;
    private final ConnectionSet connections;
    private final PendingRequests pending = new PendingRequests();
    private final ChangeFence fence = new ChangeFence();
    private final HoleFiller holes;
    private final Tick tick = new Tick();

    private @Nullable RemoteRequest pool;
    private int active;
    private long nextSequence;
    private boolean deferred;
    private long lentReadsUntil;
    private boolean closing;

    /**
     * @param promised what the volume's users were told of the export
     * @param options limits of time
     * @param count how many connections to keep
     */
    RemoteQueue(
            final CoreLoop loop,
            final ExportInfo promised,
            final RemoteOptions options,
            final SocketMechanism mechanism,
            final int count,
            final Connector connector) {
        this.loop = loop;
        this.holes = new HoleFiller(loop, this::onFilled);
        this.lentReadsUntil = loop.now();
        this.promised = promised;
        this.connections = new ConnectionSet(loop, promised, mechanism, count, connector, this);
        this.requestNanos = options.requestTime().toNanos();
        this.reconnectNanos = options.reconnectTime().toNanos();
        this.fenceNanos = options.fenceTime().toNanos();
        this.replayUnfenced = options.replayUnfenced();
    }

    /** Begins with connections that are made already; the rest are made by the connector. */
    void start(final List<ClientHandshake.Established> established) {
        connections.start(established);
    }

    CoreLoop loop() {
        return loop;
    }

    ExportInfo promised() {
        return promised;
    }

    /** Whether reads to pages of the kernel's wait, or have just come. */
    @Override
    public boolean expectsLentReads() {
        return pending.lentReads() > 0 || loop.now() - lentReadsUntil < 0;
    }

    /** How it stands. Any thread. */
    RemoteStatus status() {
        return connections.status();
    }

    // --- requests ----------------------------------------------------------------------------------------------------

    /** Whether there has been no connection for so long that requests are refused. */
    boolean isExpired() {
        return closing || connections.isDownFor(reconnectNanos);
    }

    /** A request to fill in and {@link #submit}. */
    RemoteRequest take() {
        final RemoteRequest request = pool;
        if (request == null) {
            return new RemoteRequest();
        }
        pool = request.next;
        request.next = null;
        return request;
    }

    /** Sends a request as soon as it may be; its command has lent its buffer, or is held. */
    void submit(final RemoteRequest request) {
        request.sequence = nextSequence++;
        request.arrivedAt = loop.now();
        request.rewind();
        active++;
        if (request.isLentRead()) {
            lentReadsUntil = request.arrivedAt + LENT_READS_NANOS;
        }
        startTick();
        if (request.changes() && !fence.admit(request)) {
            return;
        }
        pending.append(request);
        deferPump();
    }

    private void startTick() {
        if (!tick.isScheduled()) {
            loop.timers().schedule(tick, loop.now() + TICK_NANOS);
        }
    }

    // --- sending -----------------------------------------------------------------------------------------------------

    /** Has waiting requests sent at the end of this round. */
    private void deferPump() {
        if (!deferred) {
            deferred = true;
            loop.defer(this);
        }
    }

    @Override
    public void onRoundEnd() {
        deferred = false;
        final int count = connections.size();
        for (int i = 0; i < count && pending.count() > 0; i++) {
            final ClientConnection connection = connections.next();
            if (connection != null) {
                fill(connection, count - i);
            }
        }
    }

    @Override
    public void onRoom() {
        deferPump();
    }

    /** Gives a connection its share of what waits. */
    private void fill(final ClientConnection connection, final int sharers) {
        int share = (pending.count() + sharers - 1) / sharers;
        RemoteRequest request = pending.peek();
        while (request != null && share > 0 && connection.hasRoom(request)) {
            pending.poll();
            connection.add(request);
            share--;
            request = pending.peek();
        }
        connection.flush();
    }

    // --- answers -----------------------------------------------------------------------------------------------------

    @Override
    public void onReplied(final ClientRequest replied) {
        // a connection has no requests but those that it was given here
        final RemoteRequest request = (RemoteRequest) replied;
        if (request.filling > 0) {
            request.sequel = RemoteRequest.Sequel.FINISH;
        } else if (request.error() == 0 && request.advance()) {
            pending.insert(request);
            deferPump();
        } else {
            finish(request, -errno(request.error()));
        }
    }

    @Override
    public int fillHole(final ClientRequest request, final int offset, final int length) {
        return holes.fill((RemoteRequest) request, offset, length);
    }

    /** A request's holes are filled. */
    private void onFilled(final RemoteRequest request) {
        final RemoteRequest.Sequel sequel = request.sequel;
        request.sequel = RemoteRequest.Sequel.NONE;
        switch (sequel) {
            case NONE -> {} // more of its reply is to come
            case FINISH -> finish(request, -errno(request.error()));
            case SEND_AGAIN -> sendAgain(request);
        }
    }

    /** Specification, "Error values". */
    private static int errno(final int error) {
        return switch (error) {
            case 0,
                    Errno.EPERM,
                    Errno.EIO,
                    Errno.ENOMEM,
                    Errno.EINVAL,
                    Errno.ENOSPC,
                    Errno.EOVERFLOW,
                    Errno.EOPNOTSUPP -> error;
            default -> Errno.EIO;
        };
    }

    private void finish(final RemoteRequest request, final int result) {
        if (request.changes() && fence.answered(request, pending)) {
            deferPump();
        }
        active--;
        final FusedCommand command = request.command();
        final ExtentQuery query = request.query();
        final int outcome = result < 0 ? result : (int) Math.min(request.length(), Integer.MAX_VALUE);
        request.release();
        request.next = pool;
        pool = request;
        if (command != null) {
            command.giveBack(outcome);
        } else if (query != null) {
            query.onExtents(Math.min(result, 0));
        }
    }

    @Override
    public void onServerText(final String text) {
        connections.noteServerText(text);
    }

    // --- connections that end ----------------------------------------------------------------------------------------

    @Override
    public void onFailed(final ClientConnection connection) {
        connections.onFailed(connection);
        startTick();
    }

    /**
     * A connection is closed. If the server was seen to end it, nothing of it can be executed any more, and what it had
     * is sent again. If not, the server may execute a change after newer ones: then changes fail, and reads are sent again.
     */
    @Override
    public void onClosed(final ClientConnection connection) {
        final boolean changesToo = connection.isFenced() || replayUnfenced;
        for (ClientRequest taken = connection.takeUnanswered(); taken != null; taken = connection.takeUnanswered()) {
            final RemoteRequest request = (RemoteRequest) taken;
            if (request.changes() && !changesToo) {
                finish(request, -Errno.EIO);
            } else if (request.filling > 0) {
                request.sequel = RemoteRequest.Sequel.SEND_AGAIN; // else zeroes came over what is read then
            } else {
                sendAgain(request);
            }
        }
        deferPump();
        connections.onClosed(connection);
    }

    private void sendAgain(final RemoteRequest request) {
        request.rewind();
        if (isExpired() || loop.now() - request.arrivedAt > requestNanos + reconnectNanos) {
            finish(request, -Errno.EIO);
        } else {
            connections.countReplay();
            pending.insert(request);
            deferPump();
        }
    }

    private void onTick() {
        final boolean ending = connections.checkTimes(requestNanos, fenceNanos);
        if (isExpired()) {
            failWaiting();
        }
        if (active > 0 || ending) {
            startTick();
        }
    }

    /** What no connection has now fails; what an ending one still has follows when that is closed. */
    private void failWaiting() {
        for (RemoteRequest request = pending.poll(); request != null; request = pending.poll()) {
            finish(request, -Errno.EIO); // those held for it come to wait now, and fail as well
        }
    }

    // --- the end -----------------------------------------------------------------------------------------------------

    /**
     * Disconnects. Nothing is in flight, or it fails.
     *
     * @param done is run when all connections are closed
     */
    void close(final Runnable done) {
        closing = true;
        failWaiting();
        startTick();
        connections.close(() -> onAllClosed(done));
    }

    private void onAllClosed(final Runnable done) {
        loop.timers().cancel(tick);
        holes.close();
        done.run();
    }
}
