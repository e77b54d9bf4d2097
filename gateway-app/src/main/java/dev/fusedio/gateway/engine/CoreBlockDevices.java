package dev.fusedio.gateway.engine;

import dev.fusedio.backend.remote.RemoteBackend;
import dev.fusedio.backend.remote.RemoteOptions;
import dev.fusedio.loop.LoopGroup;
import dev.fusedio.nbd.client.NbdUri;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Libc;
import dev.fusedio.sys.SystemCallException;
import dev.fusedio.ublk.Mechanism;
import dev.fusedio.ublk.UblkControl;
import dev.fusedio.ublk.UblkDevice;
import dev.fusedio.ublk.UblkException;
import dev.fusedio.ublk.UblkListing;
import dev.fusedio.ublk.UblkOptions;
import dev.fusedio.volume.Volume;
import java.io.IOException;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** Block devices by the core's ublk. Its calls wait for the driver, on threads that may wait. */
@Component
final class CoreBlockDevices implements BlockDevices {
    private static final String PREFIX = "/dev/ublkb";
    private static final int O_EXCL = 0x80;
    private static final int O_CLOEXEC = 0x80000;

    private final CoreDataPlane dataPlane;

    CoreBlockDevices(final CoreDataPlane dataPlane) {
        this.dataPlane = dataPlane;
    }

    @Override
    public Mono<BlockDevice> attach(final DeviceSource source, final DeviceSpec spec) {
        return waiting(() -> serve(source, spec, (loops, volume, options) -> {
            try {
                return UblkDevice.attach(loops, volume, options.withId(spec.number()));
            } catch (final UblkException e) {
                if (e.errno() != Errno.EEXIST || spec.number() < 0) {
                    throw e;
                }
                return UblkDevice.attach(loops, volume, options);
            }
        }));
    }

    @Override
    public Mono<Void> check(final DeviceSource source, final DeviceSpec spec) {
        return waiting(() -> {
                    options(spec);
                    if (source instanceof final DeviceSource.Remote remote) {
                        remote(remote, spec);
                        NbdUri.parse(remote.uri());
                    }
                    requireDriver();
                    return true;
                })
                .then();
    }

    @Override
    public Mono<BlockDevice> recover(final int number, final DeviceSource source, final DeviceSpec spec) {
        return waiting(() ->
                serve(source, spec, (loops, volume, options) -> UblkDevice.recover(loops, number, volume, options)));
    }

    @Override
    public Mono<List<FoundDevice>> find(final Collection<String> names) {
        return waiting(() -> {
            try (UblkControl control = UblkControl.open()) {
                return control.list().stream()
                        .filter(UblkListing::ours)
                        .map(device -> found(device, names))
                        .toList();
            }
        });
    }

    @Override
    public Mono<Boolean> isInUse(final int number) {
        return waiting(() -> {
            final Libc libc = Libc.transientInstance();
            final int fd = libc.files().open(PREFIX + number, O_EXCL | O_CLOEXEC, 0);
            if (fd >= 0) {
                libc.files().close(fd);
            }
            return fd == -Errno.EBUSY;
        });
    }

    @Override
    public Mono<Void> remove(final int number) {
        return waiting(() -> {
                    try (UblkControl control = UblkControl.open()) {
                        control.remove(number);
                    }
                    return true;
                })
                .then();
    }

    @Override
    public Mono<String> obstacle() {
        return waiting(() -> {
            try (UblkControl control = UblkControl.open()) {
                control.list();
                return "";
            } catch (final IOException e) {
                return String.valueOf(e.getMessage());
            }
        });
    }

    private BlockDevice serve(final DeviceSource source, final DeviceSpec spec, final Serving serving)
            throws IOException {
        final UblkOptions options = options(spec);
        requireDriver();
        final LoopGroup loops = dataPlane.loops();
        final Backing backing = open(loops, source, spec);
        try {
            final UblkOptions fitting = backing.volume().backend() instanceof RemoteBackend remote
                    ? options.withLoops(remote.connectedLoops()) // pages are lent to the rings with connections
                    : options;
            return new CoreBlockDevice(serving.begin(loops, backing.volume(), fitting), backing);
        } catch (final IOException | RuntimeException e) {
            try {
                backing.release();
            } catch (final IOException left) {
                e.addSuppressed(left);
            }
            throw e;
        }
    }

    /** Before a server far away is asked for anything. */
    private static void requireDriver() throws IOException {
        UblkControl.open().close();
    }

    private static Backing open(final LoopGroup loops, final DeviceSource source, final DeviceSpec spec)
            throws IOException {
        return switch (source) {
            case DeviceSource.Local(final OpenVolume volume)
            when volume instanceof CoreVolume core -> core.lend(spec.name(), spec.readOnly());
            case DeviceSource.Local(final OpenVolume volume) ->
                throw new IllegalArgumentException(volume.name() + " was not opened by this data plane");
            case final DeviceSource.Remote remote -> {
                final NbdUri parsed = NbdUri.parse(remote.uri());
                final RemoteBackend backend;
                try {
                    backend = RemoteBackend.connect(parsed, remote(remote, spec), loops.loops());
                } catch (final IOException e) {
                    throw new SourceUnreachableException(String.valueOf(e.getMessage()), e);
                }
                final Volume volume = new Volume(spec.name(), remote.uri(), backend, spec.readOnly());
                yield new Backing(volume, volume::close);
            }
        };
    }

    private static RemoteOptions remote(final DeviceSource.Remote source, final DeviceSpec spec) {
        return RemoteOptions.defaults()
                .withConnections(source.connections())
                .withTimeout(source.timeout())
                .withReadOnly(spec.readOnly());
    }

    private static UblkOptions options(final DeviceSpec spec) {
        final UblkOptions options =
                UblkOptions.defaults().withQueues(spec.queues(), spec.depth()).withReadOnly(spec.readOnly());
        return mechanism(spec.mechanism()).map(options::withMechanism).orElse(options);
    }

    private static Optional<Mechanism> mechanism(final DeviceMechanism wanted) {
        return switch (wanted) {
            case AUTO -> Optional.empty();
            case AUTO_REGISTRATION -> Optional.of(Mechanism.AUTO_REGISTRATION);
            case REGISTRATION -> Optional.of(Mechanism.REGISTRATION);
            case USER_COPY -> Optional.of(Mechanism.USER_COPY);
        };
    }

    private static FoundDevice found(final UblkListing device, final Collection<String> names) {
        return new FoundDevice(
                device.id(),
                device.path().toString(),
                device.bytes(),
                names.stream().filter(device::isOf).findFirst().orElse(""),
                device.state() != UblkListing.State.DEAD,
                device.isOrphan(),
                device.serverPid());
    }

    /** Runs what waits away from Reactor's own threads, and puts its failures into the control plane's terms. */
    static <T> Mono<T> waiting(final Callable<T> work) {
        // by a future, because a subscriber that leaves must not interrupt a device half made
        return Mono.defer(() -> Mono.fromFuture(
                        Mono.fromCallable(work)
                                .subscribeOn(Schedulers.boundedElastic())
                                .toFuture(),
                        true))
                .publishOn(Schedulers.parallel())
                .onErrorMap(IOException.class, CoreBlockDevices::failure)
                .onErrorMap(
                        IllegalArgumentException.class,
                        refused -> new DataPlaneException("EINVAL", String.valueOf(refused.getMessage()), refused));
    }

    private static DataPlaneException failure(final IOException failure) {
        if (failure instanceof SystemCallException || !(failure instanceof UblkException ublk)) {
            return Failures.of(failure);
        }
        final String message = String.valueOf(ublk.getMessage());
        // without a number it is what was asked for that can't be, such as a volume smaller than a page
        final String errno = ublk.errno() == 0 ? "EINVAL" : Errno.name(ublk.errno());
        return ublk.isUnavailable()
                ? new DevicesUnavailableException(errno, message, ublk)
                : new DataPlaneException(errno, message, ublk);
    }

    /** Begins to serve a device. */
    @FunctionalInterface
    private interface Serving {
        UblkDevice begin(LoopGroup loops, Volume volume, UblkOptions options) throws IOException;
    }

    /** A core volume for one device, and how to let go of it. */
    record Backing(Volume volume, Release end) {
        void release() throws IOException {
            end.run();
        }
    }

    /** Lets go; waits for the core loops. */
    @FunctionalInterface
    interface Release {
        void run() throws IOException;
    }
}
