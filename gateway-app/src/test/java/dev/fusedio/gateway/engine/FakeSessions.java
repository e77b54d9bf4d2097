package dev.fusedio.gateway.engine;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** NBD sessions that a test opens itself. */
public final class FakeSessions implements NbdSessions {
    private final Map<Long, NbdSession> sessions = new ConcurrentSkipListMap<>();
    private final AtomicLong ids = new AtomicLong();
    private final Sinks.Many<SessionEvent> events = Sinks.many().multicast().directBestEffort();
    private volatile List<String> listeners = List.of("127.0.0.1:10809");

    @Override
    public List<NbdSession> sessions() {
        return List.copyOf(sessions.values());
    }

    @Override
    public int count(final OpenVolume volume) {
        return (int) sessions.values().stream()
                .filter(session -> session.volume().equals(volume.name()))
                .count();
    }

    @Override
    public Mono<Boolean> end(final long id) {
        return Mono.fromSupplier(() -> {
            final NbdSession ended = sessions.remove(id);
            if (ended != null) {
                events.tryEmitNext(new SessionEvent(
                        SessionEvent.Type.CLOSED, id, ended.volume(), ended.peer(), "ended by an operator"));
            }
            return ended != null;
        });
    }

    @Override
    public Mono<Void> endAll(final OpenVolume volume, final Duration patience) {
        return Mono.fromRunnable(
                () -> sessions.values().removeIf(session -> session.volume().equals(volume.name())));
    }

    @Override
    public Flux<SessionEvent> events() {
        return events.asFlux();
    }

    @Override
    public List<String> listeners() {
        return listeners;
    }

    @Override
    public Map<String, Long> negotiationFailures() {
        return Map.of("timeout", 3L, "malformed", 0L);
    }

    @Override
    public SessionTotals totals() {
        return new SessionTotals(3, Map.of("disconnected", 2L, "idle", 0L), 50, 4, 8192, 1024);
    }

    /** Opens a session of a volume. */
    public long open(final String volume) {
        final long id = ids.incrementAndGet();
        sessions.put(
                id,
                new NbdSession(
                        id,
                        volume,
                        "192.0.2.7:40000",
                        0,
                        Instant.parse("2026-01-02T03:04:05Z"),
                        List.of("STRUCTURED_REPLY", "base:allocation"),
                        1,
                        2,
                        4096,
                        512,
                        0));
        events.tryEmitNext(new SessionEvent(SessionEvent.Type.OPENED, id, volume, "192.0.2.7:40000", ""));
        return id;
    }

    /** Ends all, and listens at {@code addresses}. */
    public void reset(final String... addresses) {
        sessions.clear();
        listeners = List.of(addresses);
    }
}
