package dev.fusedio.volume;

/** What is done to a volume; the order is that of the counters. */
public enum VolumeOperation {
    READ,
    WRITE,
    FLUSH,
    TRIM,
    ZERO,
    CACHE,
    EXTENTS
}
