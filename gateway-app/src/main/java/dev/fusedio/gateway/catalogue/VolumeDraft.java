package dev.fusedio.gateway.catalogue;

/**
 * A volume as it would be after a change that was only checked.
 *
 * @param name its name
 * @param record what its record would say
 */
public record VolumeDraft(String name, VolumeRecord record) {}
