package dev.fusedio.gateway.session;

import dev.fusedio.gateway.engine.NbdSessions;
import dev.fusedio.gateway.engine.SessionEvent;
import dev.fusedio.gateway.web.StreamLimit;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.Locale;
import org.springframework.context.SmartLifecycle;
import org.springframework.http.codec.ServerSentEvent;
import org.springframework.stereotype.Component;
import reactor.core.publisher.BufferOverflowStrategy;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Sinks;

/** Those who follow sessions: how many there may be, and until when. */
@Component
final class SessionStreams implements SmartLifecycle {
    /** Streams at one time. */
    static final int LIMIT = 100;

    /** Before HTTP waits for its requests to end: these never would by themselves. */
    private static final int PHASE = DEFAULT_PHASE;

    private static final Duration HEARTBEAT = Duration.ofSeconds(15);
    private static final int BACKLOG = 256;

    private final NbdSessions sessions;
    private final StreamLimit streams;
    private volatile Sinks.Empty<Void> stop = Sinks.empty();
    private volatile boolean running;

    SessionStreams(final NbdSessions sessions, final MeterRegistry meters) {
        this.sessions = sessions;
        this.streams = new StreamLimit(LIMIT, "sessions", meters);
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
        return Flux.defer(() -> streams.admit(sessions.events()
                .onBackpressureBuffer(BACKLOG, dropped -> {}, BufferOverflowStrategy.DROP_OLDEST)
                .map(event -> ServerSentEvent.builder(event)
                        .event(event.type().name().toLowerCase(Locale.ROOT))
                        .build())
                .mergeWith(beats)
                .takeUntilOther(stop.asMono())));
    }

    @Override
    public void start() {
        stop = Sinks.empty();
        running = true;
    }

    @Override
    public void stop() {
        running = false;
        stop.tryEmitEmpty();
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    @Override
    public int getPhase() {
        return PHASE;
    }
}
