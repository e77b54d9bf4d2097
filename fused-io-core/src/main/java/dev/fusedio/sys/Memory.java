package dev.fusedio.sys;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Loads and stores at absolute native addresses. Hot pointers travel as {@code long}: a {@link MemorySegment} argument
 * costs a liveness check of its session on every call. The addresses come from mappings that live as long as their loop.
 */
public final class Memory {
    private static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private static final ValueLayout.OfShort SHORT_BE =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt INT_BE = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfLong LONG_BE = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final VarHandle INT_ATOMIC = ValueLayout.JAVA_INT.varHandle();
    private static final VarHandle SHORT_ATOMIC = ValueLayout.JAVA_SHORT.varHandle();

    private Memory() {}

    public static byte getByte(final long address) {
        return ALL.get(ValueLayout.JAVA_BYTE, address);
    }

    public static void putByte(final long address, final byte value) {
        ALL.set(ValueLayout.JAVA_BYTE, address, value);
    }

    /** Native order, as kernel structures are. */
    public static short getShort(final long address) {
        return ALL.get(ValueLayout.JAVA_SHORT_UNALIGNED, address);
    }

    public static void putShort(final long address, final short value) {
        ALL.set(ValueLayout.JAVA_SHORT_UNALIGNED, address, value);
    }

    public static int getInt(final long address) {
        return ALL.get(ValueLayout.JAVA_INT_UNALIGNED, address);
    }

    public static void putInt(final long address, final int value) {
        ALL.set(ValueLayout.JAVA_INT_UNALIGNED, address, value);
    }

    public static long getLong(final long address) {
        return ALL.get(ValueLayout.JAVA_LONG_UNALIGNED, address);
    }

    public static void putLong(final long address, final long value) {
        ALL.set(ValueLayout.JAVA_LONG_UNALIGNED, address, value);
    }

    /** Network order, as the NBD wire is. */
    public static short getShortBe(final long address) {
        return ALL.get(SHORT_BE, address);
    }

    public static void putShortBe(final long address, final short value) {
        ALL.set(SHORT_BE, address, value);
    }

    public static int getIntBe(final long address) {
        return ALL.get(INT_BE, address);
    }

    public static void putIntBe(final long address, final int value) {
        ALL.set(INT_BE, address, value);
    }

    public static long getLongBe(final long address) {
        return ALL.get(LONG_BE, address);
    }

    public static void putLongBe(final long address, final long value) {
        ALL.set(LONG_BE, address, value);
    }

    /** A 4-byte aligned load that no later access passes: the reader's side of a ring's head or tail. */
    public static int getIntAcquire(final long address) {
        return (int) INT_ATOMIC.getAcquire(ALL, address);
    }

    /** A 4-byte aligned store that no earlier access passes: the writer's side of a ring's head or tail. */
    public static void putIntRelease(final long address, final int value) {
        INT_ATOMIC.setRelease(ALL, address, value);
    }

    public static void putShortRelease(final long address, final short value) {
        SHORT_ATOMIC.setRelease(ALL, address, value);
    }

    public static void copy(final long from, final long to, final long length) {
        MemorySegment.copy(ALL, from, ALL, to, length);
    }

    public static void fill(final long address, final long length, final byte value) {
        ALL.asSlice(address, length).fill(value);
    }

    public static void zero(final long address, final long length) {
        fill(address, length, (byte) 0);
    }

    /** Copies out of native memory. */
    public static void get(final long address, final byte[] target, final int offset, final int length) {
        MemorySegment.copy(ALL, ValueLayout.JAVA_BYTE, address, target, offset, length);
    }

    /** Copies into native memory. */
    public static void put(final long address, final byte[] source, final int offset, final int length) {
        MemorySegment.copy(source, offset, ALL, ValueLayout.JAVA_BYTE, address, length);
    }

    /** A view of native memory; the caller keeps it alive. */
    public static MemorySegment segment(final long address, final long length) {
        return ALL.asSlice(address, length);
    }
}
