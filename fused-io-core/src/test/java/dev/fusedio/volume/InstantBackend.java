package dev.fusedio.volume;

import dev.fusedio.fused.Direction;
import dev.fusedio.fused.FusedCommand;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.sys.Errno;

/**
 * Storage of any size that keeps nothing: every operation ends at once, zeroing is not supported, and writes are counted.
 */
public final class InstantBackend implements Backend {
    private final long size;
    private long writes;
    private long written;

    public InstantBackend(final long size) {
        this.size = size;
    }

    /** Writes so far. */
    public long writes() {
        return writes;
    }

    /** Bytes of them. */
    public long written() {
        return written;
    }

    @Override
    public String description() {
        return "nothing";
    }

    @Override
    public BackendCapabilities capabilities() {
        return new BackendCapabilities(true, true, true, false, true, false, 0, false, false, 1, 4096);
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public long allocatedBytes() {
        return 0;
    }

    @Override
    public void grow(final long newSize) {
        throw new UnsupportedOperationException("its size is fixed");
    }

    @Override
    public BackendLane attach(final CoreLoop loop) {
        return new Lane();
    }

    @Override
    public void close() {
        // holds nothing
    }

    private final class Lane implements BackendLane {
        @Override
        public int read(final FusedCommand command, final int offset, final int length, final long position) {
            return lend(command, Direction.DEST, offset, length);
        }

        @Override
        public int write(
                final FusedCommand command,
                final int offset,
                final int length,
                final long position,
                final boolean durable) {
            writes++;
            written += length;
            return lend(command, Direction.SRC, offset, length);
        }

        private static int lend(final FusedCommand command, final Direction way, final int offset, final int length) {
            final int refused = command.borrow(way, offset, length);
            if (refused == 0) {
                command.giveBackNow(length);
            }
            return refused;
        }

        @Override
        public boolean writesInline() {
            return true;
        }

        @Override
        public int flush(final FusedCommand command) {
            return 0;
        }

        @Override
        public int trim(final FusedCommand command, final long position, final long length) {
            return 0;
        }

        @Override
        public int zero(final FusedCommand command, final long position, final long length, final boolean mayTrim) {
            return -Errno.EOPNOTSUPP;
        }

        @Override
        public int cache(final FusedCommand command, final long position, final int length) {
            return 0;
        }

        @Override
        public void extents(final ExtentQuery query) {
            query.resetToData();
            query.onExtents(0);
        }

        @Override
        public void detach() {
            // holds nothing
        }
    }
}
