package dev.fusedio.gateway.engine;

/**
 * A block device that this program made, as it is found on this machine.
 *
 * @param number N of {@code /dev/ublkbN}
 * @param device {@code /dev/ublkbN}
 * @param size bytes; 0 when it was never told
 * @param name the {@link DeviceSpec#name} looked for that it was made for; empty if none
 * @param started whether it was started and not stopped: only such a device can be recovered
 * @param orphaned whether no living process serves it
 * @param serverPid the process that serves or served it
 */
public record FoundDevice(
        int number, String device, long size, String name, boolean started, boolean orphaned, long serverPid) {}
