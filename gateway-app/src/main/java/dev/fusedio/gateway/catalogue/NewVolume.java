package dev.fusedio.gateway.catalogue;

import dev.fusedio.gateway.engine.BackendType;
import java.util.Map;

/**
 * A volume to be made.
 *
 * @param name its name
 * @param size bytes, a positive multiple of {@value VolumeRecord#SECTOR}
 * @param backend what keeps the bytes
 * @param readOnly whether it is exported read-only
 * @param directIo whether its file is opened with O_DIRECT
 * @param description for people, perhaps empty
 * @param labels for programs
 */
public record NewVolume(
        VolumeName name,
        long size,
        BackendType backend,
        boolean readOnly,
        boolean directIo,
        String description,
        Map<String, String> labels) {
    public NewVolume {
        labels = VolumeLabels.copy(labels);
    }
}
