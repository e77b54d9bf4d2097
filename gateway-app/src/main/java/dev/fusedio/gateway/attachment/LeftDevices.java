package dev.fusedio.gateway.attachment;

import dev.fusedio.gateway.engine.BlockDevice;
import dev.fusedio.gateway.engine.BlockDevices;
import dev.fusedio.gateway.engine.DeviceSource;
import dev.fusedio.gateway.engine.DeviceSpec;
import dev.fusedio.gateway.engine.DevicesUnavailableException;
import dev.fusedio.gateway.engine.FoundDevice;
import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemType;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import reactor.core.publisher.Mono;

/**
 * Devices that an earlier process has left, each with the id of its record: found, taken over, removed. Knows no record,
 * and no attachment but by its id.
 */
final class LeftDevices {
    private final BlockDevices devices;

    LeftDevices(final BlockDevices devices) {
        this.devices = devices;
    }

    /**
     * Devices of this program that no process serves and no record knows; none where there can be none.
     *
     * @param known the records' ids
     */
    Mono<List<FoundDevice>> orphans(final Collection<String> known) {
        return devices.find(List.copyOf(known))
                .map(found -> found.stream()
                        .filter(device -> device.orphaned() && device.name().isEmpty())
                        .toList())
                .onErrorReturn(DevicesUnavailableException.class, List.of());
    }

    /** Takes over the device that was left with this id, if it can be, or makes it again. */
    Mono<Served> serve(final String id, final DeviceSource source, final DeviceSpec spec) {
        return devices.find(List.of(id)).flatMap(found -> {
            final Optional<FoundDevice> left = mine(found, id);
            final boolean recovers = left.map(FoundDevice::started).orElse(false);
            final Mono<Void> cleared =
                    left.isPresent() && !recovers ? devices.remove(left.get().number()) : Mono.empty();
            return cleared.then(
                            recovers
                                    ? devices.recover(left.orElseThrow().number(), source, spec)
                                    : devices.attach(source, spec))
                    .map(device -> new Served(device, recovers));
        });
    }

    /** Removes the device that was left with this id, with requests that wait there; nothing if there is none. */
    Mono<Void> remove(final String id) {
        return left(id).flatMap(left ->
                left.map(device -> devices.remove(device.number())).orElse(Mono.empty()));
    }

    /** Fails with an attachment-in-use problem if the device that was left with this id is used. */
    Mono<Void> requireIdle(final String id) {
        return left(id).flatMap(left -> left.filter(FoundDevice::started)
                .map(found -> requireIdle(found.number()))
                .orElse(Mono.empty()));
    }

    /** Fails with an attachment-in-use problem if a device that no process serves is used. */
    Mono<Void> requireIdle(final int number) {
        return requireIdle(devices.isInUse(number), number);
    }

    /** Fails with an attachment-in-use problem if a device is used. */
    static Mono<Void> requireIdle(final Mono<Boolean> isInUse, final int number) {
        return isInUse.flatMap(used -> used
                ? Mono.error(new ProblemException(
                        ProblemType.ATTACHMENT_IN_USE,
                        "/dev/ublkb" + number + " is mounted, or another program or device has it for itself. Unmount"
                                + " it first, or say force=true: what is not written to it by then fails."))
                : Mono.empty());
    }

    private Mono<Optional<FoundDevice>> left(final String id) {
        return devices.find(List.of(id))
                .onErrorReturn(DevicesUnavailableException.class, List.of())
                .map(found -> mine(found, id));
    }

    private static Optional<FoundDevice> mine(final List<FoundDevice> found, final String id) {
        return found.stream().filter(device -> device.name().equals(id)).findFirst();
    }

    /**
     * A device that is served again.
     *
     * @param device it
     * @param recovered whether it was taken over, and not made again
     */
    record Served(BlockDevice device, boolean recovered) {}
}
