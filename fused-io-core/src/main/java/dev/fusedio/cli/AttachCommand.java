package dev.fusedio.cli;

import dev.fusedio.backend.file.FileBackend;
import dev.fusedio.backend.file.FileOptions;
import dev.fusedio.backend.remote.RemoteBackend;
import dev.fusedio.loop.LoopConfig;
import dev.fusedio.loop.LoopGroup;
import dev.fusedio.nbd.client.NbdUri;
import dev.fusedio.ublk.Mechanism;
import dev.fusedio.ublk.UblkControl;
import dev.fusedio.ublk.UblkDevice;
import dev.fusedio.ublk.UblkListing;
import dev.fusedio.ublk.UblkOptions;
import dev.fusedio.volume.Backend;
import dev.fusedio.volume.Volume;
import java.io.Closeable;
import java.io.IOException;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;

/** A running {@code attach}: one source, one block device. */
final class AttachCommand implements Closeable {
    /** The killed process's last operations hold the file's locks; the device's requests wait as well. */
    private static final Duration TAKE_OVER_PATIENCE = Duration.ofSeconds(60);

    private final LoopGroup loops;
    private final Volume volume;
    private final UblkDevice device;
    private final boolean keep;
    private final boolean recovered;

    private AttachCommand(
            final LoopGroup loops,
            final Volume volume,
            final UblkDevice device,
            final boolean keep,
            final boolean recovered) {
        this.loops = loops;
        this.volume = volume;
        this.device = device;
        this.keep = keep;
        this.recovered = recovered;
    }

    /**
     * Opens the source and makes the device, or takes over the one that an earlier process left behind.
     *
     * @param errors is told of failures that no request is told of
     * @throws IOException saying what can't be had, and why
     */
    static AttachCommand start(final AttachOptions options, final Consumer<Throwable> errors) throws IOException {
        final Optional<UblkListing> orphan = orphan(options);
        final LoopGroup loops = LoopGroup.start(LoopConfig.of(options.cores()), errors);
        try {
            final Backend backend = open(options, loops, orphan.isPresent());
            final UblkOptions wanted = backend instanceof RemoteBackend remote
                    ? options.device().withLoops(remote.connectedLoops())
                    : options.device();
            final Volume volume =
                    new Volume(options.source(), "", backend, options.device().readOnly());
            try {
                final UblkDevice device = orphan.isPresent()
                        ? UblkDevice.recover(loops, orphan.get().id(), volume, wanted)
                        : UblkDevice.attach(loops, volume, wanted);
                return new AttachCommand(loops, volume, device, options.keep(), orphan.isPresent());
            } catch (final IOException | RuntimeException e) {
                volume.close();
                throw e;
            }
        } catch (final IOException | RuntimeException e) {
            loops.close();
            throw e;
        }
    }

    /** One line about what little locked memory costs; empty if it costs nothing. */
    Optional<String> shortage() {
        return loops.shortage();
    }

    private static Backend open(final AttachOptions options, final LoopGroup loops, final boolean takesOver)
            throws IOException {
        final NbdUri uri = options.uri();
        if (uri != null) {
            return RemoteBackend.connect(uri, options.remote(), loops.loops());
        }
        final FileOptions plain = FileOptions.of(options.device().readOnly(), options.direct());
        final FileBackend file = FileBackend.open(
                options.path(), takesOver ? plain.withPatience(TAKE_OVER_PATIENCE) : plain, loops.blocking());
        if (!file.unlocked().isEmpty()) {
            if (takesOver && !waitsForTheKilled(options)) {
                file.close();
                throw new IOException(options.source() + ": " + file.unlocked()
                        + ". Without locks it can't be told whether the killed server's last direct writes have ended, and they could"
                        + " overwrite newer ones: take the device over with --mechanism auto-registration or registration, where"
                        + " the kernel has them, or without --direct");
            }
            System.err.println("gateway: warning: " + file.unlocked());
        }
        return file;
    }

    /**
     * Whether a take-over waits for the last writes of a killed server although its file has no lock: with its pages lent a
     * write holds the block request, and buffered writes are in the page cache in order.
     */
    static boolean waitsForTheKilled(final AttachOptions options) {
        return !options.direct()
                || options.device().mechanism().filter(Mechanism::lendsPages).isPresent();
    }

    private static Optional<UblkListing> orphan(final AttachOptions options) throws IOException {
        try (UblkControl control = UblkControl.open()) {
            for (final UblkListing found : control.list()) {
                if (!found.isOf(options.source()) || found.state() == UblkListing.State.DEAD) {
                    continue;
                }
                if (!found.isOrphan()) {
                    throw new IOException(options.source() + " is attached already, as " + found.path() + " by process "
                            + found.serverPid());
                }
                return Optional.of(found);
            }
        }
        return Optional.empty();
    }

    /** Waits until a core loop fails, which without a failure is for ever. */
    void awaitFailure() throws InterruptedException {
        loops.awaitFailure();
    }

    /** The device's name. */
    String path() {
        return device.path().toString();
    }

    /** One line for the operator. */
    String banner() {
        final String mechanism =
                device.mechanism().name().toLowerCase(Locale.ROOT).replace('_', '-');
        return (recovered ? "took over " : "attached ") + volume.backend().description() + " (" + volume.size()
                + " bytes" + (volume.readOnly() ? ", read-only" : "") + ") as " + device.path() + ", "
                + device.queues() + (device.queues() == 1 ? " queue, " : " queues, ") + mechanism
                + (device.why().isEmpty() ? "" : " (" + device.why() + ")");
    }

    /** Answers what is in flight, then removes the device, or leaves it for the next start. */
    @Override
    public void close() throws IOException {
        if (keep) {
            device.detachForUpgrade();
        } else {
            device.close();
        }
        volume.close();
        loops.close();
    }
}
