package dev.fusedio.gateway.catalogue;

import dev.fusedio.gateway.engine.BackendType;
import dev.fusedio.gateway.engine.DataPlane;
import dev.fusedio.gateway.engine.DataPlaneException;
import dev.fusedio.gateway.engine.OpenVolume;
import dev.fusedio.gateway.engine.VolumeSpec;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/** Opens what lies in the pool. */
final class VolumeOpening {
    private static final Logger LOG = LoggerFactory.getLogger(VolumeOpening.class);

    private final PoolWork files;
    private final DataPlane dataPlane;
    private final VolumeEvents events;

    VolumeOpening(final PoolWork files, final DataPlane dataPlane, final VolumeEvents events) {
        this.events = events;
        this.files = files;
        this.dataPlane = dataPlane;
    }

    /** Opens a volume. */
    Mono<OpenVolume> open(final VolumeName name, final VolumeRecord record) {
        return Mono.defer(() -> open(
                        name,
                        record,
                        record.backend() == BackendType.FILE ? files.pool().dataFile(name) : null,
                        record.readOnly()))
                .doOnNext(open -> open.failed().subscribe(failure -> events.failed(name.value(), record)));
    }

    /**
     * Opens a volume whose bytes are not at their place yet, to be written whatever its record says.
     *
     * @param data the file that keeps them; null in memory
     */
    Mono<OpenVolume> openWritable(final VolumeName name, final VolumeRecord record, final @Nullable Path data) {
        return open(name, record, data, false);
    }

    private Mono<OpenVolume> open(
            final VolumeName name, final VolumeRecord record, final @Nullable Path data, final boolean readOnly) {
        return dataPlane.open(new VolumeSpec(
                name.value(),
                record.backend(),
                data,
                record.size(),
                readOnly,
                record.directIo(),
                record.description()));
    }

    /** What was found in the pool: open, or set aside. */
    Mono<Volume> load(final Pool.Found found) {
        return switch (found) {
            case Pool.Damaged damaged -> Mono.just(setAside(damaged.folder(), null, damaged.reason()));
            case Pool.Sound sound ->
                open(new VolumeName(sound.folder()), sound.record())
                        .<Volume>map(open -> new Volume.Available(sound.folder(), sound.record(), open))
                        .onErrorResume(
                                DataPlaneException.class,
                                failure -> Mono.just(setAside(
                                        sound.folder(), sound.record(), String.valueOf(failure.getMessage()))));
        };
    }

    private static Volume setAside(final String name, final @Nullable VolumeRecord record, final String reason) {
        LOG.error("volume {} is damaged and set aside: {}", name, reason);
        return new Volume.Damaged(name, record, reason);
    }
}
