package dev.fusedio.backend.file;

import dev.fusedio.fused.Direction;
import dev.fusedio.fused.FusedCommand;
import dev.fusedio.fused.RingFile;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Libc;
import dev.fusedio.volume.BackendLane;
import dev.fusedio.volume.ExtentQuery;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/**
 * A file on one core's ring. Reads go to the ring: the page cache answers within the submission, the disk later.
 * Buffered writes leave the ring where the file system can't take them without blocking; there the loop makes them
 * itself, which only copies to the page cache, as long as they stay within {@link #INLINE_BUDGET_NANOS}. One that
 * doesn't (the kernel throttles writers when too much is dirty) sends those that follow to the kernel's workers for a
 * while.
 */
public final class FileLane implements BackendLane {
    private static final long INLINE_BUDGET_NANOS = 2_000_000;
    private static final long INLINE_PENALTY_NANOS = 50_000_000;

    /** Look-ups of extents up to this many are made by the loop: they read what the file system has in memory. */
    private static final int INLINE_EXTENTS = 16;

    private static final int RWF_DSYNC = 0x2;
    private static final int FALLOC_KEEP_SIZE = 0x01;
    private static final int FALLOC_PUNCH_HOLE = 0x02;
    private static final int FALLOC_ZERO_RANGE = 0x10;
    private static final int POSIX_FADV_WILLNEED = 3;

    private final CoreLoop loop;
    private final FileBackend backend;
    private final OpenFile file;
    private final RingFile ringFile;
    private final Executor blocking;
    private final ExtentSearch.Seek seekHere;
    private long inlineAgainAt;

    FileLane(final CoreLoop loop, final FileBackend backend, final OpenFile file, final Executor blocking) {
        this.backend = backend;
        this.loop = loop;
        this.file = file;
        this.blocking = blocking;
        this.seekHere = seek(loop.libc());
        this.ringFile = RingFile.install(loop, file.fd());
        this.inlineAgainAt = loop.now();
    }

    @Override
    public int read(final FusedCommand command, final int offset, final int length, final long position) {
        final int result = command.read(ringFile, position, offset, length);
        if (result == FusedCommand.PENDING) {
            loop.countBorrowed(length);
        }
        return result;
    }

    @Override
    public boolean writesInline() {
        return file.inlineWrites() && loop.now() - inlineAgainAt >= 0;
    }

    @Override
    public int write(
            final FusedCommand command,
            final int offset,
            final int length,
            final long position,
            final boolean durable) {
        loop.countBorrowed(length);
        if (durable || !command.inMemory() || !writesInline()) {
            return command.write(ringFile, position, offset, length, durable ? RWF_DSYNC : 0);
        }
        final int refused = command.borrow(Direction.SRC, offset, length);
        if (refused != 0) {
            return refused;
        }
        final int result = writeInline(command.address(offset), length, position);
        command.giveBackNow(result);
        return result;
    }

    private int writeInline(final long address, final int length, final long position) {
        final long begin = loop.preciseNow();
        int done = 0;
        while (done < length) {
            final long written = loop.libc().pwrite(file.fd(), address + done, length - done, position + done);
            if (written > 0) {
                done += (int) written;
            } else if (written == 0) {
                return -Errno.EIO;
            } else if (written != -Errno.EINTR) {
                return (int) written;
            }
        }
        chargeInline(begin);
        return length;
    }

    /** What took longer than it may goes elsewhere for a while. */
    private void chargeInline(final long begin) {
        final long end = loop.preciseNow();
        if (end - begin > INLINE_BUDGET_NANOS) {
            inlineAgainAt = end + INLINE_PENALTY_NANOS;
        }
    }

    @Override
    public int flush(final FusedCommand command) {
        return command.dataSync(ringFile);
    }

    @Override
    public int trim(final FusedCommand command, final long position, final long length) {
        backend.noteHoles();
        return command.allocate(ringFile, FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE, position, length);
    }

    @Override
    public int zero(final FusedCommand command, final long position, final long length, final boolean mayTrim) {
        backend.noteHoles();
        final int mode = (mayTrim ? FALLOC_PUNCH_HOLE : FALLOC_ZERO_RANGE) | FALLOC_KEEP_SIZE;
        return command.allocate(ringFile, mode, position, length);
    }

    @Override
    public int cache(final FusedCommand command, final long position, final int length) {
        return file.directAlignment() > 0 ? 0 : command.advise(ringFile, position, length, POSIX_FADV_WILLNEED);
    }

    @Override
    public void extents(final ExtentQuery query) {
        if (!file.canExtents() || !backend.mayHaveHoles()) {
            query.resetToData();
            query.onExtents(0);
            return;
        }
        if (query.limit() <= INLINE_EXTENTS && loop.now() - inlineAgainAt >= 0) {
            final long begin = loop.preciseNow();
            final int result = ExtentSearch.search(seekHere, query);
            chargeInline(begin);
            query.onExtents(result);
            return;
        }
        try {
            blocking.execute(new ExtentLookup(loop, query, () -> seek(Libc.transientInstance())));
        } catch (final RejectedExecutionException e) {
            query.resetToData(); // too many wait already; "data" is always a true answer
            query.onExtents(0);
        }
    }

    private ExtentSearch.Seek seek(final Libc libc) {
        return (position, whence) -> libc.lseek(file.fd(), position, whence);
    }

    @Override
    public void detach() {
        ringFile.remove(loop);
    }
}
