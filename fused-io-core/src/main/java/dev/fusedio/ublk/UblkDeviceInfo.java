package dev.fusedio.ublk;

import static dev.fusedio.ublk.UblkAbi.F_URING_CMD_COMP_IN_TASK;

import dev.fusedio.sys.Memory;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;

/**
 * {@code struct ublksrv_ctrl_dev_info}.
 *
 * @param id the device's number; -1 asks for any
 * @param queues 1 to 4096
 * @param depth block requests of a queue at once, 1 to 4096
 * @param maxIoBytes longest block request
 * @param state UBLK_S_DEV_*
 * @param serverPid the process that serves it, as the driver was told; 0 or -1 for none
 * @param flags UBLK_F_*
 * @param mark what its server left there for itself; the driver does not look at it
 */
record UblkDeviceInfo(int id, int queues, int depth, int maxIoBytes, int state, int serverPid, long flags, long mark) {
    /** Marks a device as made by this program; below it is the checksum of the volume's name. */
    private static final long MAGIC = 0x6675_7365L << 32; // "fuse"

    private static final long MAGIC_MASK = 0xFFFF_FFFFL << 32;

    /** What is asked of the driver. */
    static UblkDeviceInfo wanted(final UblkOptions options, final int queues, final long flags, final String volume) {
        return new UblkDeviceInfo(
                options.id(),
                queues,
                options.depth(),
                options.maxIoBytes(),
                UblkAbi.S_DEV_DEAD,
                0,
                flags | F_URING_CMD_COMP_IN_TASK | UblkAbi.F_CMD_IOCTL_ENCODE,
                markOf(volume));
    }

    /** The mark of a device that is made for the volume of that name. */
    static long markOf(final String volume) {
        final CRC32 sum = new CRC32();
        sum.update(volume.getBytes(StandardCharsets.UTF_8));
        return MAGIC | sum.getValue();
    }

    /** Whether this program made the device, in whatever process. */
    boolean isOurs() {
        return (mark & MAGIC_MASK) == MAGIC;
    }

    boolean has(final long wanted) {
        return (flags & wanted) == wanted;
    }

    void write(final long at) {
        Memory.zero(at, UblkAbi.DEV_INFO_BYTES);
        Memory.putShort(at + UblkAbi.INFO_NR_HW_QUEUES, (short) queues);
        Memory.putShort(at + UblkAbi.INFO_QUEUE_DEPTH, (short) depth);
        Memory.putInt(at + UblkAbi.INFO_MAX_IO_BUF_BYTES, maxIoBytes);
        Memory.putInt(at + UblkAbi.INFO_DEV_ID, id);
        Memory.putInt(at + UblkAbi.INFO_SRV_PID, serverPid);
        Memory.putLong(at + UblkAbi.INFO_FLAGS, flags);
        Memory.putLong(at + UblkAbi.INFO_SRV_FLAGS, mark);
    }

    static UblkDeviceInfo read(final long at) {
        return new UblkDeviceInfo(
                Memory.getInt(at + UblkAbi.INFO_DEV_ID),
                Memory.getShort(at + UblkAbi.INFO_NR_HW_QUEUES) & 0xFFFF,
                Memory.getShort(at + UblkAbi.INFO_QUEUE_DEPTH) & 0xFFFF,
                Memory.getInt(at + UblkAbi.INFO_MAX_IO_BUF_BYTES),
                Memory.getShort(at + UblkAbi.INFO_STATE) & 0xFFFF,
                Memory.getInt(at + UblkAbi.INFO_SRV_PID),
                Memory.getLong(at + UblkAbi.INFO_FLAGS),
                Memory.getLong(at + UblkAbi.INFO_SRV_FLAGS));
    }
}
