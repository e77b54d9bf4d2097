package dev.fusedio.ublk;

import dev.fusedio.fused.FusedCommand;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.ring.IoUring;
import dev.fusedio.ring.Sqe;
import dev.fusedio.sys.Errno;

/**
 * A block request's pages on their way to or from the leased buffer of its command, by reading or writing their place on the
 * character device; plain buffers only (EACCES else). The loop's thread only.
 */
final class PageCopy {
    private final UblkQueue queue;
    private final int tag;
    private final FusedCommand command;
    private final long userData;
    private boolean toMemory;
    private int length;
    private int copied;

    /** @param command lends its buffer to the copy while that is under way */
    PageCopy(final UblkQueue queue, final int tag, final FusedCommand command, final long userData) {
        this.queue = queue;
        this.tag = tag;
        this.command = command;
        this.userData = userData;
    }

    void start(final boolean intoMemory, final int bytes) {
        toMemory = intoMemory;
        length = bytes;
        copied = 0;
        submit();
    }

    private void submit() {
        Sqe.prepare(
                queue.loop().driver().sqe(),
                toMemory ? IoUring.OP_READ : IoUring.OP_WRITE,
                queue.file().sqeFlag(),
                0,
                queue.file().fd(),
                UblkAbi.userCopyPosition(queue.index(), tag, copied),
                command.address(copied),
                length - copied,
                0,
                0,
                userData);
    }

    /**
     * Takes a completion in.
     *
     * @return {@link FusedCommand#PENDING} when the rest was submitted, else the whole length or a negated error number
     */
    int advance(final int result) {
        if (result > 0) {
            copied += result;
        } else if (result != -Errno.EAGAIN && result != -Errno.EINTR) {
            return result == 0 ? -Errno.EIO : result;
        }
        if (copied < length) {
            submit();
            return FusedCommand.PENDING;
        }
        final CoreLoop loop = queue.loop();
        loop.countCopied(copied);
        return length;
    }
}
