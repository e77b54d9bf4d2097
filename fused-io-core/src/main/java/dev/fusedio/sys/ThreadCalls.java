package dev.fusedio.sys;

import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * System calls on threads, limits and events, and their constants. One thread's, as the {@link Libc} that it belongs to: every method
 * returns what the kernel would, zero or more, or the negated error number.
 */
public final class ThreadCalls {
    /* sys/eventfd.h, asm-generic/resource.h */
    public static final int EFD_CLOEXEC = 0x80000;
    public static final int RLIMIT_MEMLOCK = 8;
    public static final int RLIMIT_NOFILE = 7;

    private static final ValueLayout.OfInt I = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfLong L = ValueLayout.JAVA_LONG;

    private static final MethodHandle EVENTFD = Libc.link("eventfd", 0, I, I, I);
    private static final MethodHandle SETAFFINITY = Libc.link("sched_setaffinity", 0, I, I, L, L);
    private static final MethodHandle GETAFFINITY = Libc.link("sched_getaffinity", 0, I, I, L, L);
    private static final MethodHandle GETRLIMIT = Libc.link("getrlimit", 0, I, I, L);
    private static final MethodHandle UNAME = Libc.link("uname", 0, I, L);

    private final Libc libc;

    ThreadCalls(final Libc libc) {
        this.libc = libc;
    }

    /** eventfd(2). */
    public int eventfd(final int initial, final int flags) {
        try {
            return libc.result((int) EVENTFD.invokeExact(libc.capture, initial, flags));
        } catch (final Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** sched_setaffinity(2) of the calling thread. */
    public int schedSetaffinity(final long mask, final long length) {
        try {
            return libc.result((int) SETAFFINITY.invokeExact(libc.capture, 0, length, mask));
        } catch (final Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** sched_getaffinity(2) of the calling thread. */
    public int schedGetaffinity(final long mask, final long length) {
        try {
            return libc.result((int) GETAFFINITY.invokeExact(libc.capture, 0, length, mask));
        } catch (final Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** getrlimit(2) into two 64-bit words, soft and hard. */
    public int getrlimit(final int resource, final long limits) {
        try {
            return libc.result((int) GETRLIMIT.invokeExact(libc.capture, resource, limits));
        } catch (final Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** uname(2) into six fields of 65 bytes. */
    public int uname(final long buffer) {
        try {
            return libc.result((int) UNAME.invokeExact(libc.capture, buffer));
        } catch (final Throwable t) {
            throw Libc.unexpected(t);
        }
    }
}
