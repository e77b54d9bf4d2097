package dev.fusedio.gateway.web;

import java.util.concurrent.Semaphore;
import org.springframework.http.HttpHeaders;
import reactor.core.publisher.Flux;

/** Bounds the streams of one kind at one time. One too many is told to come back. */
public final class StreamLimit {
    private static final String RETRY_SECONDS = "5";

    private final int limit;
    private final String what;
    private final Semaphore free;

    /**
     * @param limit streams at one time, 1 or more
     * @param what they are, for people: {@code streams of statistics}
     */
    public StreamLimit(final int limit, final String what) {
        this.limit = limit;
        this.what = what;
        this.free = new Semaphore(limit);
    }

    /** Gives the stream, or fails with an unavailable problem. */
    public <T> Flux<T> admit(final Flux<T> stream) {
        return Flux.defer(() -> {
            if (!free.tryAcquire()) {
                throw new ProblemException(ProblemType.UNAVAILABLE, limit + " " + what + " are open already.")
                        .withHeader(HttpHeaders.RETRY_AFTER, RETRY_SECONDS);
            }
            return stream.doFinally(signal -> free.release());
        });
    }
}
