package dev.fusedio.gateway.engine;

import java.util.Collection;
import java.util.List;
import reactor.core.publisher.Mono;

/**
 * Local block devices, {@code /dev/ublkbN}, as the control plane sees them. Any thread may call; nothing here blocks.
 * Work begins on subscription and runs to its end although the subscriber cancels. Publishers fail with
 * {@link DataPlaneException}: {@link DevicesUnavailableException} if this machine can't have such devices,
 * {@link SourceUnreachableException} if it is the remote export that can't be had.
 */
public interface BlockDevices {
    /**
     * Makes a device and serves it. It gets {@link DeviceSpec#number} if that is free, else another.
     *
     * @param source what is behind it; a local volume stays in use until the device ends
     */
    Mono<BlockDevice> attach(DeviceSource source, DeviceSpec spec);

    /** Checks what {@link #attach} checks before it asks a server far away for anything, and makes nothing. */
    Mono<Void> check(DeviceSource source, DeviceSpec spec);

    /**
     * Takes over a device that nobody serves any more, with the requests that wait on it.
     *
     * @param number the device's
     * @param source what is behind it, the same as before
     * @param spec the same that it was made for
     */
    Mono<BlockDevice> recover(int number, DeviceSource source, DeviceSpec spec);

    /**
     * The devices on this machine that this program made, whichever process did, in the order of numbers.
     *
     * @param names {@link DeviceSpec#name}s to look for
     */
    Mono<List<FoundDevice>> find(Collection<String> names);

    /** Whether a file system, another program or another device uses a device at this moment. */
    Mono<Boolean> isInUse(int number);

    /** Stops and removes a device that this process does not serve. Requests that wait on it fail. */
    Mono<Void> remove(int number);

    /** Why there can be no devices on this machine, and what to do; empty if there can. */
    Mono<String> obstacle();
}
