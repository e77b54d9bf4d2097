package dev.fusedio.gateway.catalogue;

import dev.fusedio.gateway.engine.OpenVolume;
import reactor.core.publisher.Mono;

/**
 * A volume that nobody sees yet. Its name is taken; it becomes a volume whole, or is never one. Whoever has it ends it
 * with one of {@link #publish()} and {@link #discard()}.
 */
public final class StagedVolume {
    private final VolumeStaging staging;
    private final VolumeName name;
    private final VolumeRecord record;
    private final Pool.Staged files;
    private final OpenVolume open;

    StagedVolume(
            final VolumeStaging staging,
            final VolumeName name,
            final VolumeRecord record,
            final Pool.Staged files,
            final OpenVolume open) {
        this.staging = staging;
        this.name = name;
        this.record = record;
        this.files = files;
        this.open = open;
    }

    /** Its bytes: zeros, and writable although the volume may not be. */
    public OpenVolume open() {
        return open;
    }

    /**
     * Makes it a volume, with all that was written on stable storage. Runs to its end although a subscriber leaves. If
     * it fails it is still to be discarded.
     */
    public Mono<Volume> publish() {
        return staging.publish(this);
    }

    /** Removes it, once what is in flight has ended. */
    public Mono<Void> discard() {
        return staging.discard(this);
    }

    VolumeName name() {
        return name;
    }

    VolumeRecord record() {
        return record;
    }

    Pool.Staged files() {
        return files;
    }
}
