package dev.fusedio.backend.file;

import dev.fusedio.fused.Direction;
import dev.fusedio.fused.FusedCommand;
import dev.fusedio.fused.RingFile;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.ring.IoUring;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.FileCalls;
import dev.fusedio.sys.Libc;
import dev.fusedio.sys.Memory;
import dev.fusedio.volume.BackendLane;
import dev.fusedio.volume.ExtentQuery;
import java.lang.foreign.Arena;
import java.util.ArrayDeque;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/**
 * A file on one core's ring. Reads go to the ring: the page cache answers within the submission, the disk later.
 * Buffered writes leave the ring where the file system can't take them without blocking; there the loop makes them
 * itself, which only copies to the page cache, as long as nothing is known that they would wait for:
 *
 * <ul>
 *   <li>no fallocate, fdatasync or durable write of this process is under way on the file ({@link FileActivity});
 *   <li>blocks that are covered in part are in the page cache, so that none is read first;
 *   <li>the last ones stayed within {@link #INLINE_BUDGET_NANOS}. One that doesn't (the kernel throttles writers when
 *       too much is dirty) sends those that follow to the kernel's workers for a while, the longer the more often.
 * </ul>
 */
public final class FileLane implements BackendLane {
    private static final long INLINE_BUDGET_NANOS = 2_000_000;
    private static final long INLINE_PENALTY_NANOS = 50_000_000;
    private static final long MAX_PENALTY_NANOS = 64 * INLINE_PENALTY_NANOS;

    /**
     * Bytes of an fallocate's first piece. Later ones are short enough for those who wait for the inode's lock and long
     * enough to cost little: 1 GiB in one extent takes microseconds, one block of a device that discards it milliseconds.
     */
    private static final long FIRST_PIECE = 1 << 20;

    private static final long MIN_PIECE = 64 << 10;

    /** A device may discard in units of several MiB, and frees no unit that is covered in part. */
    private static final long MIN_DEVICE_PIECE = 16 << 20;

    private static final long MAX_PIECE = 256 << 20;
    private static final long SHORT_PIECE_NANOS = 2_000_000;
    private static final long LONG_PIECE_NANOS = 8_000_000;

    private static final int PAGE = 4096;

    /** Look-ups of extents up to this many are made by the loop: they read what the file system has in memory. */
    private static final int INLINE_EXTENTS = 16;

    private final CoreLoop loop;
    private final FileBackend backend;
    private final OpenFile file;
    private final RingFile ringFile;
    private final Executor blocking;
    private final ExtentSearch.Seek seekHere;
    private final FileActivity activity;

    /** As {@link #ringFile}, for what a worker of the kernel is to begin, since the submission might block. */
    private final RingFile workerFile;

    private final long blockMask;
    private final ArrayDeque<SlowOperation> idle = new ArrayDeque<>();
    private final Arena arena = Arena.ofAuto(); // as long as the lane is reachable

    /** {@code struct iovec} of one byte, which lies behind it. */
    private final long oneByte = arena.allocate(24, 8).address();

    private long pieceBytes;
    private long penalty = INLINE_PENALTY_NANOS;
    private long inlineAgainAt;

    FileLane(final CoreLoop loop, final FileBackend backend, final OpenFile file, final Executor blocking) {
        this.backend = backend;
        this.loop = loop;
        this.file = file;
        this.blocking = blocking;
        this.seekHere = seek(loop.libc());
        this.activity = backend.activity();
        this.ringFile = RingFile.install(loop, file.fd());
        this.workerFile = new RingFile(ringFile.fd(), ringFile.sqeFlag() | IoUring.SQE_ASYNC);
        this.pieceBytes = file.blockDevice() ? MIN_DEVICE_PIECE : FIRST_PIECE;
        this.blockMask = Math.max(file.blockSize(), PAGE) - 1L;
        Memory.putLong(oneByte, oneByte + 16);
        Memory.putLong(oneByte + 8, 1);
        this.inlineAgainAt = loop.now();
    }

    @Override
    public int read(final FusedCommand command, final int offset, final int length, final long position) {
        // A page that isn't cached is read in under a lock of the page cache that a change of the file holds
        final RingFile by = activity.isChanging() ? workerFile : ringFile;
        final int result = command.read(by, position, offset, length);
        if (result == FusedCommand.PENDING) {
            loop.countBorrowed(length);
        }
        return result;
    }

    @Override
    public boolean writesInline() {
        return file.inlineWrites() && loop.now() - inlineAgainAt >= 0 && activity.isQuiet();
    }

    @Override
    public int write(
            final FusedCommand command,
            final int offset,
            final int length,
            final long position,
            final boolean durable) {
        loop.countBorrowed(length);
        if (!durable && (!command.inMemory() || !writesInline() || !hasItsBlocks(position, length))) {
            return command.write(ringFile, position, offset, length, 0);
        }
        final int refused = command.borrow(Direction.SRC, offset, length);
        if (refused != 0) {
            return refused;
        }
        if (durable && length > 0) {
            slowOperation().writeDurable(command, offset, length, position);
            return FusedCommand.PENDING;
        }
        final int result = writeInline(command.address(offset), length, position);
        command.giveBackNow(result);
        return result;
    }

    /** Whether no block has to be read from the disk because the range covers it in part. */
    private boolean hasItsBlocks(final long position, final int length) {
        final long end = position + length;
        return ((position & blockMask) == 0 || isCached(position & ~blockMask))
                && ((end & blockMask) == 0 || isCached(end & ~blockMask));
    }

    private boolean isCached(final long position) {
        return loop.libc().files().preadv2(file.fd(), oneByte, 1, position, FileCalls.RWF_NOWAIT) == 1;
    }

    private int writeInline(final long address, final int length, final long position) {
        final long begin = loop.preciseNow();
        int done = 0;
        while (done < length) {
            final long written = loop.libc().files().pwrite(file.fd(), address + done, length - done, position + done);
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
            if (end - inlineAgainAt > MAX_PENALTY_NANOS) {
                penalty = INLINE_PENALTY_NANOS; // that has not happened for long
            }
            inlineAgainAt = end + penalty;
            penalty = Math.min(2 * penalty, MAX_PENALTY_NANOS);
        }
    }

    private SlowOperation slowOperation() {
        final SlowOperation free = idle.pollFirst();
        return free == null ? new SlowOperation(this) : free;
    }

    /** Takes one back that has ended. */
    void recycle(final SlowOperation operation) {
        idle.addFirst(operation);
    }

    CoreLoop loop() {
        return loop;
    }

    FileActivity activity() {
        return activity;
    }

    RingFile ringFile() {
        return ringFile;
    }

    /** Bytes of an fallocate's next piece, a power of two. */
    long pieceBytes() {
        return pieceBytes;
    }

    /** Makes pieces shorter or longer by the time that one took. */
    void pieceTook(final long bytes, final long nanos) {
        if (nanos > LONG_PIECE_NANOS) {
            final long fitting = Long.highestOneBit(bytes * LONG_PIECE_NANOS / nanos);
            pieceBytes = Math.max(fitting, file.blockDevice() ? MIN_DEVICE_PIECE : MIN_PIECE);
        } else if (nanos < SHORT_PIECE_NANOS && bytes == pieceBytes) {
            pieceBytes = Math.min(2 * pieceBytes, MAX_PIECE);
        }
    }

    @Override
    public int flush(final FusedCommand command) {
        return slowOperation().sync(command);
    }

    @Override
    public int trim(final FusedCommand command, final long position, final long length) {
        return allocate(command, FileCalls.FALLOC_PUNCH_HOLE, position, length);
    }

    @Override
    public int zero(final FusedCommand command, final long position, final long length, final boolean mayTrim) {
        return allocate(command, mayTrim ? FileCalls.FALLOC_PUNCH_HOLE : FileCalls.FALLOC_ZERO_RANGE, position, length);
    }

    private int allocate(final FusedCommand command, final int mode, final long position, final long length) {
        if (activity.refuses(mode)) {
            return -Errno.EOPNOTSUPP;
        }
        backend.noteHoles();
        return slowOperation().allocate(command, mode | FileCalls.FALLOC_KEEP_SIZE, position, length);
    }

    @Override
    public int cache(final FusedCommand command, final long position, final int length) {
        return file.directAlignment() > 0
                ? 0
                : command.advise(ringFile, position, length, FileCalls.POSIX_FADV_WILLNEED);
    }

    @Override
    public void extents(final ExtentQuery query) {
        if (!file.canExtents() || !backend.mayHaveHoles()) {
            query.resetToData();
            query.onExtents(unlessShrunk(loop.libc(), query, 0));
            return;
        }
        if (query.limit() <= INLINE_EXTENTS && loop.now() - inlineAgainAt >= 0 && !activity.isChanging()) {
            final long begin = loop.preciseNow();
            final int result = unlessShrunk(loop.libc(), query, ExtentSearch.search(seekHere, query));
            chargeInline(begin);
            query.onExtents(result);
            return;
        }
        try {
            blocking.execute(new ExtentLookup(loop, query, () -> search(Libc.transientInstance(), query)));
        } catch (final RejectedExecutionException e) {
            query.resetToData(); // too many wait already; "data" is always a true answer
            query.onExtents(0);
        }
    }

    private ExtentSearch.Seek seek(final Libc libc) {
        return (position, whence) -> libc.files().lseek(file.fd(), position, whence);
    }

    private int search(final Libc libc, final ExtentQuery query) {
        return unlessShrunk(libc, query, ExtentSearch.search(seek(libc), query));
    }

    /**
     * A file that somebody has cut shorter: what is beyond its end is no hole but an error, as it is for reads. Asks for
     * nothing but the size, which takes no lock of the inode's. A block device's size does not change so.
     */
    private int unlessShrunk(final Libc libc, final ExtentQuery query, final int result) {
        final boolean shrunk = file.canExtents()
                && result == 0
                && libc.files().lseek(file.fd(), 0, FileCalls.SEEK_END) < query.position() + query.length();
        return shrunk ? -Errno.EIO : result;
    }

    @Override
    public void detach() {
        ringFile.remove(loop);
        idle.forEach(SlowOperation::dispose);
        idle.clear();
    }
}
