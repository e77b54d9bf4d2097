package dev.fusedio.sys;

import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * System calls on memory mappings, and their constants. One thread's, as the {@link Libc} that it belongs to: every method
 * returns what the kernel would, zero or more, or the negated error number.
 */
public final class MemoryCalls {
    /* asm-generic/mman-common.h */
    public static final int MADV_HUGEPAGE = 14;
    public static final int MAP_ANONYMOUS = 0x20;
    public static final int MAP_POPULATE = 0x8000;
    public static final int MAP_PRIVATE = 0x02;
    public static final int MAP_SHARED = 0x01;
    public static final int PROT_READ = 0x1;
    public static final int PROT_READ_WRITE = 0x1 | 0x2;

    private static final ValueLayout.OfInt I = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfLong L = ValueLayout.JAVA_LONG;

    private static final MethodHandle MMAP = Libc.link("mmap", 0, L, L, L, I, I, I, L);
    private static final MethodHandle MUNMAP = Libc.link("munmap", 0, I, L, L);
    private static final MethodHandle MADVISE = Libc.link("madvise", 0, I, L, L, I);

    private final Libc libc;

    MemoryCalls(final Libc libc) {
        this.libc = libc;
    }

    /** mmap(2): the address, or the negated error number. */
    public long mmap(final long length, final int protection, final int flags, final int fd, final long offset) {
        try {
            return libc.result((long) MMAP.invokeExact(libc.capture, 0L, length, protection, flags, fd, offset));
        } catch (final Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** munmap(2). */
    public int munmap(final long address, final long length) {
        try {
            return libc.result((int) MUNMAP.invokeExact(libc.capture, address, length));
        } catch (final Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** madvise(2). */
    public int madvise(final long address, final long length, final int advice) {
        try {
            return libc.result((int) MADVISE.invokeExact(libc.capture, address, length, advice));
        } catch (final Throwable t) {
            throw Libc.unexpected(t);
        }
    }
}
