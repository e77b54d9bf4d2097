package dev.fusedio.ring;

import dev.fusedio.sys.Memory;

/** The producer's side of the submission ring: entries are written plainly and published by one release store. */
final class SubmissionQueue {
    private final long head;
    private final long tail;
    private final long flags;
    private final long sqes;
    private final int entries;
    private int next;
    private int published;

    /**
     * @param ring address of the mapped ring
     * @param offsets address of {@code struct io_sqring_offsets}
     * @param sqes address of the entries
     * @param entries a power of two
     * @param indexed whether the ring has an index array, which then is filled once with the identity
     */
    SubmissionQueue(final long ring, final long offsets, final long sqes, final int entries, final boolean indexed) {
        this.head = ring + Memory.getInt(offsets + IoUring.SQ_HEAD);
        this.tail = ring + Memory.getInt(offsets + IoUring.SQ_TAIL);
        this.flags = ring + Memory.getInt(offsets + IoUring.SQ_FLAGS);
        this.sqes = sqes;
        this.entries = entries;
        if (indexed) {
            final long array = ring + Memory.getInt(offsets + IoUring.SQ_ARRAY);
            for (int i = 0; i < entries; i++) {
                Memory.putInt(array + 4L * i, i);
            }
        }
    }

    int entries() {
        return entries;
    }

    /** Entries free for use, given what the kernel has consumed. */
    int free() {
        return entries - (next - Memory.getIntAcquire(head));
    }

    /** The next entry's address; {@link #free} must be positive. */
    long next() {
        return sqes + (long) (next++ & (entries - 1)) * IoUring.SQE_BYTES;
    }

    /** Entries written since the last {@link #publish}. */
    int unpublished() {
        return next - published;
    }

    /** Publishes what was written and returns how many entries the kernel has yet to take. */
    int publish() {
        if (published != next) {
            Memory.putIntRelease(tail, next);
            published = next;
        }
        return next - Memory.getIntAcquire(head);
    }

    /** Whether the kernel holds completions back because the completion ring is full. */
    boolean overflowed() {
        return (Memory.getIntAcquire(flags) & IoUring.SQ_CQ_OVERFLOW) != 0;
    }
}
