package dev.fusedio.backend.file;

import dev.fusedio.sys.Errno;
import dev.fusedio.sys.FileCalls;
import dev.fusedio.volume.ExtentQuery;

/**
 * Finds a file's data and holes with SEEK_DATA and SEEK_HOLE. The file may change between two calls, so their answers
 * need not fit together; what doesn't fit is reported as data, which is always a true answer.
 */
final class ExtentSearch {

    /** Bytes that are skipped as data where the file changed meanwhile: no file system's holes are shorter. */
    private static final long CHANGED_BYTES = 4096;

    private ExtentSearch() {}

    /** lseek(2) on the file. */
    @FunctionalInterface
    interface Seek {
        /** Returns a position, or a negated error number. */
        long seek(long position, int whence);
    }

    /**
     * Fills the query's answer, from its position on: one extent at least, and with few seeks, so that the answer ends
     * early where extents of one kind were joined.
     *
     * @return 0, or a negated error number
     */
    static int search(final Seek file, final ExtentQuery query) {
        final long end = query.position() + query.length();
        long at = query.position();
        for (int steps = 2 * query.limit(); steps > 0 && at < end && !query.isFull(); steps--) {
            final long data = file.seek(at, FileCalls.SEEK_DATA);
            if (data == -Errno.ENXIO) {
                query.add(end - at, ExtentQuery.HOLE_AND_ZERO);
                return 0;
            }
            if (data < 0) {
                return (int) data;
            }
            if (data > at) {
                query.add(Math.min(data, end) - at, ExtentQuery.HOLE_AND_ZERO);
                at = Math.min(data, end);
                continue;
            }
            long hole = file.seek(at, FileCalls.SEEK_HOLE);
            if (hole < 0) {
                return (int) hole;
            }
            if (hole <= at) { // the block that held data became a hole between the two seeks
                hole = (at / CHANGED_BYTES + 1) * CHANGED_BYTES;
            }
            query.add(Math.min(hole, end) - at, ExtentQuery.DATA);
            at = Math.min(hole, end);
        }
        return 0;
    }
}
