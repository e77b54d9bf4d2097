package dev.fusedio.gateway.engine;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import reactor.core.publisher.Mono;

/** Counts uses of a thing, refuses new ones once it closes, and tells when the last has ended. */
final class UseCount {
    private static final long CLOSED = Long.MIN_VALUE;

    private final AtomicLong uses = new AtomicLong();
    private final CompletableFuture<Void> idle = new CompletableFuture<>();

    /** Begins a use; false once closed. */
    boolean enter() {
        if (uses.incrementAndGet() > 0) {
            return true;
        }
        leave();
        return false;
    }

    /** Ends a use that began. */
    void leave() {
        if (uses.decrementAndGet() == CLOSED) {
            idle.complete(null);
        }
    }

    /** Refuses new uses and completes when there are none. */
    Mono<Void> close() {
        long now = uses.get();
        while (now >= 0 && !uses.compareAndSet(now, now + CLOSED)) {
            now = uses.get();
        }
        if (now == 0) {
            idle.complete(null);
        }
        return Mono.fromFuture(idle, true);
    }

    boolean isClosed() {
        return uses.get() < 0;
    }
}
