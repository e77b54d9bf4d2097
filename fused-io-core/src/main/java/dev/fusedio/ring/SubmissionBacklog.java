package dev.fusedio.ring;

import dev.fusedio.sys.Libc;
import dev.fusedio.sys.Mapping;
import dev.fusedio.sys.Memory;
import dev.fusedio.sys.SystemCallException;
import org.jspecify.annotations.Nullable;

/**
 * Submission entries that found no room in the ring, oldest first. The memory is mapped at first need, doubles when it
 * is full, and is kept: a second shortage of the same size allocates nothing.
 */
final class SubmissionBacklog implements AutoCloseable {
    private static final int FIRST_ENTRIES = 64; // one page

    private final Libc libc;
    private @Nullable Mapping memory;
    private int capacity;
    private int head;
    private int count;

    /** @param libc the thread's own */
    SubmissionBacklog(final Libc libc) {
        this.libc = libc;
    }

    int count() {
        return count;
    }

    /** The address of a new entry behind all others. */
    long append() {
        if (count == capacity) {
            grow();
        }
        return address(count++);
    }

    /** Copies the oldest entry to {@code target} and drops it here. */
    void moveFirst(final long target) {
        Memory.copy(address(0), target, IoUring.SQE_BYTES);
        head = (head + 1) & (capacity - 1);
        count--;
    }

    /** Entries of the oldest chain: one, and those that it links to. At least one must be here. */
    int firstChain() {
        int length = 1;
        while (length < count && SubmissionQueue.isLinked(address(length - 1))) {
            length++;
        }
        return length;
    }

    private long address(final int index) {
        if (memory == null) {
            throw new IllegalStateException("the backlog has no memory");
        }
        return memory.address() + (long) ((head + index) & (capacity - 1)) * IoUring.SQE_BYTES;
    }

    private void grow() {
        final int wanted = capacity == 0 ? FIRST_ENTRIES : Math.multiplyExact(capacity, 2);
        final Mapping larger;
        try {
            larger = Mapping.anonymous(libc, (long) wanted * IoUring.SQE_BYTES, "waiting submissions");
        } catch (final SystemCallException e) {
            throw new IllegalStateException("no memory for submissions that wait for the kernel", e);
        }
        for (int i = 0; i < count; i++) {
            Memory.copy(address(i), larger.address() + (long) i * IoUring.SQE_BYTES, IoUring.SQE_BYTES);
        }
        close();
        memory = larger;
        capacity = wanted;
        head = 0;
    }

    @Override
    public void close() {
        if (memory != null) {
            memory.close();
        }
    }
}
