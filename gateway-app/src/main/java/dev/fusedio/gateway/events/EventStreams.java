package dev.fusedio.gateway.events;

import dev.fusedio.gateway.web.StreamLifetime;
import dev.fusedio.gateway.web.StreamLimit;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.Set;
import org.springframework.http.codec.ServerSentEvent;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink;

/** Those who follow the journal: how many there may be, and until when. */
@Component
final class EventStreams {
    /** Streams at one time. */
    static final int LIMIT = 100;

    private static final Duration HEARTBEAT = Duration.ofSeconds(15);

    private final EventJournal journal;
    private final StreamLimit streams;
    private final StreamLifetime lifetime;

    EventStreams(final EventJournal journal, final MeterRegistry meters, final StreamLifetime lifetime) {
        this.journal = journal;
        this.streams = new StreamLimit(LIMIT, "events", meters);
        this.lifetime = lifetime;
    }

    /**
     * A heartbeat, the events after {@code place}, then those that come, with a heartbeat every 15 s. Ends when the
     * gateway stops, and when what comes next is not held any more because the subscriber was too slow. Fails with an
     * unavailable problem if there are too many.
     *
     * @param types which events; none means all
     */
    Flux<ServerSentEvent<Event>> follow(final EventPlace place, final Set<EventType> types) {
        return streams.admit(lifetime.bound(Flux.create(
                sink -> new EventReader(journal, place.number(), types, sink).begin(HEARTBEAT),
                FluxSink.OverflowStrategy.ERROR))); // a reader hands on no more than is asked for
    }
}
