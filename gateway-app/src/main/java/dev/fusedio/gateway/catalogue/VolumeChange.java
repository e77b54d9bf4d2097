package dev.fusedio.gateway.catalogue;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What to change of a volume; null leaves a thing as it is.
 *
 * @param name its new name
 * @param size bytes, not less than it has
 * @param readOnly whether it is exported read-only; running sessions keep what they negotiated
 * @param description for people
 * @param labels to add or replace, and with a null value to remove; the others stay
 */
public record VolumeChange(
        @Nullable VolumeName name,
        @Nullable Long size,
        @Nullable Boolean readOnly,
        @Nullable String description,
        @Nullable Map<String, @Nullable String> labels) {}
