package dev.fusedio.fused;

import dev.fusedio.loop.CoreLoop;
import dev.fusedio.ring.IoUring;

/**
 * A file as one loop's ring addresses it: by its place in the ring's file table where there is room, else by descriptor.
 *
 * @param fd the descriptor, or the index in the table
 * @param sqeFlag IOSQE_FIXED_FILE for an index, else 0
 */
public record RingFile(int fd, int sqeFlag) {
    /** Installs {@code descriptor} in the loop's table if it can. The loop's thread only. */
    public static RingFile install(final CoreLoop loop, final int descriptor) {
        final int index = loop.driver().installFile(descriptor);
        return index >= 0 ? new RingFile(index, IoUring.SQE_FIXED_FILE) : new RingFile(descriptor, 0);
    }

    /** Gives the table's place back. The loop's thread only. */
    public void remove(final CoreLoop loop) {
        if (sqeFlag == IoUring.SQE_FIXED_FILE) {
            loop.driver().removeFile(fd);
        }
    }
}
