package dev.fusedio.gateway.attachment;

import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemType;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import reactor.core.publisher.Mono;

/** Lets one change at a time be made of what has the same key; a second is told to come again. */
final class OneChangeEach {
    private final Set<String> changing = ConcurrentHashMap.newKeySet();

    /** Does {@code work}, which runs to its end although a client leaves. */
    <T> Mono<T> alone(final String key, final Mono<T> work) {
        return Mono.defer(() -> {
            if (!changing.add(key)) {
                throw new ProblemException(
                        ProblemType.UNAVAILABLE, "An attachment of " + key + " is being changed. Try again.");
            }
            return Mono.fromFuture(
                    work.doOnTerminate(() -> changing.remove(key)).toFuture(), true);
        });
    }
}
