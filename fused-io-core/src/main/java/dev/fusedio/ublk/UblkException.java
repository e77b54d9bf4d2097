package dev.fusedio.ublk;

import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Libc;
import java.io.IOException;

/** A ublk device can't be had, or not be treated so; the message says what to do. */
public final class UblkException extends IOException {
    private static final long serialVersionUID = 1L;

    private final int errno;

    UblkException(final String message, final int errno) {
        super(message);
        this.errno = Math.abs(errno);
    }

    /** The error number behind it, positive; 0 when there was none. */
    public int errno() {
        return errno;
    }

    /** Whether it is the kernel or a privilege that is missing, and ublk can't be used here at all. */
    public boolean isUnavailable() {
        return errno == Errno.ENOENT || errno == Errno.EPERM || errno == Errno.EACCES || errno == Errno.EOPNOTSUPP;
    }

    /** Explains why the control device could not be opened. */
    static UblkException ofOpening(final int errno) {
        final String what = "open " + UblkAbi.CONTROL_PATH + ": " + describe(errno) + ". ";
        return new UblkException(
                what
                        + switch (Math.abs(errno)) {
                            case Errno.ENOENT, Errno.ENODEV, Errno.ENXIO ->
                                "The kernel's ublk driver is not there: modprobe ublk_drv (Linux 6.5 or newer, built with"
                                        + " CONFIG_BLK_DEV_UBLK); in a container, give it the device";
                            case Errno.EACCES, Errno.EPERM ->
                                "ublk devices are made by root: run with CAP_SYS_ADMIN; in a container, privileged";
                            default -> "See the kernel's log";
                        },
                errno == -Errno.ENODEV || errno == -Errno.ENXIO ? Errno.ENOENT : errno);
    }

    /** Explains what a control command answered. */
    static UblkException ofCommand(final String command, final int id, final int errno) {
        final String on = id < 0 ? "" : " on ublk device " + id;
        return new UblkException(command + on + ": " + describe(errno) + remedy(command, Math.abs(errno)), errno);
    }

    private static String remedy(final String command, final int errno) {
        final boolean namesProcess = command.equals("START_DEV") || command.equals("END_USER_RECOVERY");
        if (namesProcess && errno == Errno.EINVAL) {
            // fixed in 7.0, "ublk: fix ublksrv pid handling for pid namespaces"
            return ". In a container, this kernel wants the host's process numbers: share them (docker: --pid=host,"
                    + " Kubernetes: hostPID)";
        }
        return switch (errno) {
            case Errno.EPERM, Errno.EACCES -> ". It needs CAP_SYS_ADMIN: run as root; in a container, privileged";
            case Errno.ENODEV -> ". There is no such device";
            case Errno.EEXIST -> ". A device of that number exists: choose another, recover it or remove it";
            case Errno.EBUSY -> ". The device is in use, or the process that served it has not ended yet";
            case Errno.EOPNOTSUPP -> ". This kernel's driver does not have the command";
            case Errno.EINVAL -> ". The driver refuses what was asked for";
            case Errno.ENOSPC, Errno.ENOMEM -> ". There is no room for another device";
            default -> "";
        };
    }

    private static String describe(final int errno) {
        return Libc.describe(errno) + " (" + Errno.name(errno) + ")";
    }
}
