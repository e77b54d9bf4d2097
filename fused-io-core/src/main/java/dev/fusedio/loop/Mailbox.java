package dev.fusedio.loop;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A bounded queue of tasks from any thread to one loop. A cell's sequence number tells whose turn it is, so that neither
 * side takes a lock.
 */
final class Mailbox {
    private static final VarHandle SEQUENCE = MethodHandles.arrayElementVarHandle(long[].class);

    private final @Nullable Runnable[] cells;
    private final long[] sequences;
    private final int mask;
    private final AtomicLong tail = new AtomicLong();
    private long head;

    /** @param capacity a power of two */
    Mailbox(final int capacity) {
        if (Integer.bitCount(capacity) != 1) {
            throw new IllegalArgumentException("mailbox capacity " + capacity + " is not a power of two");
        }
        cells = new Runnable[capacity];
        sequences = new long[capacity];
        mask = capacity - 1;
        for (int i = 0; i < capacity; i++) {
            sequences[i] = i;
        }
    }

    /** Adds a task. Any thread. False when the box is full. */
    boolean offer(final Runnable task) {
        while (true) {
            final long at = tail.get();
            final int index = (int) at & mask;
            final long turn = (long) SEQUENCE.getAcquire(sequences, index) - at;
            if (turn < 0) {
                return false;
            }
            if (turn == 0 && tail.compareAndSet(at, at + 1)) {
                cells[index] = task;
                SEQUENCE.setRelease(sequences, index, at + 1);
                return true;
            }
        }
    }

    /** Takes the oldest task, or null. The loop's thread only. */
    @Nullable Runnable poll() {
        final int index = (int) head & mask;
        if ((long) SEQUENCE.getAcquire(sequences, index) != head + 1) {
            return null;
        }
        final Runnable task = cells[index];
        cells[index] = null;
        SEQUENCE.setRelease(sequences, index, head + cells.length);
        head++;
        return task;
    }

    /** Whether there is nothing to take. The loop's thread only. */
    boolean isEmpty() {
        return (long) SEQUENCE.getAcquire(sequences, (int) head & mask) != head + 1;
    }
}
