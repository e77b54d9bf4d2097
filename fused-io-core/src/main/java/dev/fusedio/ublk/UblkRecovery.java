package dev.fusedio.ublk;

import dev.fusedio.sys.Errno;
import dev.fusedio.volume.Volume;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** The steps of taking over a device whose process has ended. Any thread but a loop's. */
final class UblkRecovery {
    private static final long RETRY_NANOS = 2_000_000;

    private UblkRecovery() {}

    /** Refuses a device that isn't this volume's, or that can't be taken over. */
    static void requireMatch(final UblkDeviceInfo info, final UblkParameters parameters, final Volume volume)
            throws UblkException {
        if (info.mark() != UblkDeviceInfo.markOf(volume.name())) {
            throw new UblkException(
                    "ublk device " + info.id() + " was made "
                            + (info.isOurs() ? "for another volume than " + volume.name() : "by another program"),
                    Errno.EINVAL);
        }
        if (!info.has(UblkAbi.F_USER_RECOVERY)) {
            throw new UblkException(
                    "ublk device " + info.id() + " was made without UBLK_F_USER_RECOVERY: remove it", Errno.EOPNOTSUPP);
        }
        if (Mechanism.of(info).lendsPages() && !volume.capabilities().canBorrowKernelBuffer()) {
            throw new UblkException(
                    "ublk device " + info.id() + " lends its pages, which the storage now behind " + volume.name()
                            + " can't use",
                    Errno.EINVAL);
        }
        final boolean writable = (parameters.attributes() & UblkAbi.ATTR_READ_ONLY) == 0;
        if (volume.size() < parameters.sectors() << UblkAbi.SECTOR_SHIFT || (writable && volume.readOnly())) {
            throw new UblkException(
                    "ublk device " + info.id() + " has " + (parameters.sectors() << UblkAbi.SECTOR_SHIFT)
                            + (writable ? " writable" : "") + " bytes and volume " + volume.name() + " has "
                            + volume.size() + (volume.readOnly() ? ", read-only" : ""),
                    Errno.EINVAL);
        }
    }

    /**
     * Makes the device one that is being recovered. The driver answers EBUSY as long as the old server's character device
     * is open, that is until its process and its rings are gone. Direct writes that are still on their way to the storage
     * then are another matter: whoever opened the volume has waited for them already, by the lock that they hold.
     */
    static void begin(final UblkControl control, final int id, final Duration patience) throws UblkException {
        long left = patience.toNanos();
        while (true) {
            try {
                control.startUserRecovery(id);
                return;
            } catch (final UblkException e) {
                if (e.errno() != Errno.EBUSY || left <= 0) {
                    throw e;
                }
            }
            LockSupport.parkNanos(RETRY_NANOS);
            left -= RETRY_NANOS;
        }
    }

    /** A fetched tag can be given back by nothing but the end of its ring, so what fails here is not undone. */
    static void end(final UblkControl control, final int id, final UblkQueues queues, final Duration patience)
            throws IOException {
        try {
            queues.awaitStart(patience);
            control.endUserRecovery(id, ProcessHandle.current().pid());
        } catch (final IOException e) {
            throw new IOException(
                    e.getMessage() + ". The takeover of ublk device " + id
                            + " stopped half way: end this process, and recover the device in the next one",
                    e);
        }
    }
}
