package dev.fusedio.gateway.engine;

import dev.fusedio.gateway.config.GatewayProperties;
import dev.fusedio.gateway.config.StartRefusedException;
import dev.fusedio.loop.LoopGroup;
import dev.fusedio.nbd.server.NbdLimits;
import dev.fusedio.nbd.server.NbdServer;
import dev.fusedio.nbd.server.NbdServerConfig;
import dev.fusedio.nbd.server.NegotiationFailure;
import dev.fusedio.nbd.server.SessionEnd;
import dev.fusedio.nbd.server.SessionListener;
import dev.fusedio.nbd.server.SessionSnapshot;
import dev.fusedio.net.ListenAddress;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/** The NBD server and its sessions. */
@Component
final class NbdFrontEnd implements NbdSessions, DisposableBean {
    private static final String ENDED_BY_OPERATOR = "ended by an operator";

    private static final Logger LOG = LoggerFactory.getLogger(NbdFrontEnd.class);
    private static final Duration POLL = Duration.ofMillis(10);

    private final GatewayProperties.Nbd properties;
    private final Sinks.Many<SessionEvent> events = Sinks.many().multicast().directBestEffort();
    private final Scheduler eventThread = Schedulers.newSingle("session-events", true);
    private final SessionTally tally = new SessionTally();
    private volatile @Nullable NbdServer server;

    NbdFrontEnd(final GatewayProperties properties) {
        this.properties = properties.nbd();
    }

    @Override
    public List<NbdSession> sessions() {
        final NbdServer now = server;
        return now == null
                ? List.of()
                : now.sessions().stream()
                        .map(NbdFrontEnd::session)
                        .sorted(Comparator.comparingLong(NbdSession::id))
                        .toList();
    }

    @Override
    public int count(final OpenVolume volume) {
        return ids(volume).size();
    }

    @Override
    public Mono<Boolean> end(final long id) {
        return Mono.fromSupplier(() -> {
            final NbdServer now = server;
            return now != null && now.end(id, ENDED_BY_OPERATOR);
        });
    }

    @Override
    public Mono<Void> endAll(final OpenVolume volume, final Duration patience) {
        return Mono.fromSupplier(() -> ids(volume))
                .flatMap(ids -> Flux.fromIterable(ids).flatMap(this::end).then(Mono.just(ids)))
                .filter(List::isEmpty)
                // A handshake that was under way may have become a session meanwhile: until there is none.
                .repeatWhenEmpty(Integer.MAX_VALUE, rounds -> rounds.delayElements(POLL))
                .timeout(
                        patience,
                        Mono.error(() -> new DataPlaneException(
                                "ETIMEDOUT",
                                "sessions of volume " + volume.name() + " did not end in " + patience.toSeconds()
                                        + " s")))
                .then();
    }

    @Override
    public Flux<SessionEvent> events() {
        return events.asFlux();
    }

    @Override
    public List<String> listeners() {
        final NbdServer now = server;
        return now == null
                ? List.of()
                : now.addresses().stream().map(NbdFrontEnd::text).toList();
    }

    @Override
    public Map<String, Long> negotiationFailures() {
        final NbdServer now = server;
        final Map<NegotiationFailure, Long> counted =
                now == null ? Map.of() : now.snapshot().negotiationFailures();
        final Map<String, Long> failures = new LinkedHashMap<>();
        for (final NegotiationFailure reason : NegotiationFailure.values()) {
            failures.put(reason.name().toLowerCase(Locale.ROOT), counted.getOrDefault(reason, 0L));
        }
        return failures;
    }

    @Override
    public SessionTotals totals() {
        return tally.with(sessions());
    }

    /** Starts to listen. Fails with a {@link StartRefusedException} if that can't be. */
    void start(final LoopGroup loops, final ExportSource exports) {
        final List<ListenAddress> listen = new ArrayList<>();
        listen.add(new ListenAddress.Tcp(properties.address(), properties.port()));
        if (properties.socket() != null) {
            listen.add(ListenAddress.unix(properties.socket()));
        }
        try {
            server = NbdServer.start(
                    loops,
                    new NbdServerConfig(listen, limits(properties.limits())),
                    new ExportAdapter(exports, properties.lookupTimeout()),
                    new Announcer());
        } catch (final IOException e) {
            throw new StartRefusedException(
                    "NBD can't listen: " + e.getMessage()
                            + "; is another server running? See gateway.nbd.address, gateway.nbd.port and"
                            + " gateway.nbd.socket.",
                    e);
        }
        LOG.info("NBD listens at {}", listeners());
    }

    /** Answers what is in flight, within the time that is set for it, and closes all connections. Blocks. */
    void stop() {
        final NbdServer stopping = server;
        if (stopping != null) {
            stopping.stop(properties.drainTimeout());
            server = null;
        }
    }

    boolean isRunning() {
        return server != null;
    }

    @Override
    public void destroy() {
        eventThread.dispose();
    }

    private List<Long> ids(final OpenVolume volume) {
        return sessions().stream()
                .filter(session -> session.volume().equals(volume.name()))
                .map(NbdSession::id)
                .toList();
    }

    private static String text(final SocketAddress address) {
        if (address instanceof UnixDomainSocketAddress unix) {
            return "unix:" + unix.getPath();
        }
        if (address instanceof InetSocketAddress inet) {
            return new ListenAddress.Tcp(inet.getAddress(), inet.getPort()).toString();
        }
        return address.toString();
    }

    private static NbdSession session(final SessionSnapshot session) {
        return new NbdSession(
                session.id(),
                session.export(),
                session.peer(),
                session.core(),
                session.since(),
                session.features(),
                session.inFlight(),
                session.requests(),
                session.bytesRead(),
                session.bytesWritten(),
                session.errors());
    }

    private static NbdLimits limits(final GatewayProperties.NbdLimits limits) {
        return new NbdLimits(
                limits.connections(),
                limits.connectionsPerAddress(),
                limits.handshakes(),
                limits.handshakeTime(),
                limits.options(),
                Math.toIntExact(limits.optionSize().bytes()),
                limits.requestsPerConnection(),
                limits.memoryPerConnection().bytes(),
                limits.requestsPerCore(),
                Math.toIntExact(limits.payloadAdvertised().bytes()),
                Math.toIntExact(limits.payloadAccepted().bytes()),
                limits.stallTime(),
                limits.idleTime());
    }

    /** Leaves the core loop at once; one thread emits, because a sink takes one emission at a time. */
    private final class Announcer implements SessionListener {
        @Override
        public void opened(final SessionSnapshot session) {
            tally.opened();
            announce(session, SessionEvent.Type.OPENED, "");
        }

        @Override
        public void closed(final SessionSnapshot session, final SessionEnd end, final String reason) {
            tally.closed(NbdFrontEnd.session(session), end);
            announce(session, SessionEvent.Type.CLOSED, reason);
        }

        private void announce(final SessionSnapshot session, final SessionEvent.Type type, final String reason) {
            eventThread.schedule(() ->
                    events.tryEmitNext(new SessionEvent(type, session.id(), session.export(), session.peer(), reason)));
        }
    }
}
