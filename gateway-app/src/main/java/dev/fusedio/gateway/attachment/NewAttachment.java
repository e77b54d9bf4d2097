package dev.fusedio.gateway.attachment;

import dev.fusedio.gateway.engine.DeviceMechanism;

/**
 * An attachment to be made.
 *
 * @param volume a volume's name; empty if it is a remote export
 * @param source a remote export's URI; empty if it is a volume
 * @param queues hardware queues; 0 for one for each core loop
 * @param depth requests of a queue at once
 * @param readOnly whether the device refuses to be written
 * @param mechanism how data is to be moved
 * @param connections wanted to a remote export
 * @param timeoutSeconds how long a remote server is waited for, when silent and when gone
 */
public record NewAttachment(
        String volume,
        String source,
        int queues,
        int depth,
        boolean readOnly,
        DeviceMechanism mechanism,
        int connections,
        int timeoutSeconds) {}
