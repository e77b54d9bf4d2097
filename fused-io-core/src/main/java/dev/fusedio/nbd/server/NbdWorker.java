package dev.fusedio.nbd.server;

import dev.fusedio.loop.BlockPool;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.loop.Deferred;
import dev.fusedio.loop.Slab;
import dev.fusedio.loop.Slices;
import dev.fusedio.loop.Timer;
import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.nbd.wire.ReplyHeader;
import dev.fusedio.net.GatheredSend;
import dev.fusedio.net.ReceiveWindow;
import dev.fusedio.volume.Volume;
import java.lang.foreign.Arena;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The NBD server on one core: its connections, and what they share there. The loop's thread only, unless said. */
final class NbdWorker implements Deferred {
    /** Heap for the long options of all handshakes together: far more than honest ones need, far less than the heap is. */
    private static final long HANDSHAKE_BYTES = 4L << 20;

    /** Of the slab, what one connection's piece may be: the others find some, and so do pieces in a row. */
    private static final int SHARES = 8;

    /** The smallest piece of a long request. Costs a client of many such requests little, and a thousand of them fit. */
    private static final int SMALL_SEGMENT = 32 << 10;

    /** The longest piece of a connection that has not shown how fast it is. */
    private static final int UNPROVEN_SEGMENT = 256 << 10;

    private static final long SWEEP_NANOS = 500_000_000;

    /** A fast connection's piece is what it moves in a fiftieth of that: 10 ms. */
    private static final int PIECES_A_SWEEP = 50;

    private static final long ENDING_NANOS = 10_000_000;
    private static final long RETRY_NANOS = 1_000_000;

    private final NbdServer server;
    private final CoreLoop loop;
    private final NbdLimits limits;
    private final Arena arena = Arena.ofAuto(); // as long as anything here is reachable
    private final BlockPool sendBlocks;
    private final BlockPool stashes;
    private final BlockPool carries;
    private final BlockPool headers;
    private final HandshakeMemory handshakeMemory = new HandshakeMemory(HANDSHAKE_BYTES);
    private final List<NbdRequest> freeReads = new ArrayList<>();
    private final List<NbdRequest> freeWrites = new ArrayList<>();
    private final List<NbdRequest> freeChanges = new ArrayList<>();
    private final List<NbdRequest> freeStatuses = new ArrayList<>();
    private final Slices slices;
    private final ArrayDeque<Waiter> waiters = new ArrayDeque<>();
    private final Set<NbdConnection> handshakes = new LinkedHashSet<>();
    private final Set<NbdConnection> connections = new LinkedHashSet<>();
    private final int handshakeLimit;
    private int requestsInFlight;
    private int sharing;
    private boolean pulsed;
    private boolean stopping;

    private final Timer sweep = new Timer() {
        @Override
        protected void expired() {
            sweepConnections();
        }
    };

    private final Timer ending = new Timer() {
        @Override
        protected void expired() {
            checkEnds();
        }
    };

    private final Timer retry = new Timer() {
        @Override
        protected void expired() {
            retryWaiters();
        }
    };

    NbdWorker(final NbdServer server, final CoreLoop loop, final int handshakeLimit) {
        this.server = server;
        this.loop = loop;
        this.limits = server.limits();
        this.slices = new Slices(loop);
        this.handshakeLimit = handshakeLimit;
        this.sendBlocks = new BlockPool(arena, GatheredSend.BLOCK_BYTES, limits.connections());
        this.stashes = new BlockPool(arena, loop.receiveBuffers().bufferBytes(), limits.connections());
        this.carries = new BlockPool(arena, Transmission.CARRY_BYTES, limits.connections());
        this.headers = new BlockPool(arena, ReplyHeader.MAX_BYTES, 4 * limits.requestsPerCore()); // for each kind
    }

    CoreLoop loop() {
        return loop;
    }

    /** Where long work of requests takes turns. */
    Slices slices() {
        return slices;
    }

    NbdLimits limits() {
        return limits;
    }

    ExportDirectory directory() {
        return server.directory();
    }

    HandshakeMemory handshakeMemory() {
        return handshakeMemory;
    }

    BlockPool sendBlocks() {
        return sendBlocks;
    }

    BlockPool stashes() {
        return stashes;
    }

    BlockPool carries() {
        return carries;
    }

    boolean isStopping() {
        return stopping;
    }

    // --- connections -------------------------------------------------------------------------------------------------

    /** The connections that aren't closed, oldest first. */
    List<NbdConnection> connections() {
        return List.copyOf(connections);
    }

    /** Takes a new connection over. */
    void adopt(final int fd, final String peer) {
        if (stopping || loop.hasEnded()) {
            loop.libc().files().close(fd);
            server.refused(peer, NegotiationFailure.SHUTDOWN);
            return;
        }
        if (handshakes.size() >= handshakeLimit) {
            final Iterator<NbdConnection> oldest = handshakes.iterator();
            final NbdConnection refused = oldest.next(); // an honest one is over in milliseconds
            oldest.remove(); // at once: it closes later, and meanwhile another may be one too many
            refused.refuse(NegotiationFailure.CROWDED);
        }
        final NbdConnection connection = new NbdConnection(this, fd, peer);
        handshakes.add(connection);
        connections.add(connection);
        if (!sweep.isScheduled()) {
            loop.timers().schedule(sweep, loop.now() + SWEEP_NANOS);
        }
    }

    /** A handshake has come to its end. */
    Transmission opened(
            final NbdConnection connection,
            final Negotiated negotiated,
            final Volume.Lane lane,
            final ReceiveWindow window,
            final long carry) {
        handshakes.remove(connection);
        final Transmission transmission =
                new Transmission(connection, this, window, negotiated, lane, limits, carry, server.nextSessionId());
        server.opened(transmission);
        return transmission;
    }

    /** A connection is gone. */
    void closed(
            final NbdConnection connection,
            final @Nullable Transmission session,
            final SessionEnd end,
            final String reason) {
        handshakes.remove(connection);
        connections.remove(connection);
        final NegotiationFailure failure = connection.failure();
        if (session == null && failure != null) {
            server.failed(failure);
        }
        server.closed(connection.peer(), session, end, reason);
        pulse();
    }

    private void sweepConnections() {
        final long now = loop.now();
        for (final NbdConnection connection : List.copyOf(connections)) {
            connection.checkTimes(now);
        }
        if (!connections.isEmpty()) {
            loop.timers().schedule(sweep, now + SWEEP_NANOS);
        }
    }

    /** From now on nothing is received: each connection answers what it has and closes. */
    void stop() {
        stopping = true;
        for (final NbdConnection connection : List.copyOf(connections)) {
            connection.stop();
        }
        checkEnds();
    }

    private void checkEnds() {
        final long now = loop.now();
        for (final NbdConnection connection : List.copyOf(connections)) {
            connection.checkEnd(now);
        }
        if (!connections.isEmpty() && !ending.isScheduled()) {
            loop.timers().schedule(ending, now + ENDING_NANOS);
        }
    }

    /** Closes all that is left. */
    void cutAll() {
        for (final NbdConnection connection : List.copyOf(connections)) {
            connection.cut(SessionEnd.SHUTDOWN, "the server is shutting down");
        }
    }

    // --- requests ----------------------------------------------------------------------------------------------------

    /** A request object for a command; null when the core has as many in flight as it may. */
    @Nullable NbdRequest takeRequest(final int type) {
        if (requestsInFlight == limits.requestsPerCore()) {
            return null;
        }
        final List<NbdRequest> pool = pool(type);
        if (!pool.isEmpty()) {
            requestsInFlight++;
            return pool.removeLast();
        }
        final long header = headers.take();
        if (header == 0) {
            return null;
        }
        requestsInFlight++;
        return switch (type) {
            case NbdProtocol.CMD_READ -> new ReadRequest(this, header);
            case NbdProtocol.CMD_WRITE -> new WriteRequest(this, header);
            case NbdProtocol.CMD_BLOCK_STATUS -> new StatusRequest(this, header);
            default -> new ChangeRequest(this, header);
        };
    }

    private List<NbdRequest> pool(final int type) {
        return switch (type) {
            case NbdProtocol.CMD_READ -> freeReads;
            case NbdProtocol.CMD_WRITE -> freeWrites;
            case NbdProtocol.CMD_BLOCK_STATUS -> freeStatuses;
            default -> freeChanges;
        };
    }

    /** Takes one back; whoever waits is looked at. */
    void giveRequest(final NbdRequest request) {
        requestsInFlight--;
        pool(request.type()).add(request);
        pulse();
    }

    // --- memory ------------------------------------------------------------------------------------------------------

    /** One connection more, or less, has requests under way. */
    void sharesMemory(final int change) {
        sharing += change;
    }

    /**
     * How much of {@code left} bytes a request that moves piece by piece should lease now. What one client leases is held
     * for as long as it takes to read it, so that a connection's piece shrinks as others have requests under way, and
     * is small while anybody waits. A connection that has moved much lately gets more than its share, as long as there is
     * plenty: what it leases is free again in about 10 ms.
     *
     * @param recent bytes that the connection moved in the last {@link #SWEEP_NANOS}
     */
    int segment(final long left, final long recent) {
        if (left <= SMALL_SEGMENT) {
            return (int) left; // most requests
        }
        if (isShort()) {
            return SMALL_SEGMENT;
        }
        final Slab slab = loop.slab();
        final long share = Math.min(slab.length() / SHARES / Math.max(sharing, 1), UNPROVEN_SEGMENT);
        final long plenty = slab.length() / 2 - slab.leased(); // the other half is for shares
        final long earned = Math.min(recent / PIECES_A_SWEEP, plenty / 2);
        final long bytes = Long.highestOneBit(Math.max(share, earned));
        return (int) Math.min(left, Math.clamp(bytes, SMALL_SEGMENT, Slab.MAX_BLOCK));
    }

    /** Whether somebody waits for memory or room. */
    boolean isShort() {
        return loop.memory().isShort() || !waiters.isEmpty();
    }

    // --- waiting -----------------------------------------------------------------------------------------------------

    /** Has {@code waiter} called when there may be room. Memory is waited for in {@link CoreLoop#memory}. */
    void await(final Waiter waiter) {
        waiters.add(waiter);
        if (!retry.isScheduled()) {
            loop.timers().schedule(retry, loop.now() + RETRY_NANOS); // others than this server give buffers back, too
        }
    }

    /** Takes a waiter back. */
    void forget(final Waiter waiter) {
        waiters.remove(waiter);
    }

    /** Something was freed. */
    private void pulse() {
        if (!pulsed && !waiters.isEmpty()) {
            pulsed = true;
            loop.defer(this);
        }
    }

    @Override
    public void onRoundEnd() {
        pulsed = false;
        retryWaiters();
    }

    private void retryWaiters() {
        for (int i = waiters.size(); i > 0 && !waiters.isEmpty(); i--) {
            waiters.removeFirst().retry();
        }
        if (!waiters.isEmpty() && !retry.isScheduled()) {
            loop.timers().schedule(retry, loop.now() + RETRY_NANOS);
        }
    }
}
