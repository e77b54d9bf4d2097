package dev.fusedio.gateway.engine;

/**
 * How a block device is set up.
 *
 * @param name left in the device, to be found by after a restart
 * @param number the one wanted; -1 for the first that is free
 * @param queues hardware queues, 1 to {@value #MAX_QUEUES}; 0 for one for each core loop
 * @param depth requests of a queue at once, 1 to {@value #MAX_DEPTH}
 * @param readOnly whether it refuses to be written
 * @param mechanism how data is to be moved
 */
public record DeviceSpec(String name, int number, int queues, int depth, boolean readOnly, DeviceMechanism mechanism) {
    /** UBLK_MAX_NR_QUEUES. */
    public static final int MAX_QUEUES = 4096;

    /** UBLK_MAX_QUEUE_DEPTH. */
    public static final int MAX_DEPTH = 4096;

    /** Enough to keep a disk busy, and little enough to be held in memory by every queue. */
    public static final int DEFAULT_DEPTH = 128;

    /** Connections to a remote export. */
    public static final int MAX_CONNECTIONS = 64;

    /** Seconds that a remote server is waited for, unless said otherwise. */
    public static final int DEFAULT_TIMEOUT_SECONDS = 30;

    /** A day. */
    public static final int MAX_TIMEOUT_SECONDS = 86_400;
}
