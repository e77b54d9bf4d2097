package dev.fusedio.gateway.engine;

import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What the data plane needs to open a volume.
 *
 * @param name the export name
 * @param backend what keeps the bytes
 * @param data the backing file; only a volume in memory has none
 * @param size bytes
 * @param readOnly whether writes are refused
 * @param directIo whether the file is opened with O_DIRECT
 * @param description for people, perhaps empty
 */
public record VolumeSpec(
        String name,
        BackendType backend,
        @Nullable Path data,
        long size,
        boolean readOnly,
        boolean directIo,
        String description) {
    public VolumeSpec {
        if (backend == BackendType.FILE) {
            Objects.requireNonNull(data, "data");
        }
    }
}
