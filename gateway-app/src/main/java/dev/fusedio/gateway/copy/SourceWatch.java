package dev.fusedio.gateway.copy;

import dev.fusedio.gateway.engine.OpenVolume;
import dev.fusedio.gateway.engine.VolumeCounters;
import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemType;
import java.util.Set;

/**
 * Tells whether a volume was changed since. All that changes bytes is counted when it ends and before it is answered:
 * so while the count stands still, what was read is what the volume had at one moment, as its users would find it after
 * the machine's power failed: what they were told is written is there, what they were not told of may be.
 */
final class SourceWatch {
    private static final Set<String> CHANGING = Set.of("write", "trim", "zero");

    private final String name;
    private final OpenVolume source;
    private final long before;

    /** Begins to watch. */
    SourceWatch(final OpenVolume source) {
        this.name = source.name();
        this.source = source;
        this.before = changes();
    }

    /**
     * Lets a source pass that was not changed.
     *
     * @throws ProblemException with a source-changed problem
     */
    void requireUnchanged() {
        final long changes = changes() - before;
        if (changes != 0) {
            throw new ProblemException(
                    ProblemType.SOURCE_CHANGED,
                    "The volume '" + name + "' was written while it was copied (writes, trims and zeroings until then: "
                            + changes + "), so that the copy would be of no one moment. Stop"
                            + " what writes to it, or make it read-only and end its sessions; then copy it again.");
        }
    }

    private long changes() {
        return source.counters().operations().stream()
                .filter(operation -> CHANGING.contains(operation.name()))
                .mapToLong(VolumeCounters.Operation::count)
                .sum();
    }
}
