package dev.fusedio.gateway.statistics;

import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemType;
import java.util.concurrent.Semaphore;
import org.springframework.http.HttpHeaders;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Flux;

/** Bounds the streams at one time. One too many is told to come back. */
@Component
final class Subscribers {
    /** Streams at one time. */
    static final int LIMIT = 100;

    private static final String RETRY_SECONDS = "5";

    private final Semaphore free = new Semaphore(LIMIT);

    /** Gives the stream, or fails with an unavailable problem. */
    <T> Flux<T> admit(final Flux<T> stream) {
        return Flux.defer(() -> {
            if (!free.tryAcquire()) {
                throw new ProblemException(ProblemType.UNAVAILABLE, LIMIT + " streams of statistics are open already.")
                        .withHeader(HttpHeaders.RETRY_AFTER, RETRY_SECONDS);
            }
            return stream.doFinally(signal -> free.release());
        });
    }
}
