package dev.fusedio.sys;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.charset.StandardCharsets;

/**
 * The C library's system call wrappers that this project uses. An instance holds the segment into which the linker
 * saves {@code errno} and therefore belongs to <b>one thread</b>; a core loop has its own. Every method returns what the
 * kernel would: zero or more, or the negated error number.
 *
 * <p>No call is linked as {@code critical}: that would keep the whole JVM from reaching a safepoint for as long as the
 * call blocks.
 */
public final class Libc {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final StructLayout CAPTURE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO = CAPTURE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
    private static final MemorySegment SYMBOL_STRERROR = LINKER.defaultLookup().findOrThrow("strerror");

    private static final ValueLayout.OfInt I = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfLong L = ValueLayout.JAVA_LONG;

    private static final MethodHandle STRERROR = LINKER.downcallHandle(
            SYMBOL_STRERROR,
            FunctionDescriptor.of(
                    ValueLayout.ADDRESS.withTargetLayout(MemoryLayout.sequenceLayout(256, ValueLayout.JAVA_BYTE)), I));

    /** {@code long syscall(long number, ...)} with six arguments. */
    private static final MethodHandle SYSCALL = LINKER.downcallHandle(
            LINKER.defaultLookup().findOrThrow("syscall"),
            FunctionDescriptor.of(L, L, L, L, L, L, L, L),
            Linker.Option.firstVariadicArg(1),
            Linker.Option.captureCallState("errno"));

    private static final MethodHandle OPEN = link("open", 2, I, L, I, I);
    private static final MethodHandle CLOSE = link("close", 0, I, I);
    private static final MethodHandle PREAD = link("pread", 0, L, I, L, L, L);
    private static final MethodHandle PWRITE = link("pwrite", 0, L, I, L, L, L);
    private static final MethodHandle PREADV2 = link("preadv2", 0, L, I, L, I, L, I);
    private static final MethodHandle PWRITEV2 = link("pwritev2", 0, L, I, L, I, L, I);
    private static final MethodHandle FALLOCATE = link("fallocate", 0, I, I, I, L, L);
    private static final MethodHandle FTRUNCATE = link("ftruncate", 0, I, I, L);
    private static final MethodHandle FDATASYNC = link("fdatasync", 0, I, I);
    private static final MethodHandle LSEEK = link("lseek", 0, L, I, L, I);
    private static final MethodHandle STATX = link("statx", 0, I, I, L, I, I, L);
    private static final MethodHandle IOCTL = link("ioctl", 2, I, I, L, L);
    private static final MethodHandle FCNTL = link("fcntl", 2, I, I, I, L);
    private static final MethodHandle MMAP = link("mmap", 0, L, L, L, I, I, I, L);
    private static final MethodHandle MUNMAP = link("munmap", 0, I, L, L);
    private static final MethodHandle MADVISE = link("madvise", 0, I, L, L, I);
    private static final MethodHandle EVENTFD = link("eventfd", 0, I, I, I);
    private static final MethodHandle WRITE = link("write", 0, L, I, L, L);
    private static final MethodHandle READ = link("read", 0, L, I, L, L);
    private static final MethodHandle SOCKET = link("socket", 0, I, I, I, I);
    private static final MethodHandle SOCKETPAIR = link("socketpair", 0, I, I, I, I, L);
    private static final MethodHandle BIND = link("bind", 0, I, I, L, I);
    private static final MethodHandle POLL = link("poll", 0, I, L, L, I);
    private static final MethodHandle CONNECT = link("connect", 0, I, I, L, I);
    private static final MethodHandle LISTEN = link("listen", 0, I, I, I);
    private static final MethodHandle SHUTDOWN = link("shutdown", 0, I, I, I);
    private static final MethodHandle SETSOCKOPT = link("setsockopt", 0, I, I, I, I, L, I);
    private static final MethodHandle GETSOCKNAME = link("getsockname", 0, I, I, L, L);
    private static final MethodHandle GETPEERNAME = link("getpeername", 0, I, I, L, L);
    private static final MethodHandle UNLINK = link("unlink", 0, I, L);
    private static final MethodHandle SETAFFINITY = link("sched_setaffinity", 0, I, I, L, L);
    private static final MethodHandle GETAFFINITY = link("sched_getaffinity", 0, I, I, L, L);
    private static final MethodHandle GETRLIMIT = link("getrlimit", 0, I, I, L);
    private static final MethodHandle UNAME = link("uname", 0, I, L);

    private final MemorySegment capture;

    /** An instance for the calling thread, alive as long as {@code arena}. */
    public Libc(final Arena arena) {
        capture = arena.allocate(CAPTURE);
    }

    /** An instance for one short use on the control plane; its memory is reclaimed with it. */
    public static Libc transientInstance() {
        return new Libc(Arena.ofAuto());
    }

    private static MethodHandle link(
            final String name, final int firstVariadic, final MemoryLayout result, final MemoryLayout... arguments) {
        final MemorySegment symbol = LINKER.defaultLookup().findOrThrow(name);
        final FunctionDescriptor descriptor = FunctionDescriptor.of(result, arguments);
        return firstVariadic > 0
                ? LINKER.downcallHandle(
                        symbol,
                        descriptor,
                        Linker.Option.firstVariadicArg(firstVariadic),
                        Linker.Option.captureCallState("errno"))
                : LINKER.downcallHandle(symbol, descriptor, Linker.Option.captureCallState("errno"));
    }

    /** The C library's text for an error number. Any thread (glibc's strerror is thread-safe for known numbers). */
    public static String describe(final int errno) {
        try {
            final MemorySegment text = (MemorySegment) STRERROR.invokeExact(Math.abs(errno));
            return text.getString(0, StandardCharsets.UTF_8);
        } catch (final Throwable e) {
            throw unexpected(e);
        }
    }

    private long result(final long returned) {
        return returned < 0 ? -(int) ERRNO.get(capture, 0L) : returned;
    }

    private int result(final int returned) {
        return returned < 0 ? -(int) ERRNO.get(capture, 0L) : returned;
    }

    private static AssertionError unexpected(final Throwable e) {
        if (e instanceof Error error) {
            throw error;
        }
        return new AssertionError("a linked C function threw", e);
    }

    /** A raw system call, for those without a wrapper in the C library (io_uring's three). */
    public long syscall(
            final long number, final long a, final long b, final long c, final long d, final long e, final long f) {
        try {
            return result((long) SYSCALL.invokeExact(capture, number, a, b, c, d, e, f));
        } catch (final Throwable t) {
            throw unexpected(t);
        }
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
            return result((int) OPEN.invokeExact(capture, path.address(), flags, mode));
        } catch (final Throwable t) {
            throw unexpected(t);
        }
    }

    /** close(2). Linux closes the descriptor even when it answers EINTR, so it is never retried. */
    public int close(final int fd) {
        try {
            return result((int) CLOSE.invokeExact(capture, fd));
        } catch (final Throwable t) {
            throw unexpected(t);
        }
    }

    /** pread(2): bytes read, 0 at the end of the file. */
    public long pread(final int fd, final long address, final long length, final long position) {
        try {
            return result((long) PREAD.invokeExact(capture, fd, address, length, position));
        } catch (final Throwable t) {
            throw unexpected(t);
        }
    }

    /** pwrite(2): bytes written. */
    public long pwrite(final int fd, final long address, final long length, final long position) {
        try {
            return result((long) PWRITE.invokeExact(capture, fd, address, length, position));
        } catch (final Throwable t) {
            throw unexpected(t);
        }
    }

    /** preadv2(2) with vectors of {@code struct iovec} at {@code iovec}. */
    public long preadv2(final int fd, final long iovec, final int count, final long position, final int flags) {
        try {
            return result((long) PREADV2.invokeExact(capture, fd, iovec, count, position, flags));
        } catch (final Throwable t) {
            throw unexpected(t);
        }
    }

    /** pwritev2(2) with one vector of {@code struct iovec} at {@code iovec}. */
    public long pwritev2(final int fd, final long iovec, final int count, final long position, final int flags) {
        try {
            return result((long) PWRITEV2.invokeExact(capture, fd, iovec, count, position, flags));
        } catch (final Throwable t) {
            throw unexpected(t);
        }
    }

    /** fallocate(2). */
    public int fallocate(final int fd, final int mode, final long position, final long length) {
        try {
            return result((int) FALLOCATE.invokeExact(capture, fd, mode, position, length));
        } catch (final Throwable t) {
            throw unexpected(t);
        }
    }

    /** ftruncate(2). */
    public int ftruncate(final int fd, final long length) {
        try {
            return result((int) FTRUNCATE.invokeExact(capture, fd, length));
        } catch (final Throwable t) {
            throw unexpected(t);
        }
    }

    /** fdatasync(2). */
    public int fdatasync(final int fd) {
        try {
            return result((int) FDATASYNC.invokeExact(capture, fd));
        } catch (final Throwable t) {
            throw unexpected(t);
        }
    }

    /** lseek(2); with SEEK_DATA 3 and SEEK_HOLE 4 the way to a file's extents. */
    public long lseek(final int fd, final long position, final int whence) {
        try {
            return result((long) LSEEK.invokeExact(capture, fd, position, whence));
        } catch (final Throwable t) {
            throw unexpected(t);
        }
    }

    /** statx(2) of an open descriptor into the 256 bytes at {@code buffer}. */
    public int statx(final int fd, final int mask, final long buffer) {
        try (Arena arena = Arena.ofConfined()) {
            final int atEmptyPath = 0x1000;
            return result(
                    (int) STATX.invokeExact(capture, fd, arena.allocateFrom("").address(), atEmptyPath, mask, buffer));
        } catch (final Throwable t) {
            throw unexpected(t);
        }
    }

    /** ioctl(2) with a pointer or integer argument. */
    public int ioctl(final int fd, final long request, final long argument) {
        try {
            return result((int) IOCTL.invokeExact(capture, fd, request, argument));
        } catch (final Throwable t) {
            throw unexpected(t);
        }
    }

    /** fcntl(2) with a pointer or integer argument. */
    public int fcntl(final int fd, final int command, final long argument) {
        try {
            return result((int) FCNTL.invokeExact(capture, fd, command, argument));
        } catch (final Throwable t) {
            throw unexpected(t);
        }
    }

    /** mmap(2): the address, or the negated error number. */
    public long mmap(final long length, final int protection, final int flags, final int fd, final long offset) {
        try {
            return result((long) MMAP.invokeExact(capture, 0L, length, protection, flags, fd, offset));
        } catch (final Throwable t) {
            throw unexpected(t);
        }
    }

    /** munmap(2). */
    public int munmap(final long address, final long length) {
        try {
            return result((int) MUNMAP.invokeExact(capture, address, length));
        } catch (final Throwable t) {
            throw unexpected(t);
        }
    }

    /** madvise(2). */
    public int madvise(final long address, final long length, final int advice) {
        try {
            return result((int) MADVISE.invokeExact(capture, address, length, advice));
        } catch (final Throwable t) {
            throw unexpected(t);
        }
    }

    /** eventfd(2). */
    public int eventfd(final int initial, final int flags) {
        try {
            return result((int) EVENTFD.invokeExact(capture, initial, flags));
        } catch (final Throwable t) {
            throw unexpected(t);
        }
    }

    /** write(2). */
    public long write(final int fd, final long address, final long length) {
        try {
            return result((long) WRITE.invokeExact(capture, fd, address, length));
        } catch (final Throwable t) {
            throw unexpected(t);
        }
    }

    /** read(2). */
    public long read(final int fd, final long address, final long length) {
        try {
            return result((long) READ.invokeExact(capture, fd, address, length));
        } catch (final Throwable t) {
            throw unexpected(t);
        }
    }

    /** socket(2). */
    public int socket(final int domain, final int type, final int protocol) {
        try {
            return result((int) SOCKET.invokeExact(capture, domain, type, protocol));
        } catch (final Throwable t) {
            throw unexpected(t);
        }
    }

    /** socketpair(2); {@code pair} is the address of two ints. */
    public int socketpair(final int domain, final int type, final int protocol, final long pair) {
        try {
            return result((int) SOCKETPAIR.invokeExact(capture, domain, type, protocol, pair));
        } catch (final Throwable t) {
            throw unexpected(t);
        }
    }

    /** bind(2). */
    public int bind(final int fd, final long address, final int length) {
        try {
            return result((int) BIND.invokeExact(capture, fd, address, length));
        } catch (final Throwable t) {
            throw unexpected(t);
        }
    }

    /** connect(2). */
    public int connect(final int fd, final long address, final int length) {
        try {
            return result((int) CONNECT.invokeExact(capture, fd, address, length));
        } catch (final Throwable t) {
            throw unexpected(t);
        }
    }

    /** poll(2) of {@code count} {@code struct pollfd} at {@code fds}; negative milliseconds wait without limit. */
    public int poll(final long fds, final long count, final int millis) {
        try {
            return result((int) POLL.invokeExact(capture, fds, count, millis));
        } catch (final Throwable t) {
            throw unexpected(t);
        }
    }

    /** listen(2). */
    public int listen(final int fd, final int backlog) {
        try {
            return result((int) LISTEN.invokeExact(capture, fd, backlog));
        } catch (final Throwable t) {
            throw unexpected(t);
        }
    }

    /** shutdown(2): 0 SHUT_RD, 1 SHUT_WR, 2 SHUT_RDWR. */
    public int shutdown(final int fd, final int how) {
        try {
            return result((int) SHUTDOWN.invokeExact(capture, fd, how));
        } catch (final Throwable t) {
            throw unexpected(t);
        }
    }

    /** setsockopt(2) of an integer option. */
    public int setsockopt(final int fd, final int level, final int option, final int value) {
        try (Arena arena = Arena.ofConfined()) {
            return result((int) SETSOCKOPT.invokeExact(
                    capture, fd, level, option, arena.allocateFrom(I, value).address(), 4));
        } catch (final Throwable t) {
            throw unexpected(t);
        }
    }

    /** getsockname(2); {@code length} is the address of a {@code socklen_t}. */
    public int getsockname(final int fd, final long address, final long length) {
        try {
            return result((int) GETSOCKNAME.invokeExact(capture, fd, address, length));
        } catch (final Throwable t) {
            throw unexpected(t);
        }
    }

    /** getpeername(2); {@code length} is the address of a {@code socklen_t}. */
    public int getpeername(final int fd, final long address, final long length) {
        try {
            return result((int) GETPEERNAME.invokeExact(capture, fd, address, length));
        } catch (final Throwable t) {
            throw unexpected(t);
        }
    }

    /** unlink(2). */
    public int unlink(final String path) {
        try (Arena arena = Arena.ofConfined()) {
            return result(
                    (int) UNLINK.invokeExact(capture, arena.allocateFrom(path).address()));
        } catch (final Throwable t) {
            throw unexpected(t);
        }
    }

    /** sched_setaffinity(2) of the calling thread. */
    public int schedSetaffinity(final long mask, final long length) {
        try {
            return result((int) SETAFFINITY.invokeExact(capture, 0, length, mask));
        } catch (final Throwable t) {
            throw unexpected(t);
        }
    }

    /** sched_getaffinity(2) of the calling thread. */
    public int schedGetaffinity(final long mask, final long length) {
        try {
            return result((int) GETAFFINITY.invokeExact(capture, 0, length, mask));
        } catch (final Throwable t) {
            throw unexpected(t);
        }
    }

    /** getrlimit(2) into two 64-bit words, soft and hard. */
    public int getrlimit(final int resource, final long limits) {
        try {
            return result((int) GETRLIMIT.invokeExact(capture, resource, limits));
        } catch (final Throwable t) {
            throw unexpected(t);
        }
    }

    /** uname(2) into six fields of 65 bytes. */
    public int uname(final long buffer) {
        try {
            return result((int) UNAME.invokeExact(capture, buffer));
        } catch (final Throwable t) {
            throw unexpected(t);
        }
    }
}
