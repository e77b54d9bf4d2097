package dev.fusedio.loop;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Monotonic counts that one thread writes and any thread reads. Opaque access: a plain move on the processor, yet every
 * reader sees whole values that only grow.
 */
public final class Counters {
    private static final VarHandle CELL = MethodHandles.arrayElementVarHandle(long[].class);

    /** Cells kept free on both sides, so that no other object's line is shared with the writer's. */
    private static final int PAD = 16;

    private final long[] cells;

    /** @param size how many counters */
    public Counters(final int size) {
        cells = new long[PAD + size + PAD];
    }

    /** Adds. The owning thread only. */
    public void add(final int index, final long amount) {
        CELL.setOpaque(cells, PAD + index, cells[PAD + index] + amount);
    }

    /** Sets, for counts that are kept elsewhere. The owning thread only. */
    public void set(final int index, final long value) {
        CELL.setOpaque(cells, PAD + index, value);
    }

    /** Reads. Any thread. */
    public long get(final int index) {
        return (long) CELL.getOpaque(cells, PAD + index);
    }
}
