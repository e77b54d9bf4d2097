package dev.fusedio.gateway.metrics;

import dev.fusedio.gateway.catalogue.Volume;
import dev.fusedio.gateway.engine.OpenVolume;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.jspecify.annotations.Nullable;

/** Asking a file for its blocks may wait for the disk, and a scrape must not: it gets what the one before found out. */
final class AllocatedSizes {
    private final ConcurrentMap<OpenVolume, Long> known = new ConcurrentHashMap<>();

    /** The bytes as last heard, null if never; asks anew. */
    @Nullable Long of(final OpenVolume volume) {
        volume.allocatedBytes().subscribe(bytes -> known.put(volume, bytes), failure -> known.remove(volume));
        return known.get(volume);
    }

    /** Forgets the volumes that are gone. */
    void keepOnly(final List<Volume.Available> volumes) {
        final Set<OpenVolume> open = new HashSet<>();
        volumes.forEach(volume -> open.add(volume.open()));
        known.keySet().retainAll(open);
    }
}
