package dev.fusedio.backend.memory;

import dev.fusedio.fused.Direction;
import dev.fusedio.fused.FusedCommand;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.loop.Slices;
import dev.fusedio.loop.Turn;
import dev.fusedio.sys.Libc;
import dev.fusedio.sys.Mapping;
import dev.fusedio.sys.Memory;
import dev.fusedio.sys.SystemCallException;
import dev.fusedio.volume.Backend;
import dev.fusedio.volume.BackendCapabilities;
import dev.fusedio.volume.BackendLane;
import dev.fusedio.volume.ExtentQuery;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Volatile storage in this process's memory, sparse: for tests, benchmarks and scratch space. */
public final class MemoryBackend implements Backend {
    private static final long CHUNK = 1L << 30;
    private static final int PAGE = 4096;
    private static final int MADV_DONTNEED = 4;

    /** Bytes that are given back to the kernel in one turn: a millisecond's work at most, page by page. */
    private static final long CLEAR_BYTES = 16 << 20;

    private final List<Mapping> mappings = new ArrayList<>();
    private volatile long[] chunks = new long[0];
    private volatile long size;

    /** @param size bytes */
    public MemoryBackend(final long size) throws SystemCallException {
        grow(size);
    }

    @Override
    public String description() {
        return "memory";
    }

    @Override
    public BackendCapabilities capabilities() {
        return new BackendCapabilities(true, true, true, false, true, false, 0, false, false, 1, PAGE);
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public long allocatedBytes() {
        return size;
    }

    @Override
    public final synchronized void grow(final long newSize) throws SystemCallException {
        if (newSize < size) {
            throw new IllegalArgumentException("a volume of " + size + " bytes can't shrink to " + newSize);
        }
        final int wanted = (int) ((newSize + CHUNK - 1) / CHUNK);
        final Libc libc = Libc.transientInstance();
        while (mappings.size() < wanted) {
            mappings.add(Mapping.sparse(libc, CHUNK, "a memory volume"));
        }
        chunks = mappings.stream().mapToLong(Mapping::address).toArray();
        size = newSize;
    }

    @Override
    public BackendLane attach(final CoreLoop loop) {
        return new Lane(loop);
    }

    @Override
    public synchronized void close() throws IOException {
        mappings.forEach(Mapping::close);
        mappings.clear();
        chunks = new long[0];
    }

    private final class Lane implements BackendLane {
        private final CoreLoop loop;
        private final Slices slices;

        private Lane(final CoreLoop loop) {
            this.loop = loop;
            this.slices = new Slices(loop);
        }

        @Override
        public int read(final FusedCommand command, final int offset, final int length, final long position) {
            return copy(command, Direction.DEST, offset, length, position);
        }

        @Override
        public int write(
                final FusedCommand command,
                final int offset,
                final int length,
                final long position,
                final boolean durable) {
            return copy(command, Direction.SRC, offset, length, position);
        }

        private int copy(
                final FusedCommand command,
                final Direction way,
                final int offset,
                final int length,
                final long position) {
            final int refused = command.borrow(way, offset, length);
            if (refused != 0) {
                return refused;
            }
            final long buffer = command.address(offset);
            int done = 0;
            while (done < length) {
                final long at = position + done;
                final int part = (int) Math.min(length - done, CHUNK - at % CHUNK);
                final long store = chunks[(int) (at / CHUNK)] + at % CHUNK;
                if (way == Direction.DEST) {
                    Memory.copy(store, buffer + done, part);
                } else {
                    Memory.copy(buffer + done, store, part);
                }
                done += part;
            }
            loop.countCopied(length);
            command.giveBackNow(length);
            return length;
        }

        @Override
        public boolean writesInline() {
            return true;
        }

        @Override
        public int flush(final FusedCommand command) {
            return 0; // nothing is more durable than anything else here
        }

        @Override
        public int trim(final FusedCommand command, final long position, final long length) {
            return zero(command, position, length, true);
        }

        @Override
        public int zero(final FusedCommand command, final long position, final long length, final boolean mayTrim) {
            if (length <= CLEAR_BYTES) {
                clearRange(position, length);
                return 0;
            }
            final int held = command.hold();
            if (held == FusedCommand.PENDING) {
                slices.add(new Clearing(command, position, length));
            }
            return held;
        }

        private void clearRange(final long position, final long length) {
            long at = position;
            final long end = position + length;
            while (at < end) {
                final long part = Math.min(end - at, CHUNK - at % CHUNK);
                clear(chunks[(int) (at / CHUNK)] + at % CHUNK, part);
                at += part;
            }
        }

        /** Whole pages are given back to the kernel, which hands out zeroed ones; the edges are filled. */
        private void clear(final long address, final long length) {
            final long firstPage = (address + PAGE - 1) & -PAGE;
            final long lastPage = (address + length) & -PAGE;
            if (firstPage >= lastPage) {
                Memory.zero(address, length);
                return;
            }
            Memory.zero(address, firstPage - address);
            if (loop.libc().memory().madvise(firstPage, lastPage - firstPage, MADV_DONTNEED) < 0) {
                Memory.zero(firstPage, lastPage - firstPage);
            }
            Memory.zero(lastPage, address + length - lastPage);
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
            // holds nothing of the loop's
        }

        /** A long range on its way to zeroes. */
        private final class Clearing implements Turn {
            private final FusedCommand command;
            private long at;
            private long left;

            private Clearing(final FusedCommand command, final long position, final long length) {
                this.command = command;
                this.at = position;
                this.left = length;
            }

            @Override
            public void onTurn() {
                final long part = Math.min(left, CLEAR_BYTES);
                clearRange(at, part);
                at += part;
                left -= part;
                if (left > 0) {
                    slices.add(this);
                } else {
                    command.giveBack(0);
                }
            }
        }
    }
}
