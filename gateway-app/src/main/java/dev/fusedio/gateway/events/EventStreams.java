package dev.fusedio.gateway.events;

import dev.fusedio.gateway.web.StreamLimit;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.Set;
import org.springframework.context.SmartLifecycle;
import org.springframework.http.codec.ServerSentEvent;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink;
import reactor.core.publisher.Sinks;

/** Those who follow the journal: how many there may be, and until when. */
@Component
final class EventStreams implements SmartLifecycle {
    /** Streams at one time. */
    static final int LIMIT = 100;

    /** Before HTTP waits for its requests to end: these never would by themselves. */
    private static final int PHASE = DEFAULT_PHASE;

    private static final Duration HEARTBEAT = Duration.ofSeconds(15);

    private final EventJournal journal;
    private final StreamLimit streams;
    private volatile Sinks.Empty<Void> stop = Sinks.empty();
    private volatile boolean running;

    EventStreams(final EventJournal journal, final MeterRegistry meters) {
        this.journal = journal;
        this.streams = new StreamLimit(LIMIT, "events", meters);
    }

    /**
     * A heartbeat, the events after {@code place}, then those that come, with a heartbeat every 15 s. Ends when the
     * gateway stops, and when what comes next is not held any more because the subscriber was too slow. Fails with an
     * unavailable problem if there are too many.
     *
     * @param types which events; none means all
     */
    Flux<ServerSentEvent<Event>> follow(final EventPlace place, final Set<EventType> types) {
        return streams.admit(Flux.<ServerSentEvent<Event>>create(
                        sink -> new EventReader(journal, place.number(), types, sink).begin(HEARTBEAT),
                        FluxSink.OverflowStrategy.ERROR) // a reader hands on no more than is asked for
                .takeUntilOther(stop.asMono()));
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
