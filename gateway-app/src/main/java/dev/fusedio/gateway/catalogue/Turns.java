package dev.fusedio.gateway.catalogue;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Lets work on one name happen one after another, in the order of subscription, while work on other names goes on. No
 * thread waits for its turn.
 */
final class Turns {
    private final ConcurrentMap<String, CompletableFuture<?>> last = new ConcurrentHashMap<>();

    /**
     * Runs {@code work} when all that came before on {@code name} has ended. Once subscribed to it runs to its end: a
     * client that leaves doesn't stop a change half way.
     */
    <T> Mono<T> take(final String name, final Mono<T> work) {
        return Mono.defer(() -> {
            final CompletableFuture<Void> done = new CompletableFuture<>();
            final CompletableFuture<?> before = last.put(name, done);
            final Mono<Void> turn = before == null
                    ? Mono.empty()
                    : Mono.fromFuture(before, true).then();
            final CompletableFuture<@Nullable T> result = turn.then(work)
                    .doFinally(signal -> {
                        last.remove(name, done);
                        done.complete(null);
                    })
                    .toFuture();
            return Mono.fromFuture(result, true);
        });
    }

    /** The same for two names, taken in one order so that two renames never wait for each other. */
    <T> Mono<T> take(final String one, final String other, final Mono<T> work) {
        final int order = one.compareTo(other);
        if (order == 0) {
            return take(one, work);
        }
        return order < 0 ? take(one, take(other, work)) : take(other, take(one, work));
    }
}
