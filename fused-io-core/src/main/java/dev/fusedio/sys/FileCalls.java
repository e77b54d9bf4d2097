package dev.fusedio.sys;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * System calls on files and descriptors, and their constants. One thread's, as the {@link Libc} that it belongs to: every method
 * returns what the kernel would, zero or more, or the negated error number.
 */
public final class FileCalls {
    /* asm-generic/fcntl.h, linux/fs.h, linux/falloc.h, linux/stat.h, linux/fadvise.h */
    /** {@code _IO(0x12, 94)}: whether a block device was set read-only. */
    public static final long BLKROGET = 0x125E;
    /** {@code _IO(0x12, 104)}: a block device's logical block size. */
    public static final long BLKSSZGET = 0x1268;

    public static final int FALLOC_KEEP_SIZE = 0x01;
    public static final int FALLOC_PUNCH_HOLE = 0x02;
    public static final int FALLOC_ZERO_RANGE = 0x10;
    public static final int FIONBIO = 0x5421;
    public static final int F_OFD_GETLK = 36;
    public static final int F_OFD_SETLK = 37;
    public static final int O_CLOEXEC = 0x80000;
    public static final int O_DIRECT = System.getProperty("os.arch").equals("aarch64") ? 0x10000 : 0x4000;
    public static final int O_EXCL = 0x80;
    public static final int O_NONBLOCK = 0x800;
    public static final int O_PATH = 0x20_0000;
    public static final int O_RDWR = 2;
    public static final int POSIX_FADV_WILLNEED = 3;
    public static final int RWF_DSYNC = 0x2;
    public static final int RWF_NOWAIT = 0x8;
    public static final int SEEK_DATA = 3;
    public static final int SEEK_END = 2;
    public static final int SEEK_HOLE = 4;
    public static final int S_IFBLK = 0x6000;
    public static final int S_IFMT = 0xF000;
    public static final int S_IFREG = 0x8000;

    private static final ValueLayout.OfInt I = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfLong L = ValueLayout.JAVA_LONG;

    private static final MethodHandle OPEN = Libc.link("open", 2, I, L, I, I);
    private static final MethodHandle CLOSE = Libc.link("close", 0, I, I);
    private static final MethodHandle PREAD = Libc.link("pread", 0, L, I, L, L, L);
    private static final MethodHandle PWRITE = Libc.link("pwrite", 0, L, I, L, L, L);
    private static final MethodHandle PREADV2 = Libc.link("preadv2", 0, L, I, L, I, L, I);
    private static final MethodHandle PWRITEV2 = Libc.link("pwritev2", 0, L, I, L, I, L, I);
    private static final MethodHandle FALLOCATE = Libc.link("fallocate", 0, I, I, I, L, L);
    private static final MethodHandle FTRUNCATE = Libc.link("ftruncate", 0, I, I, L);
    private static final MethodHandle FDATASYNC = Libc.link("fdatasync", 0, I, I);
    private static final MethodHandle LSEEK = Libc.link("lseek", 0, L, I, L, I);
    private static final MethodHandle STATX = Libc.link("statx", 0, I, I, L, I, I, L);
    private static final MethodHandle IOCTL = Libc.link("ioctl", 2, I, I, L, L);
    private static final MethodHandle FCNTL = Libc.link("fcntl", 2, I, I, I, L);
    private static final MethodHandle WRITE = Libc.link("write", 0, L, I, L, L);
    private static final MethodHandle READ = Libc.link("read", 0, L, I, L, L);
    private static final MethodHandle UNLINK = Libc.link("unlink", 0, I, L);

    private final Libc libc;

    FileCalls(final Libc libc) {
        this.libc = libc;
    }

    /** open(2). */
    public int open(final String path, final int flags, final int mode) {
        try (Arena arena = Arena.ofConfined()) {
            return open(arena.allocateFrom(path), flags, mode);
        }
    }

    /** open(2) of a path of any bytes, with its NUL. */
    public int open(final MemorySegment path, final int flags, final int mode) {
        try {
            return libc.result((int) OPEN.invokeExact(libc.capture, path.address(), flags, mode));
        } catch (final Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** close(2). Linux closes the descriptor even when it answers EINTR, so it is never retried. */
    public int close(final int fd) {
        try {
            return libc.result((int) CLOSE.invokeExact(libc.capture, fd));
        } catch (final Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** pread(2): bytes read, 0 at the end of the file. */
    public long pread(final int fd, final long address, final long length, final long position) {
        try {
            return libc.result((long) PREAD.invokeExact(libc.capture, fd, address, length, position));
        } catch (final Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** pwrite(2): bytes written. */
    public long pwrite(final int fd, final long address, final long length, final long position) {
        try {
            return libc.result((long) PWRITE.invokeExact(libc.capture, fd, address, length, position));
        } catch (final Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** preadv2(2) with vectors of {@code struct iovec} at {@code iovec}. */
    public long preadv2(final int fd, final long iovec, final int count, final long position, final int flags) {
        try {
            return libc.result((long) PREADV2.invokeExact(libc.capture, fd, iovec, count, position, flags));
        } catch (final Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** pwritev2(2) with one vector of {@code struct iovec} at {@code iovec}. */
    public long pwritev2(final int fd, final long iovec, final int count, final long position, final int flags) {
        try {
            return libc.result((long) PWRITEV2.invokeExact(libc.capture, fd, iovec, count, position, flags));
        } catch (final Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** fallocate(2). */
    public int fallocate(final int fd, final int mode, final long position, final long length) {
        try {
            return libc.result((int) FALLOCATE.invokeExact(libc.capture, fd, mode, position, length));
        } catch (final Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** ftruncate(2). */
    public int ftruncate(final int fd, final long length) {
        try {
            return libc.result((int) FTRUNCATE.invokeExact(libc.capture, fd, length));
        } catch (final Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** fdatasync(2). */
    public int fdatasync(final int fd) {
        try {
            return libc.result((int) FDATASYNC.invokeExact(libc.capture, fd));
        } catch (final Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** lseek(2); with SEEK_DATA 3 and SEEK_HOLE 4 the way to a file's extents. */
    public long lseek(final int fd, final long position, final int whence) {
        try {
            return libc.result((long) LSEEK.invokeExact(libc.capture, fd, position, whence));
        } catch (final Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** statx(2) of an open descriptor into the 256 bytes at {@code buffer}. */
    public int statx(final int fd, final int mask, final long buffer) {
        try (Arena arena = Arena.ofConfined()) {
            final int atEmptyPath = 0x1000;
            return libc.result((int)
                    STATX.invokeExact(libc.capture, fd, arena.allocateFrom("").address(), atEmptyPath, mask, buffer));
        } catch (final Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** ioctl(2) with a pointer or integer argument. */
    public int ioctl(final int fd, final long request, final long argument) {
        try {
            return libc.result((int) IOCTL.invokeExact(libc.capture, fd, request, argument));
        } catch (final Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** fcntl(2) with a pointer or integer argument. */
    public int fcntl(final int fd, final int command, final long argument) {
        try {
            return libc.result((int) FCNTL.invokeExact(libc.capture, fd, command, argument));
        } catch (final Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** write(2). */
    public long write(final int fd, final long address, final long length) {
        try {
            return libc.result((long) WRITE.invokeExact(libc.capture, fd, address, length));
        } catch (final Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** read(2). */
    public long read(final int fd, final long address, final long length) {
        try {
            return libc.result((long) READ.invokeExact(libc.capture, fd, address, length));
        } catch (final Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** unlink(2). */
    public int unlink(final String path) {
        try (Arena arena = Arena.ofConfined()) {
            return libc.result((int)
                    UNLINK.invokeExact(libc.capture, arena.allocateFrom(path).address()));
        } catch (final Throwable t) {
            throw Libc.unexpected(t);
        }
    }
}
