package dev.fusedio.gateway.catalogue;

import dev.fusedio.gateway.engine.BackendType;

/**
 * A volume to be made.
 *
 * @param name its name
 * @param size bytes, a positive multiple of {@value VolumeRecord#SECTOR}
 * @param backend what keeps the bytes
 * @param readOnly whether it is exported read-only
 * @param directIo whether its file is opened with O_DIRECT
 * @param description for people, perhaps empty
 */
public record NewVolume(
        VolumeName name, long size, BackendType backend, boolean readOnly, boolean directIo, String description) {}
