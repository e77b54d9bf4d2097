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

    /** Where the linker saves errno. */
    final MemorySegment capture;

    private final FileCalls files = new FileCalls(this);
    private final SocketCalls sockets = new SocketCalls(this);
    private final MemoryCalls memory = new MemoryCalls(this);
    private final ThreadCalls threads = new ThreadCalls(this);

    /** An instance for the calling thread, alive as long as {@code arena}. */
    public Libc(final Arena arena) {
        capture = arena.allocate(CAPTURE);
    }

    /** An instance for one short use on the control plane; its memory is reclaimed with it. */
    public static Libc transientInstance() {
        return new Libc(Arena.ofAuto());
    }

    static MethodHandle link(
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

    long result(final long returned) {
        return returned < 0 ? -(int) ERRNO.get(capture, 0L) : returned;
    }

    int result(final int returned) {
        return returned < 0 ? -(int) ERRNO.get(capture, 0L) : returned;
    }

    static AssertionError unexpected(final Throwable e) {
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

    /** Calls on files and descriptors. */
    public FileCalls files() {
        return files;
    }

    /** Calls on sockets. */
    public SocketCalls sockets() {
        return sockets;
    }

    /** Calls on memory mappings. */
    public MemoryCalls memory() {
        return memory;
    }

    /** Calls on threads, limits and events. */
    public ThreadCalls threads() {
        return threads;
    }
}
