package dev.fusedio.nbd.server;

import dev.fusedio.loop.CoreLoop;
import dev.fusedio.loop.LoopGroup;
import dev.fusedio.net.ListenAddress;
import dev.fusedio.net.Listener;
import dev.fusedio.net.Sockets;
import dev.fusedio.sys.Libc;
import java.io.IOException;
import java.net.SocketAddress;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * An NBD server over a group of core loops. New connections go to the cores in turn and stay there. All public methods
 * may be called on any thread but the loops'.
 */
public final class NbdServer implements AutoCloseable {
    private static final long POLL_NANOS = 5_000_000;
    private static final long CUT_GRACE_NANOS = 2_000_000_000L;

    private final NbdServerConfig config;
    private final ExportDirectory directory;
    private final SessionListener listener;
    private final List<NbdWorker> workers = new ArrayList<>();
    private final List<SocketAddress> addresses = new ArrayList<>();
    private final List<Listener> listeners = new ArrayList<>();
    private final Map<Long, Transmission> sessions = new ConcurrentHashMap<>();
    private final AtomicLong sessionIds = new AtomicLong();
    private final ConnectionCounts connections;
    private final AtomicInteger nextWorker = new AtomicInteger();
    private final AtomicLong accepted = new AtomicLong();
    private final AtomicLongArray failures = new AtomicLongArray(NegotiationFailure.values().length);
    private volatile boolean closed;

    /** A server that listens nowhere until {@link #start} has it listen. */
    NbdServer(
            final List<CoreLoop> loops,
            final NbdServerConfig config,
            final ExportDirectory directory,
            final SessionListener listener) {
        this.config = config;
        this.directory = directory;
        this.listener = listener;
        this.connections = new ConnectionCounts(
                config.limits().connections(), config.limits().connectionsPerAddress());
        final int cores = loops.size();
        final int handshakesPerCore = Math.max((config.limits().handshakes() + cores - 1) / cores, 1);
        for (final CoreLoop loop : loops) {
            workers.add(new NbdWorker(this, loop, handshakesPerCore));
        }
    }

    /**
     * Starts to listen.
     *
     * @param directory is asked for exports
     * @param listener is told of sessions
     * @throws IOException naming the address that can't be listened at, and why
     */
    public static NbdServer start(
            final LoopGroup loops,
            final NbdServerConfig config,
            final ExportDirectory directory,
            final SessionListener listener)
            throws IOException {
        final NbdServer server = new NbdServer(loops.loops(), config, directory, listener);
        final Libc libc = Libc.transientInstance();
        final List<Integer> descriptors = new ArrayList<>();
        try {
            for (final ListenAddress address : config.listen()) {
                final int fd = Sockets.listen(libc, address);
                descriptors.add(fd);
                server.addresses.add(Sockets.local(libc, fd, address));
            }
        } catch (final IOException e) {
            descriptors.forEach(libc.files()::close);
            throw e;
        }
        for (final int fd : descriptors) {
            final CoreLoop loop = loops.next();
            server.onLoop(loop, () -> server.listeners.add(new Listener(loop, fd, server::onAccepted)));
        }
        return server;
    }

    private void onLoop(final CoreLoop loop, final Runnable task) throws IOException {
        final CountDownLatch done = new CountDownLatch(1);
        final Runnable counted = () -> {
            try {
                task.run();
            } finally {
                done.countDown();
            }
        };
        try {
            if (!loop.execute(counted) || !done.await(10, TimeUnit.SECONDS)) {
                throw new IOException("core loop " + loop.core() + " doesn't answer");
            }
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    /** On a loop's thread: finds a core for a new connection. */
    void onAccepted(final int fd) {
        accepted.incrementAndGet();
        final NbdWorker worker = nextWorker();
        final String peer = Sockets.peer(Libc.transientInstance(), fd);
        if (!connections.enter(peer)) {
            Libc.transientInstance().files().close(fd);
            refused(peer, NegotiationFailure.CROWDED);
            return;
        }
        if (worker.loop().inLoop()) {
            worker.adopt(fd, peer);
        } else if (!worker.loop()
                .execute(() -> worker.adopt(fd, peer))) { // never wait for another loop on a loop's thread
            Libc.transientInstance().files().close(fd);
            refused(peer, NegotiationFailure.CROWDED);
        }
    }

    /** Each in turn, but those whose loop has ended. */
    private NbdWorker nextWorker() {
        NbdWorker next = workers.getFirst();
        for (int i = 0; i < workers.size(); i++) {
            next = workers.get(Math.floorMod(nextWorker.getAndIncrement(), workers.size()));
            if (!next.loop().hasEnded()) {
                break;
            }
        }
        return next;
    }

    /** Where the server listens, in the order of the configuration, with real ports. */
    public List<SocketAddress> addresses() {
        return List.copyOf(addresses);
    }

    /** The sessions in transmission. */
    public List<SessionSnapshot> sessions() {
        return sessions.values().stream().map(Transmission::snapshot).toList();
    }

    /**
     * Ends a session: its socket is shut at once.
     *
     * @return false when there is no such session
     */
    public boolean end(final long sessionId, final String reason) {
        final Transmission session = sessions.get(sessionId);
        return session != null
                && session.connection()
                        .worker()
                        .loop()
                        .execute(() -> session.connection().cut(SessionEnd.OPERATOR, reason));
    }

    /** The counts of this moment. */
    public NbdServerSnapshot snapshot() {
        final Map<NegotiationFailure, Long> byReason = new EnumMap<>(NegotiationFailure.class);
        for (final NegotiationFailure failure : NegotiationFailure.values()) {
            byReason.put(failure, failures.get(failure.ordinal()));
        }
        return new NbdServerSnapshot(connections.all(), sessions.size(), accepted.get(), Map.copyOf(byReason));
    }

    /**
     * Stops, so that a client that reconnects by itself doesn't notice: nothing is accepted or received any more, whole
     * requests that were received are answered, and each connection is closed as soon as its client has its replies. What
     * is left after {@code grace} is cut. Returns when all is closed.
     */
    public void stop(final Duration grace) {
        closeListeners();
        for (final NbdWorker worker : workers) {
            worker.loop().post(worker::stop);
        }
        awaitConnections(grace.toNanos());
        for (final NbdWorker worker : workers) {
            worker.loop().post(worker::cutAll);
        }
        awaitConnections(CUT_GRACE_NANOS);
        closed = true;
    }

    private void closeListeners() {
        for (final Listener each : List.copyOf(listeners)) {
            each.loop().post(each::close);
        }
        listeners.clear();
        for (final ListenAddress address : config.listen()) {
            if (address instanceof ListenAddress.Unix unix) {
                try {
                    Files.deleteIfExists(unix.path());
                } catch (final IOException e) {
                    workers.getFirst().loop().errors().accept(e); // a stale socket is replaced at the next start
                }
            }
        }
    }

    private void awaitConnections(final long nanos) {
        final CoreLoop clock = workers.getFirst().loop();
        final long end = clock.preciseNow() + nanos;
        while (connections.all() > 0 && end - clock.preciseNow() > 0) {
            LockSupport.parkNanos(POLL_NANOS);
        }
    }

    @Override
    public void close() {
        if (!closed) {
            stop(Duration.ofSeconds(5));
        }
    }

    // --- for workers, on their loops' threads ------------------------------------------------------------------------

    List<NbdWorker> workers() {
        return workers;
    }

    ExportDirectory directory() {
        return directory;
    }

    NbdLimits limits() {
        return config.limits();
    }

    long nextSessionId() {
        return sessionIds.incrementAndGet();
    }

    void opened(final Transmission session) {
        sessions.put(session.id(), session);
        listener.opened(session.snapshot());
    }

    void closed(final String peer, final @Nullable Transmission session, final SessionEnd end, final String reason) {
        if (session != null) {
            sessions.remove(session.id());
            listener.closed(session.snapshot(), end, reason);
        }
        connections.leave(peer); // last: stop() waits for it
    }

    /** A connection was closed before it had a worker. */
    void refused(final String peer, final NegotiationFailure why) {
        connections.leave(peer);
        failed(why);
    }

    void failed(final NegotiationFailure why) {
        failures.incrementAndGet(why.ordinal());
    }
}
