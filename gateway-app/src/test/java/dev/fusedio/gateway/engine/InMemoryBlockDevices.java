package dev.fusedio.gateway.engine;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.NavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** A machine's ublk driver for tests of what is above it. Devices outlive the process that serves them. */
public final class InMemoryBlockDevices implements BlockDevices {
    private final NavigableMap<Integer, Device> devices = new ConcurrentSkipListMap<>();
    private volatile String obstacle = "";
    private volatile boolean canQuiesce = true;
    private volatile boolean canResize = true;
    private volatile @Nullable DataPlaneException failure;

    /** One device of the machine. */
    public static final class Device {
        private final int number;
        private final String name;
        private final List<String> events = new ArrayList<>();
        private volatile DeviceSource source;
        private volatile DeviceSpec spec;
        private volatile long size;
        private volatile boolean started = true;
        private volatile boolean served = true;
        private volatile boolean used;

        private Device(final int number, final DeviceSource source, final DeviceSpec spec) {
            this.number = number;
            this.name = spec.name();
            this.source = source;
            this.spec = spec;
            this.size = sizeOf(source);
        }

        public DeviceSource source() {
            return source;
        }

        public DeviceSpec spec() {
            return spec;
        }

        public long size() {
            return size;
        }

        /** What was done with it. */
        public synchronized List<String> events() {
            return List.copyOf(events);
        }

        private synchronized void event(final String what) {
            events.add(what);
        }

        /** Its process is killed. */
        public void orphan() {
            served = false;
        }

        /** It is stopped by another program. */
        public void stop() {
            served = false;
            started = false;
        }

        /** Something mounts it, or unmounts it. */
        public void used(final boolean value) {
            used = value;
        }
    }

    @Override
    public Mono<BlockDevice> attach(final DeviceSource source, final DeviceSpec spec) {
        return work(() -> {
            requireReachable(source);
            int number = spec.number();
            if (number < 0 || devices.containsKey(number)) {
                number = 0;
                while (devices.containsKey(number)) {
                    number++;
                }
            }
            return serve(new Device(number, source, spec), "attached");
        });
    }

    @Override
    public Mono<Void> check(final DeviceSource source, final DeviceSpec spec) {
        return work(() -> source).then();
    }

    @Override
    public Mono<BlockDevice> recover(final int number, final DeviceSource source, final DeviceSpec spec) {
        return work(() -> {
            requireReachable(source);
            final Device device = devices.get(number);
            if (device == null || !device.started || device.served || !device.name.equals(spec.name())) {
                throw new DataPlaneException("EINVAL", "ublk device " + number + " can't be recovered");
            }
            device.source = source;
            device.served = true;
            return serve(device, "recovered");
        });
    }

    @Override
    public Mono<List<FoundDevice>> find(final Collection<String> names) {
        return work(() -> devices.values().stream()
                .map(device -> new FoundDevice(
                        device.number,
                        "/dev/ublkb" + device.number,
                        device.size,
                        names.contains(device.name) ? device.name : "",
                        device.started,
                        !device.served,
                        42))
                .toList());
    }

    @Override
    public Mono<Boolean> isInUse(final int number) {
        return work(() -> device(number).used);
    }

    @Override
    public Mono<Void> remove(final int number) {
        return work(() -> devices.remove(device(number).number)).then();
    }

    @Override
    public Mono<String> obstacle() {
        return Mono.fromSupplier(() -> obstacle);
    }

    /** A device that is there, by its number. */
    public Device device(final int number) {
        final Device device = devices.get(number);
        if (device == null) {
            throw new DataPlaneException("ENODEV", "there is no ublk device " + number);
        }
        return device;
    }

    /** Numbers of the devices that are there. */
    public List<Integer> numbers() {
        return List.copyOf(devices.keySet());
    }

    /** A device that a dead process has left. */
    public Device left(final int number, final String name) {
        final Device device = new Device(
                number,
                new DeviceSource.Remote("nbd://gone", 1, Duration.ofSeconds(30)),
                new DeviceSpec(name, number, 1, 1, false, DeviceMechanism.AUTO));
        device.orphan();
        devices.put(number, device);
        return device;
    }

    /** All devices are gone, as after a reboot, and all is possible again. */
    public void reboot() {
        devices.clear();
        obstacle = "";
        canQuiesce = true;
        canResize = true;
        failure = null;
    }

    /** The process is killed. */
    public void kill() {
        devices.values().forEach(Device::orphan);
    }

    /** Lets every call fail because of this; empty for none. */
    public void obstacle(final String reason) {
        obstacle = reason;
    }

    /** What a kernel before Linux 6.16 can't. */
    public void oldKernel() {
        canQuiesce = false;
        canResize = false;
    }

    /** Lets the next devices fail to be made; null for none. */
    public void fail(final @Nullable DataPlaneException reason) {
        failure = reason;
    }

    private BlockDevice serve(final Device device, final String event) {
        final DataPlaneException failing = failure;
        if (failing != null) {
            device.orphan();
            throw failing;
        }
        device.event(event);
        devices.put(device.number, device);
        return new Served(device);
    }

    private <T> Mono<T> work(final java.util.concurrent.Callable<T> work) {
        return Mono.fromCallable(() -> {
            if (!obstacle.isEmpty()) {
                throw new DevicesUnavailableException("ENOENT", obstacle);
            }
            return work.call();
        });
    }

    private static void requireReachable(final DeviceSource source) {
        if (source instanceof final DeviceSource.Remote remote) {
            final String uri = remote.uri();
            if (!uri.startsWith("nbd://")) {
                throw new DataPlaneException("EINVAL", uri + ": it has no scheme of NBD");
            }
            if (uri.contains("nobody")) {
                throw new SourceUnreachableException(uri + ": connection refused");
            }
        }
    }

    private static long sizeOf(final DeviceSource source) {
        return switch (source) {
            case DeviceSource.Local(final OpenVolume volume) -> volume.size();
            case DeviceSource.Remote remote -> 1 << 20;
        };
    }

    /** A device as the process that serves it has it. */
    private final class Served implements BlockDevice {
        private final Device device;

        private Served(final Device device) {
            this.device = device;
        }

        @Override
        public int number() {
            return device.number;
        }

        @Override
        public DeviceStatus status() {
            return new DeviceStatus(
                    "/dev/ublkb" + device.number,
                    device.size,
                    DeviceMechanism.USER_COPY,
                    "AUTO_REGISTRATION: this kernel's ublk driver lacks UBLK_F_AUTO_BUF_REG",
                    device.spec.queues() == 0 ? 2 : device.spec.queues(),
                    device.spec.depth(),
                    7,
                    1,
                    2,
                    4096,
                    512,
                    device.served,
                    "");
        }

        @Override
        public Mono<Boolean> isInUse() {
            return work(() -> device.used);
        }

        @Override
        public Mono<Void> resize() {
            return work(() -> {
                        if (!canResize && device.size != sizeOf(device.source)) {
                            throw new DataPlaneException("EOPNOTSUPP", "lacks UBLK_F_UPDATE_SIZE (Linux 6.16)");
                        }
                        device.size = sizeOf(device.source);
                        return true;
                    })
                    .then();
        }

        @Override
        public Mono<Void> detach() {
            return work(() -> {
                        device.event("detached");
                        devices.remove(device.number);
                        return true;
                    })
                    .then();
        }

        @Override
        public Mono<Void> leave() {
            return work(() -> {
                        if (!canQuiesce) {
                            throw new DataPlaneException("EOPNOTSUPP", "lacks UBLK_F_QUIESCE (Linux 6.16)");
                        }
                        device.event("left");
                        device.orphan();
                        return true;
                    })
                    .then();
        }
    }
}
