package dev.fusedio.gateway.engine;

import java.time.Instant;

/**
 * A volume's failed write-back: acknowledged data may be missing, and no flush succeeds until the volume is opened anew.
 *
 * @param errno the system's error, such as {@code EIO}
 * @param since when it was found
 */
public record VolumeFailure(String errno, Instant since) {}
