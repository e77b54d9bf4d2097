package dev.fusedio.fused;

import dev.fusedio.loop.CoreLoop;
import dev.fusedio.ring.IoUring;
import dev.fusedio.ring.Sqe;
import dev.fusedio.sys.Errno;

/**
 * A secondary that reads or writes a file: short transfers are continued until all is done or an errno ends it (rule 5
 * of the contract).
 */
public final class FileTransfer {
    private int opcode;
    private int fd;
    private int sqeFlag;
    private int rwFlags;
    private int bufIndex;
    private long position;
    private long address;
    private int remaining;
    private int total;

    /**
     * Begins.
     *
     * @param fixedIndex the registered buffer's, or negative for memory that isn't registered
     */
    public void start(
            final CoreLoop loop,
            final Direction direction,
            final int fixedIndex,
            final RingFile file,
            final long at,
            final long from,
            final int length,
            final int flags,
            final long userData) {
        opcode = direction == Direction.DEST
                ? fixedIndex >= 0 ? IoUring.OP_READ_FIXED : IoUring.OP_READ
                : fixedIndex >= 0 ? IoUring.OP_WRITE_FIXED : IoUring.OP_WRITE;
        bufIndex = Math.max(fixedIndex, 0);
        fd = file.fd();
        sqeFlag = file.sqeFlag();
        rwFlags = flags;
        position = at;
        address = from;
        remaining = length;
        total = length;
        submit(loop, userData);
    }

    private void submit(final CoreLoop loop, final long userData) {
        Sqe.prepare(
                loop.driver().sqe(), opcode, sqeFlag, 0, fd, position, address, remaining, rwFlags, bufIndex, userData);
    }

    /**
     * Takes a completion in.
     *
     * @return {@link FusedCommand#PENDING} when the rest was submitted, else the whole length or a negated error number
     */
    public int advance(final CoreLoop loop, final int result, final long userData) {
        if (result > 0) {
            if (result > remaining) {
                throw new IllegalStateException("a transfer of " + remaining + " bytes completed with " + result);
            }
            position += result;
            address += result;
            remaining -= result;
            if (remaining == 0) {
                return total;
            }
        } else if (result == 0) {
            return -Errno.EIO; // the file ends before the volume does: it was cut behind our back
        } else if (result != -Errno.EAGAIN && result != -Errno.EINTR) {
            return result;
        }
        submit(loop, userData);
        return FusedCommand.PENDING;
    }
}
