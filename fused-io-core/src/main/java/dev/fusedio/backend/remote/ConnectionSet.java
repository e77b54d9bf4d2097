package dev.fusedio.backend.remote;

import dev.fusedio.fused.SocketMechanism;
import dev.fusedio.loop.BlockPool;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.loop.Timer;
import dev.fusedio.nbd.client.ClientConnection;
import dev.fusedio.nbd.client.ClientHandshake;
import dev.fusedio.nbd.client.ExportInfo;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The connections of one queue: as many as are wanted, each of which is made again when it ends, after a pause that doubles
 * while the server can't be reached. The loop's thread only, but for {@link #status}.
 */
final class ConnectionSet {
    private static final long FIRST_RETRY_NANOS = 20_000_000;
    private static final long LAST_RETRY_NANOS = 1_000_000_000;

    /** One connection, and the attempts to make it. */
    private final class Slot extends Timer implements Connector.Listener {
        private @Nullable ClientConnection connection;
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

    private final CoreLoop loop;
    private final ExportInfo promised;
    private final SocketMechanism mechanism;
    private final Connector connector;
    private final ClientConnection.Owner owner;
    private final BlockPool blocks;
    private final List<Slot> slots = new ArrayList<>();
    private int lastSlot;
    private boolean closing;
    private long downSince;
    private @Nullable Runnable whenClosed;

    private long sessions;
    private long replays;
    private String lastFailure = "";
    private String serverText = "";
    private volatile RemoteStatus status;

    /**
     * @param promised what the volume's users were told of the export; a server that has less to offer isn't used
     * @param count how many to keep
     * @param owner the connections' owner; it has room when one is made
     */
    ConnectionSet(
            final CoreLoop loop,
            final ExportInfo promised,
            final SocketMechanism mechanism,
            final int count,
            final Connector connector,
            final ClientConnection.Owner owner) {
        this.loop = loop;
        this.promised = promised;
        this.mechanism = mechanism;
        this.connector = connector;
        this.owner = owner;
        this.blocks = new BlockPool(Arena.ofAuto(), ClientConnection.BLOCK_BYTES, count);
        this.downSince = loop.now();
        this.status = RemoteStatus.none(count);
        for (int i = 0; i < count; i++) {
            slots.add(new Slot());
        }
    }

    /** Begins with connections that are made already; the rest are made by the connector. */
    void start(final List<ClientHandshake.Established> established) {
        for (int i = 0; i < slots.size(); i++) {
            if (i < established.size()) {
                connect(slots.get(i), established.get(i));
            } else {
                slots.get(i).expired();
            }
        }
    }

    private void connect(final Slot slot, final ClientHandshake.Established established) {
        slot.connection = new ClientConnection(loop, owner, mechanism, blocks, established);
        sessions++;
        publish();
        owner.onRoom();
    }

    /** How many it keeps. */
    int size() {
        return slots.size();
    }

    /** The next one in turn; null while that is being made. */
    @Nullable ClientConnection next() {
        lastSlot = lastSlot + 1 < slots.size() ? lastSlot + 1 : 0;
        return slots.get(lastSlot).connection;
    }

    /** Whether there has been no connection for longer than {@code nanos}. */
    boolean isDownFor(final long nanos) {
        return !isUp() && loop.now() - downSince > nanos;
    }

    private boolean isUp() {
        for (int i = 0; i < slots.size(); i++) {
            final ClientConnection connection = slots.get(i).connection;
            if (connection != null && connection.isLive()) {
                return true;
            }
        }
        return false;
    }

    /**
     * Looks whether a connection's time limit is over, see {@link ClientConnection#checkTimes}.
     *
     * @return whether one is ending
     */
    boolean checkTimes(final long requestNanos, final long fenceNanos) {
        boolean ending = false;
        for (int i = 0; i < slots.size(); i++) {
            final ClientConnection connection = slots.get(i).connection;
            if (connection != null) {
                connection.checkTimes(requestNanos, fenceNanos);
                ending |= !connection.isLive();
            }
        }
        return ending;
    }

    /** A connection carries nothing more. */
    void onFailed(final ClientConnection connection) {
        lastFailure = connection.reason();
        if (!isUp()) {
            downSince = loop.now();
        }
        publish();
    }

    /** A connection is closed, and its requests are taken: the next one is made. */
    void onClosed(final ClientConnection connection) {
        for (final Slot slot : slots) {
            if (connection.equals(slot.connection)) {
                slot.connection = null;
                if (!closing) {
                    loop.timers().schedule(slot, loop.now());
                }
            }
        }
        publish();
        checkClosed();
    }

    /** Disconnects all, and makes no more. {@code done} is run when they are closed. */
    void close(final Runnable done) {
        closing = true;
        whenClosed = done;
        for (final Slot slot : slots) {
            loop.timers().cancel(slot);
            final ClientConnection connection = slot.connection;
            if (connection != null) {
                connection.disconnect();
            }
        }
        checkClosed();
    }

    private void checkClosed() {
        final Runnable done = whenClosed;
        if (done == null) {
            return;
        }
        for (final Slot slot : slots) {
            if (slot.connection != null || slot.attempting) {
                return;
            }
        }
        whenClosed = null;
        done.run();
    }

    // --- how it stands -----------------------------------------------------------------------------------------------

    /** How it stands. Any thread. */
    RemoteStatus status() {
        return status;
    }

    /** A request is sent again; {@link #status} tells it with the next change. */
    void countReplay() {
        replays++;
    }

    void noteServerText(final String text) {
        serverText = text;
        publish();
    }

    private void publish() {
        int live = 0;
        for (final Slot slot : slots) {
            live += slot.connection != null && slot.connection.isLive() ? 1 : 0;
        }
        status = new RemoteStatus(slots.size(), live, sessions, replays, lastFailure, serverText);
    }
}
