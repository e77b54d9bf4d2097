package dev.fusedio.gateway.engine;

import dev.fusedio.sys.Errno;
import dev.fusedio.ublk.UblkDevice;
import dev.fusedio.ublk.UblkDeviceSnapshot;
import dev.fusedio.ublk.UblkException;
import java.util.concurrent.atomic.AtomicBoolean;
import reactor.core.publisher.Mono;

/** A block device by the core's ublk. */
final class CoreBlockDevice implements BlockDevice {
    private final UblkDevice device;
    private final CoreBlockDevices.Backing backing;
    private final AtomicBoolean released = new AtomicBoolean();

    CoreBlockDevice(final UblkDevice device, final CoreBlockDevices.Backing backing) {
        this.device = device;
        this.backing = backing;
    }

    @Override
    public int number() {
        return device.id();
    }

    @Override
    public DeviceStatus status() {
        final UblkDeviceSnapshot now = device.snapshot();
        return new DeviceStatus(
                now.path().toString(),
                now.bytes(),
                switch (now.mechanism()) {
                    case AUTO_REGISTRATION -> DeviceMechanism.AUTO_REGISTRATION;
                    case REGISTRATION -> DeviceMechanism.REGISTRATION;
                    case USER_COPY -> DeviceMechanism.USER_COPY;
                },
                now.why(),
                now.queues(),
                now.depth(),
                now.requests(),
                now.inFlight(),
                now.errors(),
                now.bytesBorrowed(),
                now.bytesCopied(),
                now.served(),
                now.ioFlusher());
    }

    @Override
    public Mono<Boolean> isInUse() {
        return CoreBlockDevices.waiting(device::isInUse);
    }

    @Override
    public Mono<Void> resize() {
        return CoreBlockDevices.waiting(device::resize).then();
    }

    @Override
    public Mono<Void> detach() {
        return ending(() -> {
            try {
                device.close();
            } catch (final UblkException e) {
                if (e.errno() != Errno.ENODEV) { // somebody else has removed it: as was wanted
                    throw e;
                }
            }
        });
    }

    @Override
    public Mono<Void> leave() {
        return ending(device::detachForUpgrade);
    }

    /** Only once no request can come any more is what is behind the device let go of. */
    private Mono<Void> ending(final CoreBlockDevices.Release end) {
        return CoreBlockDevices.waiting(() -> {
                    end.run();
                    if (released.compareAndSet(false, true)) {
                        backing.release();
                    }
                    return true;
                })
                .then();
    }
}
