package dev.fusedio.gateway.catalogue;

import org.jspecify.annotations.Nullable;

/**
 * What to change of a volume; null leaves a thing as it is.
 *
 * @param name its new name
 * @param size bytes, not less than it has
 * @param readOnly whether it is exported read-only; running sessions keep what they negotiated
 * @param description for people
 */
public record VolumeChange(
        @Nullable VolumeName name,
        @Nullable Long size,
        @Nullable Boolean readOnly,
        @Nullable String description) {}
