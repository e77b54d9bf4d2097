package dev.fusedio.ublk;

import dev.fusedio.loop.LoopGroup;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.FileCalls;
import dev.fusedio.sys.Libc;
import dev.fusedio.volume.Volume;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A volume as {@code /dev/ublkbN}, served by this process. Its calls wait for the driver, which may wait for the loops:
 * any thread but a loop's.
 *
 * <p>When the process dies, the device stays and its requests wait until {@link #recover} or {@link UblkControl#remove}.
 */
public final class UblkDevice implements AutoCloseable {
    private static final long RECOVERY_FLAGS = UblkAbi.F_USER_RECOVERY | UblkAbi.F_USER_RECOVERY_REISSUE;
    private static final long WELCOME_FLAGS = UblkAbi.F_UPDATE_SIZE | UblkAbi.F_QUIESCE | UblkAbi.F_SAFE_STOP_DEV;

    private final UblkDeviceInfo info;
    private final Volume volume;
    private final UblkQueues queues;
    private final Mechanism mechanism;
    private final String why;
    private final int logicalBlock;
    private final Duration patience;
    private final boolean recovered;
    private volatile long sectors;
    private boolean closed;

    private UblkDevice(
            final UblkDeviceInfo info,
            final UblkParameters parameters,
            final Volume volume,
            final UblkQueues queues,
            final Mechanism mechanism,
            final String why,
            final Duration patience,
            final boolean recovered) {
        this.info = info;
        this.volume = volume;
        this.queues = queues;
        this.mechanism = mechanism;
        this.why = why;
        this.logicalBlock = parameters.logicalBlock();
        this.sectors = parameters.sectors();
        this.patience = patience;
        this.recovered = recovered;
    }

    // --- making ------------------------------------------------------------------------------------------------------

    /**
     * Makes a device for {@code volume} and starts it.
     *
     * @throws UblkException saying what is missing (the driver, a privilege, a feature) or wrong with what was asked for
     */
    public static UblkDevice attach(final LoopGroup loops, final Volume volume, final UblkOptions options)
            throws IOException {
        requireOutside(loops);
        try (UblkControl control = UblkControl.open()) {
            final UblkFeatures features = control.features();
            final List<String> reasons = new ArrayList<>();
            for (final Mechanism mechanism : Mechanism.values()) {
                final String missing = missing(mechanism, features, volume, options);
                if (!missing.isEmpty()) {
                    reasons.add(mechanism + ": " + missing);
                    continue;
                }
                try {
                    return make(control, features, loops, volume, options, mechanism, String.join("; ", reasons));
                } catch (final UblkException e) {
                    final boolean refused = e.errno() == Errno.EINVAL || e.errno() == Errno.EOPNOTSUPP;
                    if (!refused
                            || mechanism == Mechanism.USER_COPY
                            || options.mechanism().isPresent()) {
                        throw e;
                    }
                    reasons.add(mechanism + ": was tried and refused, " + e.getMessage());
                }
            }
            throw new UblkException(
                    "no way to serve a ublk device here: " + String.join("; ", reasons), Errno.EOPNOTSUPP);
        }
    }

    /** Why a mechanism is not to be tried; empty when it is. */
    private static String missing(
            final Mechanism mechanism, final UblkFeatures features, final Volume volume, final UblkOptions options) {
        if (options.mechanism().isPresent() && options.mechanism().get() != mechanism) {
            return "configured to use " + options.mechanism().get();
        }
        if (mechanism.lendsPages() && !volume.capabilities().canBorrowKernelBuffer()) {
            return "the storage (" + volume.backend().description() + ") needs data in memory of the process";
        }
        return features.has(mechanism.flags()) ? "" : "this kernel's ublk driver lacks " + mechanism.needs();
    }

    private static UblkDevice make(
            final UblkControl control,
            final UblkFeatures features,
            final LoopGroup loops,
            final Volume volume,
            final UblkOptions options,
            final Mechanism mechanism,
            final String why)
            throws IOException {
        final UblkParameters parameters = UblkParameters.of(
                volume.capabilities(), volume.size(), options.maxIoBytes(), options.readOnly(), mechanism.lendsPages());
        final int count = options.queues() == 0 ? options.servedBy(loops.loops().size()) : options.queues();
        final long flags = mechanism.flags() | features.of(RECOVERY_FLAGS | WELCOME_FLAGS);
        final UblkDeviceInfo info = control.add(UblkDeviceInfo.wanted(options, count, flags, volume.name()));
        UblkQueues queues = null;
        try {
            if (!info.has(mechanism.flags())) {
                throw new UblkException("ADD_DEV cleared flags of " + mechanism, Errno.EOPNOTSUPP);
            }
            control.setParameters(info.id(), parameters);
            queues = UblkQueues.open(loops, info, mechanism, options, volume);
            queues.awaitStart(options.patience());
            control.start(info.id(), ProcessHandle.current().pid());
        } catch (final IOException | RuntimeException e) {
            undo(control, info.id(), queues, options.patience(), e);
            throw e;
        }
        return new UblkDevice(info, parameters, volume, queues, mechanism, why, options.patience(), false);
    }

    private static void undo(
            final UblkControl control,
            final int id,
            final @Nullable UblkQueues queues,
            final Duration patience,
            final Exception cause) {
        try {
            control.stop(id);
            if (queues != null) {
                queues.awaitEnd(patience);
            }
            control.delete(id);
        } catch (final IOException e) {
            cause.addSuppressed(e);
        }
    }

    /**
     * Takes over a device whose process has ended: its requests, those that were in flight included, are served again.
     *
     * @param id the device's number
     * @param volume the same that the device was made for
     * @throws UblkException when there is no such device, it is another volume's, or it is still served
     */
    public static UblkDevice recover(
            final LoopGroup loops, final int id, final Volume volume, final UblkOptions options) throws IOException {
        requireOutside(loops);
        try (UblkControl control = UblkControl.open()) {
            final UblkDeviceInfo found = control.info(id);
            final UblkParameters parameters = control.parameters(id);
            UblkRecovery.requireMatch(found, parameters, volume);
            final UblkListing listing = UblkListing.of(found, volume.size());
            if (listing.state() == UblkListing.State.LIVE && listing.serverAlive()) {
                throw new UblkException(
                        "ublk device " + id + " is served by process " + found.serverPid(), Errno.EBUSY);
            }
            UblkRecovery.begin(control, id, options.patience());
            final UblkDeviceInfo info = control.info(id);
            final Mechanism mechanism = Mechanism.of(info);
            final UblkQueues queues = UblkQueues.open(loops, info, mechanism, options, volume);
            UblkRecovery.end(control, id, queues, options.patience());
            final String why = mechanism == Mechanism.AUTO_REGISTRATION
                    ? ""
                    : "the device was made with " + mechanism + " and keeps it";
            final UblkDevice device =
                    new UblkDevice(info, parameters, volume, queues, mechanism, why, options.patience(), true);
            if (info.has(UblkAbi.F_UPDATE_SIZE)) {
                device.resize(control); // the volume may have grown since
            }
            return device;
        }
    }

    private static void requireOutside(final LoopGroup loops) {
        if (loops.loops().stream().anyMatch(loop -> loop.inLoop())) {
            throw new IllegalStateException("a core loop must not wait for a device that it serves");
        }
    }

    // --- using -------------------------------------------------------------------------------------------------------

    /** The device's number. */
    public int id() {
        return info.id();
    }

    /** {@code /dev/ublkbN}. */
    public Path path() {
        return Path.of(UblkAbi.BLOCK_PREFIX + info.id());
    }

    /** How data reaches the volume's operations. */
    public Mechanism mechanism() {
        return mechanism;
    }

    /** Why no better mechanism is in use, each with its reason; empty for the best. */
    public String why() {
        return why;
    }

    /** Hardware queues. */
    public int queues() {
        return queues.count();
    }

    /**
     * Tells the block layer that the volume has grown.
     *
     * @return bytes as the block layer now has them
     * @throws UblkException when this kernel can't (before Linux 6.16): the device then keeps its size until it is
     *     attached anew
     */
    public synchronized long resize() throws IOException {
        try (UblkControl control = UblkControl.open()) {
            resize(control);
        }
        return sectors << UblkAbi.SECTOR_SHIFT;
    }

    private void resize(final UblkControl control) throws UblkException {
        final long wanted = UblkParameters.sectors(volume.size(), logicalBlock);
        if (wanted == sectors) {
            return;
        }
        if (!info.has(UblkAbi.F_UPDATE_SIZE)) {
            throw new UblkException(
                    "this kernel's ublk driver lacks UBLK_F_UPDATE_SIZE (Linux 6.16): " + path() + " stays at "
                            + (sectors << UblkAbi.SECTOR_SHIFT) + " bytes until it is attached anew",
                    Errno.EOPNOTSUPP);
        }
        control.updateSize(info.id(), wanted);
        sectors = wanted;
    }

    /** Whether a file system, another program or another device uses it at this moment. */
    public boolean isInUse() {
        final Libc libc = Libc.transientInstance();
        final int fd = libc.files().open(path().toString(), FileCalls.O_EXCL | FileCalls.O_CLOEXEC, 0);
        if (fd >= 0) {
            libc.files().close(fd);
        }
        return fd == -Errno.EBUSY;
    }

    /** The counts of this moment. Any thread. */
    public UblkDeviceSnapshot snapshot() {
        return new UblkDeviceSnapshot(
                info.id(),
                path(),
                volume.name(),
                sectors << UblkAbi.SECTOR_SHIFT,
                mechanism,
                why,
                queues.count(),
                info.depth(),
                info.maxIoBytes(),
                queues.sum(UblkQueue::requests),
                queues.sum(UblkQueue::inFlight),
                queues.sum(UblkQueue::errors),
                queues.sum(UblkQueue::borrowed),
                queues.sum(UblkQueue::copied),
                queues.sum(UblkQueue::memoryWaits),
                recovered,
                queues.ioFlusher(),
                queues.areServed());
    }

    // --- ending ------------------------------------------------------------------------------------------------------

    /**
     * Lets requests in flight end, holds new ones back and lets go of the device, which stays for {@link #recover} by
     * another process.
     *
     * @throws UblkException when this kernel can't (before Linux 6.16: ending the process does the same, and what is in
     *     flight is issued again), or requests did not end in time; the device is then served on
     */
    public synchronized void detachForUpgrade() throws IOException {
        if (closed) {
            return;
        }
        if (!info.has(UblkAbi.F_QUIESCE)) {
            throw new UblkException(
                    "this kernel's ublk driver lacks UBLK_F_QUIESCE (Linux 6.16): end the process, and recover "
                            + path() + " in the next one",
                    Errno.EOPNOTSUPP);
        }
        try (UblkControl control = UblkControl.open()) {
            control.quiesce(info.id(), patience.toMillis());
        }
        closed = true;
        queues.awaitEnd(patience);
    }

    /** Stops and removes the device, in use or not: what is dirty is written, later requests fail. */
    @Override
    public synchronized void close() throws IOException {
        if (closed) {
            return;
        }
        try (UblkControl control = UblkControl.open()) {
            control.stop(info.id());
            dispose(control);
        }
    }

    /**
     * As {@link #close}, unless somebody has the device open.
     *
     * @throws UblkException with EBUSY when it is in use; it is then served on
     */
    public synchronized void closeUnlessInUse() throws IOException {
        if (closed) {
            return;
        }
        try (UblkControl control = UblkControl.open()) {
            if (info.has(UblkAbi.F_SAFE_STOP_DEV)) {
                control.tryStop(info.id()); // looks and stops in one step
            } else if (isInUse()) {
                throw new UblkException(path() + " is in use: unmount it first", Errno.EBUSY);
            } else {
                control.stop(info.id());
            }
            dispose(control);
        }
    }

    private void dispose(final UblkControl control) throws IOException {
        closed = true;
        queues.awaitEnd(patience);
        control.delete(info.id());
    }
}
