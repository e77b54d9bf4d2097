package dev.fusedio.nbd.client;

import dev.fusedio.fused.FusedCommand;
import dev.fusedio.fused.SocketMechanism;
import dev.fusedio.loop.BlockPool;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.loop.Deferred;
import dev.fusedio.loop.Timer;
import dev.fusedio.sys.Errno;
import dev.fusedio.volume.ExtentQuery;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The requests of one core loop for a remote export, and the connections that carry them. A request belongs here until it
 * is answered: when its connection ends, it waits until that is closed on both sides and is then sent again.
 *
 * <p>Two requests that change the same bytes are never under way at once: the newer one waits for the older one's answer,
 * however often that has to be sent. So nothing that was stalled on an old connection lands on what was acknowledged
 * later. The loop's thread only, but for {@link #status}.
 */
final class RemoteQueue implements Deferred {
    private static final long TICK_NANOS = 100_000_000;

    /** How long after a read to a kernel's buffer another one is expected. */
    private static final long LENT_READS_NANOS = 100_000_000;

    private static final long FIRST_RETRY_NANOS = 20_000_000;
    private static final long LAST_RETRY_NANOS = 1_000_000_000;

    /** A connection's place, which is filled again when it ends. */
    private final class Place extends Timer implements Connector.Listener {
        private @Nullable RemoteConnection connection;
        private boolean attempting;
        private long retryNanos = FIRST_RETRY_NANOS;

        @Override
        protected void expired() {
            attempting = true;
            connector.attempt(this);
        }

        @Override
        public void onAttempt(final ClientHandshake.@Nullable Established established, final String failure) {
            attempting = false;
            if (established == null) {
                retry(failure);
                return;
            }
            final String obstacle = closing ? "the client stopped" : promised.obstacle(established.export());
            if (obstacle != null) {
                loop.libc().files().close(established.fd());
                retry("the server can't be used as before: " + obstacle);
                return;
            }
            retryNanos = FIRST_RETRY_NANOS;
            connect(this, established);
        }

        private void retry(final String failure) {
            lastFailure = failure;
            publish();
            if (!closing) {
                loop.timers().schedule(this, loop.now() + retryNanos);
                retryNanos = Math.min(2 * retryNanos, LAST_RETRY_NANOS);
            }
            checkClosed();
        }
    }

    private final class Tick extends Timer {
        @Override
        protected void expired() {
            onTick();
        }
    }

    private final CoreLoop loop;
    private final ExportInfo promised;
    private final SocketMechanism mechanism;
    private final Connector connector;
    private final long requestNanos;
    private final long reconnectNanos;
    private final long fenceNanos;
    private final boolean replayUnfenced;
    private final BlockPool blocks;
    private final List<Place> places = new ArrayList<>();
    private final PendingRequests pending = new PendingRequests();
    private final ChangeFence fence = new ChangeFence();
    private final HoleFiller holes;
    private final Tick tick = new Tick();
    private int nextPlace;

    private @Nullable RemoteRequest pool;
    private int active;
    private long nextSequence;
    private boolean deferred;
    private long lentReadsUntil;
    private boolean closing;
    private long downSince;
    private @Nullable Runnable whenClosed;

    private long sessions;
    private long replays;
    private String lastFailure = "";
    private String serverText = "";
    private volatile RemoteStatus status;

    /**
     * @param promised what the volume's users were told of the export
     * @param options limits of time
     * @param connections how many to keep
     */
    RemoteQueue(
            final CoreLoop loop,
            final ExportInfo promised,
            final RemoteOptions options,
            final SocketMechanism mechanism,
            final int connections,
            final Connector connector) {
        this.loop = loop;
        this.holes = new HoleFiller(loop, this::onFilled);
        this.lentReadsUntil = loop.now();
        this.promised = promised;
        this.mechanism = mechanism;
        this.connector = connector;
        this.requestNanos = options.requestTime().toNanos();
        this.reconnectNanos = options.reconnectTime().toNanos();
        this.fenceNanos = options.fenceTime().toNanos();
        this.replayUnfenced = options.replayUnfenced();
        this.blocks = new BlockPool(Arena.ofAuto(), RemoteConnection.BLOCK_BYTES, connections);
        this.downSince = loop.now();
        this.status = RemoteStatus.none(connections);
        for (int i = 0; i < connections; i++) {
            places.add(new Place());
        }
    }

    /** Begins with connections that are made already; the places that are left are filled by the connector. */
    void start(final List<ClientHandshake.Established> established) {
        for (int i = 0; i < places.size(); i++) {
            if (i < established.size()) {
                connect(places.get(i), established.get(i));
            } else {
                places.get(i).expired();
            }
        }
    }

    private void connect(final Place place, final ClientHandshake.Established established) {
        place.connection = new RemoteConnection(this, established);
        sessions++;
        publish();
        deferPump();
    }

    CoreLoop loop() {
        return loop;
    }

    SocketMechanism mechanism() {
        return mechanism;
    }

    BlockPool blocks() {
        return blocks;
    }

    HoleFiller holes() {
        return holes;
    }

    ExportInfo promised() {
        return promised;
    }

    /**
     * Whether reads come, or have just come, whose buffers aren't in this process's memory. A receive that takes whatever
     * arrives would have to end before such a read could be sent, and it ends with the reply to something else.
     */
    boolean expectsLentReads() {
        return pending.lentReads() > 0 || loop.now() - lentReadsUntil < 0;
    }

    /** How it stands. Any thread. */
    RemoteStatus status() {
        return status;
    }

    // --- requests ----------------------------------------------------------------------------------------------------

    /** Whether there has been no connection for so long that requests are refused. */
    boolean isExpired() {
        return closing || (!isUp() && loop.now() - downSince > reconnectNanos);
    }

    private boolean isUp() {
        for (int i = 0; i < places.size(); i++) {
            final RemoteConnection connection = places.get(i).connection;
            if (connection != null && connection.isLive()) {
                return true;
            }
        }
        return false;
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
    void deferPump() {
        if (!deferred) {
            deferred = true;
            loop.defer(this);
        }
    }

    @Override
    public void onRoundEnd() {
        deferred = false;
        for (int i = 0; i < places.size() && pending.count() > 0; i++) {
            nextPlace = nextPlace + 1 < places.size() ? nextPlace + 1 : 0;
            final RemoteConnection connection = places.get(nextPlace).connection;
            if (connection != null) {
                fill(connection, places.size() - i);
            }
        }
    }

    /** Gives a connection its share of what waits. */
    private void fill(final RemoteConnection connection, final int sharers) {
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

    /** A request's reply is whole. */
    void onReplied(final RemoteRequest request, final ExportInfo export) {
        if (request.filling > 0) {
            request.sequel = RemoteRequest.Sequel.FINISH;
        } else if (request.error == 0 && request.advance(export)) {
            pending.insert(request);
            deferPump();
        } else {
            finish(request, -errno(request.error));
        }
    }

    /** A request's holes are filled. */
    private void onFilled(final RemoteRequest request) {
        final RemoteRequest.Sequel sequel = request.sequel;
        request.sequel = RemoteRequest.Sequel.NONE;
        switch (sequel) {
            case NONE -> {} // more of its reply is to come
            case FINISH -> finish(request, -errno(request.error));
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
        final FusedCommand command = request.command;
        final ExtentQuery query = request.query;
        final int outcome = result < 0 ? result : (int) Math.min(request.length, Integer.MAX_VALUE);
        request.command = null;
        request.query = null;
        request.next = pool;
        pool = request;
        if (command != null) {
            command.giveBack(outcome);
        } else if (query != null) {
            query.onExtents(Math.min(result, 0));
        }
    }

    void noteServerText(final String text) {
        serverText = text;
        publish();
    }

    // --- connections that end ----------------------------------------------------------------------------------------

    /** A connection carries nothing more; it is being closed. */
    void onFailed(final RemoteConnection connection) {
        lastFailure = connection.reason();
        if (!isUp()) {
            downSince = loop.now();
        }
        startTick();
        publish();
    }

    /**
     * A connection is closed. If the server was seen to end it, nothing of it can be executed any more, and what it had
     * is sent again. If not, the server may execute a change after newer ones: then changes fail, and reads are sent again.
     */
    void onClosed(final RemoteConnection connection) {
        final boolean changesToo = connection.isFenced() || replayUnfenced;
        for (RemoteRequest request = connection.takeUnanswered();
                request != null;
                request = connection.takeUnanswered()) {
            if (request.changes() && !changesToo) {
                finish(request, -Errno.EIO);
            } else if (request.filling > 0) {
                request.sequel = RemoteRequest.Sequel.SEND_AGAIN; // else zeroes came over what is read then
            } else {
                sendAgain(request);
            }
        }
        for (final Place place : places) {
            if (connection.equals(place.connection)) {
                place.connection = null;
                if (!closing) {
                    loop.timers().schedule(place, loop.now());
                }
            }
        }
        publish();
        deferPump();
        checkClosed();
    }

    private void sendAgain(final RemoteRequest request) {
        request.rewind();
        if (isExpired() || loop.now() - request.arrivedAt > requestNanos + reconnectNanos) {
            finish(request, -Errno.EIO);
        } else {
            replays++;
            pending.insert(request);
            deferPump();
        }
    }

    private void onTick() {
        boolean ending = false;
        for (int i = 0; i < places.size(); i++) {
            final RemoteConnection connection = places.get(i).connection;
            if (connection != null) {
                connection.checkTimes(requestNanos, fenceNanos);
                ending |= !connection.isLive();
            }
        }
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

    private void publish() {
        int live = 0;
        for (final Place place : places) {
            live += place.connection != null && place.connection.isLive() ? 1 : 0;
        }
        status = new RemoteStatus(places.size(), live, sessions, replays, lastFailure, serverText);
    }

    // --- the end -----------------------------------------------------------------------------------------------------

    /**
     * Disconnects. Nothing is in flight, or it fails.
     *
     * @param done is run when all connections are closed
     */
    void close(final Runnable done) {
        closing = true;
        whenClosed = done;
        failWaiting();
        for (final Place place : places) {
            loop.timers().cancel(place);
            final RemoteConnection connection = place.connection;
            if (connection != null) {
                connection.disconnect();
            }
        }
        startTick();
        checkClosed();
    }

    private void checkClosed() {
        if (!closing || whenClosed == null) {
            return;
        }
        for (final Place place : places) {
            if (place.connection != null || place.attempting) {
                return;
            }
        }
        loop.timers().cancel(tick);
        holes.close();
        final Runnable done = whenClosed;
        whenClosed = null;
        done.run();
    }
}
