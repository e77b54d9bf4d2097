package dev.fusedio.gateway.web;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.concurrent.Semaphore;
import org.springframework.http.HttpHeaders;
import reactor.core.publisher.Flux;

/** Bounds the streams of one kind at one time, and counts them. One too many is told to come back. */
public final class StreamLimit {
    private static final String RETRY_SECONDS = "5";

    private final int limit;
    private final String kind;
    private final Semaphore free;

    /**
     * @param limit streams at one time, 1 or more
     * @param kind what they are of, in the metrics and for people: {@code statistics}
     */
    public StreamLimit(final int limit, final String kind, final MeterRegistry meters) {
        this.limit = limit;
        this.kind = kind;
        this.free = new Semaphore(limit);
        Gauge.builder("fused.http.streams", free, semaphore -> limit - semaphore.availablePermits())
                .description("Streams of server-sent events that are open.")
                .tag("stream", kind)
                .strongReference(true)
                .register(meters);
    }

    /** Gives the stream, or fails with an unavailable problem. */
    public <T> Flux<T> admit(final Flux<T> stream) {
        return Flux.defer(() -> {
            if (!free.tryAcquire()) {
                throw new ProblemException(
                                ProblemType.UNAVAILABLE, limit + " streams of " + kind + " are open already.")
                        .withHeader(HttpHeaders.RETRY_AFTER, RETRY_SECONDS);
            }
            return stream.doFinally(signal -> free.release());
        });
    }
}
