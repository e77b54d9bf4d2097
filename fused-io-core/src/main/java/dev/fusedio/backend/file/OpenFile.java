package dev.fusedio.backend.file;

import dev.fusedio.sys.Errno;
import dev.fusedio.sys.FileCalls;
import dev.fusedio.sys.Libc;
import dev.fusedio.sys.Memory;
import dev.fusedio.sys.SystemCallException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/**
 * A file or block device that was opened and looked at.
 *
 * @param fd the descriptor, the holder's to close
 * @param path as it was asked for
 * @param blockDevice or else a regular file
 * @param size bytes
 * @param logicalBlock bytes to which a block device's ranges are aligned; 1 for a file
 * @param blockSize bytes that the file system prefers
 * @param directAlignment bytes to which offsets and lengths are aligned for O_DIRECT; 0 where that isn't possible
 * @param canExtents whether SEEK_HOLE works
 * @param sparse whether parts of the file had no storage when it was opened
 * @param inlineWrites whether buffered writes are better made by the loop than given to the ring, found by trying
 * @param zeroesFast whether this file system punches holes, found by trying; a block device may write zeroes one by one
 */
public record OpenFile(
        int fd,
        Path path,
        boolean blockDevice,
        long size,
        int logicalBlock,
        int blockSize,
        int directAlignment,
        boolean canExtents,
        boolean sparse,
        boolean inlineWrites,
        boolean zeroesFast) {

    /** Reads don't change the access time, for which they would wait for the journal. The owner's privilege. */
    private static final int O_NOATIME = 0x40000;

    private static final int O_TMPFILE =
            0x400000 | (System.getProperty("os.arch").equals("aarch64") ? 0x4000 : 0x10000);

    /* struct statx, include/uapi/linux/stat.h */
    private static final int STATX_BYTES = 256;
    private static final int STATX_BASIC_STATS = 0x7ff;
    private static final int STATX_DIOALIGN = 0x2000;
    private static final int STX_MASK = 0;
    private static final int STX_BLKSIZE = 4;
    private static final int STX_MODE = 28;
    private static final int STX_SIZE = 40;
    private static final int STX_BLOCKS = 48;
    private static final int STX_DIO_OFFSET_ALIGN = 156;

    /**
     * Opens {@code path}.
     *
     * @throws IOException naming the path and the reason
     */
    static OpenFile open(final Path path, final boolean readOnly, final boolean direct) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            final Libc libc = new Libc(arena);
            final int flags =
                    (readOnly ? 0 : FileCalls.O_RDWR) | FileCalls.O_CLOEXEC | (direct ? FileCalls.O_DIRECT : 0);
            final int noatime = libc.files().open(path.toString(), flags | O_NOATIME, 0);
            final int fd = (int) SystemCallException.check(
                    noatime == -Errno.EPERM ? libc.files().open(path.toString(), flags, 0) : noatime,
                    "open " + path + (readOnly ? " for reading" : "") + (direct ? " with O_DIRECT" : ""));
            try {
                return examine(libc, arena, fd, path, readOnly, direct);
            } catch (final IOException | RuntimeException e) {
                libc.files().close(fd);
                throw e;
            }
        }
    }

    private static OpenFile examine(
            final Libc libc,
            final Arena arena,
            final int fd,
            final Path path,
            final boolean readOnly,
            final boolean direct)
            throws IOException {
        final long statx = arena.allocate(STATX_BYTES, 8).address();
        SystemCallException.check(libc.files().statx(fd, STATX_BASIC_STATS | STATX_DIOALIGN, statx), "statx " + path);
        final int type = Memory.getShort(statx + STX_MODE) & FileCalls.S_IFMT;
        if (type != FileCalls.S_IFREG && type != FileCalls.S_IFBLK) {
            throw new IOException(path + " is neither a regular file nor a block device");
        }
        final boolean block = type == FileCalls.S_IFBLK;
        final long size = block
                ? SystemCallException.check(libc.files().lseek(fd, 0, FileCalls.SEEK_END), "find the size of " + path)
                : Memory.getLong(statx + STX_SIZE);
        final boolean alignmentKnown = (Memory.getInt(statx + STX_MASK) & STATX_DIOALIGN) != 0;
        final int alignment = alignmentKnown
                ? Memory.getInt(statx + STX_DIO_OFFSET_ALIGN)
                : Math.clamp(Memory.getInt(statx + STX_BLKSIZE), 512, 65536); // before Linux 6.1: a safe guess
        if (direct && (alignment == 0 || size % alignment != 0)) {
            throw new IOException(
                    alignment == 0
                            ? path + ": this file system has no direct I/O; open it buffered"
                            : path + ": its size of " + size + " bytes is not a multiple of " + alignment
                                    + " as direct I/O needs; grow it or open it buffered");
        }
        final int logicalBlock = block ? logicalBlock(libc, arena, fd) : 1;
        final long data = block ? -Errno.EINVAL : libc.files().lseek(fd, 0, FileCalls.SEEK_DATA);
        final FileSystemTrial trial =
                block || readOnly ? FileSystemTrial.NONE : FileSystemTrial.beside(libc, arena, path);
        return new OpenFile(
                fd,
                path,
                block,
                size,
                logicalBlock,
                Math.clamp(Integer.highestOneBit(Math.max(Memory.getInt(statx + STX_BLKSIZE), 512)), 512, 65536),
                direct ? alignment : 0,
                data >= 0 || data == -Errno.ENXIO,
                Memory.getLong(statx + STX_BLOCKS) * 512 < size,
                !direct && !readOnly && (block || !trial.buffersWithoutWaiting()),
                trial.punchesHoles());
    }

    /**
     * What a file system can, tried on a nameless file beside the volume.
     *
     * @param buffersWithoutWaiting whether it takes buffered writes without blocking (XFS, Btrfs). Where it doesn't
     *     (ext4), the ring would hand each write to a kernel worker, one at a time.
     * @param punchesHoles whether a range becomes zeroes without being written
     */
    private record FileSystemTrial(boolean buffersWithoutWaiting, boolean punchesHoles) {
        private static final FileSystemTrial NONE = new FileSystemTrial(false, false);

        private static FileSystemTrial beside(final Libc libc, final Arena arena, final Path path) throws IOException {
            final Path parent = path.toRealPath().getParent(); // the file's, where the path is a symbolic link
            final int fd =
                    libc.files().open(String.valueOf(parent), O_TMPFILE | FileCalls.O_RDWR | FileCalls.O_CLOEXEC, 0600);
            if (fd < 0) {
                return NONE;
            }
            try {
                final MemorySegment page = arena.allocate(4096, 4096);
                final long iovec = arena.allocate(16, 8).address();
                Memory.putLong(iovec, page.address());
                Memory.putLong(iovec + 8, page.byteSize());
                libc.files().pwrite(fd, page.address(), page.byteSize(), 0); // allocates, so that the trial overwrites
                return new FileSystemTrial(
                        libc.files().pwritev2(fd, iovec, 1, 0, FileCalls.RWF_NOWAIT) == page.byteSize(),
                        libc.files()
                                        .fallocate(
                                                fd,
                                                FileCalls.FALLOC_PUNCH_HOLE | FileCalls.FALLOC_KEEP_SIZE,
                                                0,
                                                page.byteSize())
                                == 0);
            } finally {
                libc.files().close(fd);
            }
        }
    }

    private static int logicalBlock(final Libc libc, final Arena arena, final int fd) {
        final long answer = arena.allocate(4, 4).address();
        return libc.files().ioctl(fd, FileCalls.BLKSSZGET, answer) < 0 ? 512 : Memory.getInt(answer);
    }

    /** Whether this is a block device that was set read-only ({@code blockdev --setro}): it opens for writing all the same. */
    static boolean isReadOnlyDevice(final OpenFile file) {
        if (!file.blockDevice) {
            return false;
        }
        try (Arena arena = Arena.ofConfined()) {
            final long answer = arena.allocate(4, 4).address();
            return new Libc(arena).files().ioctl(file.fd, FileCalls.BLKROGET, answer) == 0
                    && Memory.getInt(answer) != 0;
        }
    }

    /** Bytes that the file takes up on its file system. */
    static long allocated(final int fd, final Path path) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            final long statx = arena.allocate(STATX_BYTES, 8).address();
            SystemCallException.check(new Libc(arena).files().statx(fd, STATX_BASIC_STATS, statx), "statx " + path);
            return Memory.getLong(statx + STX_BLOCKS) * 512;
        }
    }
}
