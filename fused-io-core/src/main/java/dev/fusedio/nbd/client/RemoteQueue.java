package dev.fusedio.nbd.client;

import dev.fusedio.fused.FusedCommand;
import dev.fusedio.fused.RingFile;
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
    private static final int O_RDONLY_CLOEXEC = 0x80000;

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
                loop.libc().close(established.fd());
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
    private final BlockPool blocks;
    private final List<Place> places = new ArrayList<>();
    private final Tick tick = new Tick();
    private int nextPlace;

    private @Nullable RemoteRequest pool;
    private @Nullable RemoteRequest pendingHead;
    private @Nullable RemoteRequest pendingTail;
    private int pendingCount;
    private @Nullable RemoteRequest heldHead;
    private @Nullable RemoteRequest heldTail;
    private @Nullable RemoteRequest changesHead;
    private @Nullable RemoteRequest changesTail;
    private int active;
    private long nextSequence;
    private boolean deferred;
    private int lentReadsPending;
    private long lentReadsUntil;
    private boolean closing;
    private @Nullable RingFile zeroes;
    private int zeroesDescriptor = -1;
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
        this.lentReadsUntil = loop.now();
        this.promised = promised;
        this.mechanism = mechanism;
        this.connector = connector;
        this.requestNanos = options.requestTime().toNanos();
        this.reconnectNanos = options.reconnectTime().toNanos();
        this.fenceNanos = options.fenceTime().toNanos();
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

    ExportInfo promised() {
        return promised;
    }

    /**
     * Whether reads come, or have just come, whose buffers aren't in this process's memory. A receive that takes whatever
     * arrives would have to end before such a read could be sent, and it ends with the reply to something else.
     */
    boolean expectsLentReads() {
        return lentReadsPending > 0 || loop.now() - lentReadsUntil < 0;
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
        if (request.changes()) {
            final boolean waits = overlapsOlder(request);
            addChange(request);
            if (waits) {
                hold(request);
                startTick();
                return;
            }
        }
        append(request);
        startTick();
        deferPump();
    }

    private void startTick() {
        if (!tick.isScheduled()) {
            loop.timers().schedule(tick, loop.now() + TICK_NANOS);
        }
    }

    private void append(final RemoteRequest request) {
        countPending(request, 1);
        request.next = null;
        if (pendingTail == null) {
            pendingHead = request;
        } else {
            pendingTail.next = request;
        }
        pendingTail = request;
    }

    private @Nullable RemoteRequest poll() {
        final RemoteRequest request = pendingHead;
        if (request != null) {
            countPending(request, -1);
            pendingHead = request.next;
            if (pendingHead == null) {
                pendingTail = null;
            }
            request.next = null;
        }
        return request;
    }

    private void countPending(final RemoteRequest request, final int by) {
        pendingCount += by;
        if (request.isLentRead()) {
            lentReadsPending += by;
        }
    }

    /** Puts a request back to where its age is: it goes before all that came later. */
    private void insert(final RemoteRequest request) {
        countPending(request, 1);
        RemoteRequest before = null;
        RemoteRequest at = pendingHead;
        while (at != null && at.sequence < request.sequence) {
            before = at;
            at = at.next;
        }
        request.next = at;
        if (before == null) {
            pendingHead = request;
        } else {
            before.next = request;
        }
        if (at == null) {
            pendingTail = request;
        }
    }

    private void addChange(final RemoteRequest request) {
        request.previousChange = changesTail;
        request.nextChange = null;
        if (changesTail == null) {
            changesHead = request;
        } else {
            changesTail.nextChange = request;
        }
        changesTail = request;
    }

    private void removeChange(final RemoteRequest request) {
        final RemoteRequest before = request.previousChange;
        final RemoteRequest after = request.nextChange;
        if (before == null) {
            changesHead = after;
        } else {
            before.nextChange = after;
        }
        if (after == null) {
            changesTail = before;
        } else {
            after.previousChange = before;
        }
        request.previousChange = null;
        request.nextChange = null;
    }

    /** Whether an older request that isn't answered changes some of the same bytes. */
    private boolean overlapsOlder(final RemoteRequest request) {
        RemoteRequest other = changesHead;
        while (other != null && other != request) {
            if (other.overlaps(request)) {
                return true;
            }
            other = other.nextChange;
        }
        return false;
    }

    private void hold(final RemoteRequest request) {
        request.next = null;
        if (heldTail == null) {
            heldHead = request;
        } else {
            heldTail.next = request;
        }
        heldTail = request;
    }

    /** A change was answered: those that waited for it may go. */
    private void releaseHeld() {
        RemoteRequest request = heldHead;
        heldHead = null;
        heldTail = null;
        while (request != null) {
            final RemoteRequest following = request.next;
            if (overlapsOlder(request)) {
                hold(request);
            } else {
                append(request);
                deferPump();
            }
            request = following;
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
        for (int i = 0; i < places.size() && pendingHead != null; i++) {
            nextPlace = nextPlace + 1 < places.size() ? nextPlace + 1 : 0;
            final RemoteConnection connection = places.get(nextPlace).connection;
            if (connection != null) {
                fill(connection, places.size() - i);
            }
        }
    }

    /** Gives a connection its share of what waits. */
    private void fill(final RemoteConnection connection, final int sharers) {
        int share = (pendingCount + sharers - 1) / sharers;
        RemoteRequest request = pendingHead;
        while (request != null && share > 0 && connection.hasRoom(request)) {
            poll();
            connection.add(request);
            share--;
            request = pendingHead;
        }
        connection.flush();
    }

    // --- answers -----------------------------------------------------------------------------------------------------

    /** A request's reply is whole. */
    void onReplied(final RemoteRequest request, final ExportInfo export) {
        if (request.error == 0 && request.advance(export)) {
            insert(request);
            deferPump();
        } else {
            finish(request, -errno(request.error));
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
        if (request.changes()) {
            removeChange(request);
            if (heldHead != null) {
                releaseHeld();
            }
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

    /** Fills a part of a kernel's buffer with zeroes, as a secondary of the same command. */
    int fillZeroes(final FusedCommand command, final int offset, final int length) {
        if (zeroes == null) {
            zeroesDescriptor = loop.libc().open("/dev/zero", O_RDONLY_CLOEXEC, 0);
            if (zeroesDescriptor < 0) {
                return zeroesDescriptor;
            }
            zeroes = RingFile.install(loop, zeroesDescriptor);
        }
        final int result = command.read(zeroes, 0, offset, length);
        return result == FusedCommand.PENDING ? 0 : result;
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

    /** A connection is closed on both sides: nothing of it can be executed any more. */
    void onClosed(final RemoteConnection connection) {
        final boolean expired = isExpired();
        for (RemoteRequest request = connection.takeUnanswered();
                request != null;
                request = connection.takeUnanswered()) {
            request.rewind();
            if (expired || loop.now() - request.arrivedAt > requestNanos + reconnectNanos) {
                finish(request, -Errno.EIO);
            } else {
                replays++;
                insert(request);
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
        for (RemoteRequest request = poll(); request != null; request = poll()) {
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
        if (zeroes != null) {
            zeroes.remove(loop);
            loop.libc().close(zeroesDescriptor);
            zeroes = null;
        }
        final Runnable done = whenClosed;
        whenClosed = null;
        done.run();
    }
}
