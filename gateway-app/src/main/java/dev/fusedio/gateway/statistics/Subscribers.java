package dev.fusedio.gateway.statistics;

import dev.fusedio.gateway.web.StreamLimit;
import io.micrometer.core.instrument.MeterRegistry;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Flux;

/** Bounds the streams at one time. One too many is told to come back. */
@Component
final class Subscribers {
    /** Streams at one time. */
    static final int LIMIT = 100;

    private final StreamLimit streams;

    Subscribers(final MeterRegistry meters) {
        this.streams = new StreamLimit(LIMIT, "statistics", meters);
    }

    /** Gives the stream, or fails with an unavailable problem. */
    <T> Flux<T> admit(final Flux<T> stream) {
        return streams.admit(stream);
    }
}
