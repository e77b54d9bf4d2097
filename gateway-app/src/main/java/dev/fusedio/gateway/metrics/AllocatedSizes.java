package dev.fusedio.gateway.metrics;

import dev.fusedio.gateway.catalogue.Volume;
import dev.fusedio.gateway.engine.OpenVolume;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Asking a file for its blocks may wait for the disk, and a scrape must not: it gets what an earlier one found out.
 * Files are asked a few at a time and not at every scrape, so that many volumes do not make a burst; those of which
 * nothing is known yet are asked at once.
 */
final class AllocatedSizes {
    private static final int AT_ONCE = 2;
    private static final long KEEP_NANOS = TimeUnit.SECONDS.toNanos(15);

    private final ConcurrentMap<OpenVolume, Long> known = new ConcurrentHashMap<>();
    private final AtomicBoolean asking = new AtomicBoolean();
    private volatile long asked = System.nanoTime() - KEEP_NANOS;

    /** The bytes as last heard, null if never. */
    @Nullable Long of(final OpenVolume volume) {
        return known.get(volume);
    }

    /** Asks these anew if it is time, and forgets all others. */
    void ask(final List<Volume.Available> volumes) {
        final Set<OpenVolume> open = new HashSet<>();
        volumes.forEach(volume -> open.add(volume.open()));
        known.keySet().retainAll(open);
        if (!asking.compareAndSet(false, true)) {
            return;
        }
        final long now = System.nanoTime();
        if (now - asked < KEEP_NANOS) {
            open.removeAll(known.keySet());
        } else {
            asked = now;
        }
        Flux.fromIterable(open)
                .flatMap(this::ask, AT_ONCE)
                .doFinally(signal -> asking.set(false))
                .subscribe();
    }

    private Mono<Long> ask(final OpenVolume volume) {
        return volume.allocatedBytes()
                .doOnNext(bytes -> known.put(volume, bytes))
                .doOnError(failure -> known.remove(volume))
                .onErrorComplete();
    }
}
