package dev.fusedio.ublk;

import dev.fusedio.sys.Errno;

/** Error numbers as the block layer understands them. */
final class BlockErrors {
    private BlockErrors() {}

    /**
     * What to commit for an error of the storage's. {@code errno_to_blk_status()} in block/blk-core.c knows few numbers;
     * of those, some have a meaning of their own between a driver and the block layer (EAGAIN, EBUSY, ENOMEM, ENODEV)
     * which is not what a storage meant by them.
     *
     * @param errno positive
     * @return positive
     */
    static int ofBackend(final int errno) {
        return switch (errno) {
            case Errno.ENOSPC, Errno.EDQUOT, Errno.EFBIG -> Errno.ENOSPC; // file systems and people act on it
            case Errno.EOPNOTSUPP -> Errno.EOPNOTSUPP; // the block layer stops asking
            case Errno.ETIMEDOUT -> Errno.ETIMEDOUT;
            default -> Errno.EIO;
        };
    }
}
