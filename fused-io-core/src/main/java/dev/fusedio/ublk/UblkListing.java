package dev.fusedio.ublk;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A ublk device as it is found on this machine.
 *
 * @param id its number
 * @param path {@code /dev/ublkbN}, which is there while the device is not {@link State#DEAD}
 * @param bytes size; 0 when it was never told
 * @param state as the driver has it
 * @param serverPid the process that serves or served it
 * @param serverAlive whether that process lives
 * @param ours whether this program made it
 * @param mark compared with the volume's on recovery
 */
public record UblkListing(
        int id, Path path, long bytes, State state, long serverPid, boolean serverAlive, boolean ours, long mark) {
    /** UBLK_S_DEV_*. */
    public enum State {
        /** Not started, or stopped: no block device. */
        DEAD,
        /** Served. */
        LIVE,
        /** Its server is gone; requests wait for another. */
        QUIESCED,
        /** Its server is gone; requests fail. */
        FAIL_IO
    }

    static UblkListing of(final UblkDeviceInfo info, final long bytes) {
        return new UblkListing(
                info.id(),
                Path.of(UblkAbi.BLOCK_PREFIX + info.id()),
                bytes,
                switch (info.state()) {
                    case UblkAbi.S_DEV_LIVE -> State.LIVE;
                    case UblkAbi.S_DEV_QUIESCED -> State.QUIESCED;
                    case UblkAbi.S_DEV_FAIL_IO -> State.FAIL_IO;
                    default -> State.DEAD;
                },
                info.serverPid(),
                isAlive(info.serverPid()),
                info.isOurs(),
                info.mark());
    }

    /** Whether this program made it and nobody serves it any more: it may be recovered or removed. */
    public boolean isOrphan() {
        return ours && (!serverAlive || state == State.QUIESCED);
    }

    /** Whether it was made for the volume of that name. */
    public boolean isOf(final String volume) {
        return mark == UblkDeviceInfo.markOf(volume);
    }

    /** A process that has ended and whose parent has not noticed serves nothing. */
    private static boolean isAlive(final long pid) {
        if (pid <= 0) {
            return false;
        }
        try {
            final String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
            final char its = stat.charAt(stat.lastIndexOf(')') + 2); // behind the name, which may hold anything
            return its != 'Z' && its != 'X';
        } catch (final IOException e) {
            return false; // proc(5): no such process
        }
    }
}
