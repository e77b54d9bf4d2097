package dev.fusedio.gateway.engine;

import reactor.core.publisher.Mono;

/** A local block device that this process serves. Rules as {@link BlockDevices} has them. */
public interface BlockDevice {
    /** N of {@code /dev/ublkbN}. */
    int number();

    /** Its counts and state at this moment. */
    DeviceStatus status();

    /** Whether a file system, another program or another device uses it at this moment. */
    Mono<Boolean> isInUse();

    /** Tells the block layer that what is behind it has grown. Fails with EOPNOTSUPP if this kernel can't. */
    Mono<Void> resize();

    /** Stops and removes it, in use or not: later requests fail. Lets go of what is behind it. */
    Mono<Void> detach();

    /**
     * Lets go of it and of what is behind it; it stays, and its requests wait for {@link BlockDevices#recover}. Fails
     * with EOPNOTSUPP, the device being served on, if this kernel can't.
     */
    Mono<Void> leave();
}
