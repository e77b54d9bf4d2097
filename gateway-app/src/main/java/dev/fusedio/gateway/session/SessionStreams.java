package dev.fusedio.gateway.session;

import dev.fusedio.gateway.engine.NbdSessions;
import dev.fusedio.gateway.engine.SessionEvent;
import dev.fusedio.gateway.web.StreamLifetime;
import dev.fusedio.gateway.web.StreamLimit;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.Locale;
import org.springframework.http.codec.ServerSentEvent;
import org.springframework.stereotype.Component;
import reactor.core.publisher.BufferOverflowStrategy;
import reactor.core.publisher.Flux;

/** Those who follow sessions: how many there may be, and until when. */
@Component
final class SessionStreams {
    /** Streams at one time. */
    static final int LIMIT = 100;

    private static final Duration HEARTBEAT = Duration.ofSeconds(15);
    private static final int BACKLOG = 256;

    private final NbdSessions sessions;
    private final StreamLimit streams;
    private final StreamLifetime lifetime;

    SessionStreams(final NbdSessions sessions, final MeterRegistry meters, final StreamLifetime lifetime) {
        this.sessions = sessions;
        this.streams = new StreamLimit(LIMIT, "sessions", meters);
        this.lifetime = lifetime;
    }

    /**
     * A heartbeat, then sessions as they open and close, with a heartbeat every 15 s, until the gateway stops. Who does
     * not keep up misses some. Fails with an unavailable problem if there are too many.
     */
    Flux<ServerSentEvent<SessionEvent>> follow() {
        final Flux<ServerSentEvent<SessionEvent>> beats = Flux.interval(Duration.ZERO, HEARTBEAT)
                .onBackpressureDrop()
                .map(beat -> ServerSentEvent.<SessionEvent>builder()
                        .comment("heartbeat")
                        .build());
        return Flux.defer(() -> streams.admit(lifetime.bound(sessions.events()
                .onBackpressureBuffer(BACKLOG, dropped -> {}, BufferOverflowStrategy.DROP_OLDEST)
                .map(event -> ServerSentEvent.builder(event)
                        .event(event.type().name().toLowerCase(Locale.ROOT))
                        .build())
                .mergeWith(beats))));
    }
}
