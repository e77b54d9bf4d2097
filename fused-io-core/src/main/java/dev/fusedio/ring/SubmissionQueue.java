package dev.fusedio.ring;

import dev.fusedio.sys.Libc;
import dev.fusedio.sys.Memory;

/**
 * The producer's side of the submission ring: entries are written plainly and published by one release store.
 *
 * <p>What finds no room, because the kernel took nothing from a full ring, waits in a {@link SubmissionBacklog}. From
 * then on all new entries go there until it is empty, so that the order stays. Chains of linked entries move to the
 * ring as a whole: the kernel ends a chain where a submission ends.
 */
final class SubmissionQueue implements AutoCloseable {
    private final long head;
    private final long tail;
    private final long flags;
    private final long sqes;
    private final int entries;
    private final SubmissionBacklog backlog;
    private int next;
    private int published;

    /** Whether new entries go to the backlog. */
    private boolean waiting;

    /**
     * @param libc the thread's own
     * @param ring address of the mapped ring
     * @param offsets address of {@code struct io_sqring_offsets}
     * @param sqes address of the entries
     * @param entries a power of two
     * @param indexed whether the ring has an index array, which then is filled once with the identity
     */
    SubmissionQueue(
            final Libc libc,
            final long ring,
            final long offsets,
            final long sqes,
            final int entries,
            final boolean indexed) {
        this.backlog = new SubmissionBacklog(libc);
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

    /**
     * Whether {@code count} entries can be written without another attempt to submit: into the ring, or behind those
     * that wait already.
     */
    boolean hasRoom(final int count) {
        return waiting || free() >= count;
    }

    /** Decides, after an attempt to submit, where the next {@code count} entries go: all of them to the same place. */
    void settle(final int count) {
        if (free() < count) {
            waiting = true;
        }
    }

    private int free() {
        return entries - inRing();
    }

    /** Entries in the ring that the kernel has not taken. */
    private int inRing() {
        return next - Memory.getIntAcquire(head);
    }

    /** Entries the kernel has taken since the ring's beginning, modulo 2^32. */
    int taken() {
        return Memory.getIntAcquire(head);
    }

    /** The address of the next entry. */
    long next() {
        return waiting || free() == 0 ? nextWaiting() : slot(next++);
    }

    private long nextWaiting() {
        waiting = true;
        return backlog.append();
    }

    private long slot(final int position) {
        return sqes + (long) (position & (entries - 1)) * IoUring.SQE_BYTES;
    }

    /** Entries written that the kernel has not taken. */
    int pending() {
        return inRing() + backlog.count();
    }

    /** Whether entries wait outside the ring. */
    boolean hasBacklog() {
        return backlog.count() > 0;
    }

    /** Publishes what was written, in order and as far as there is room, and returns how many the kernel has to take. */
    int publish() {
        if (waiting) {
            fill();
        }
        if (published != next) {
            Memory.putIntRelease(tail, next);
            published = next;
        }
        return inRing();
    }

    private void fill() {
        int room = free();
        while (backlog.count() > 0) {
            final int chain = Math.min(backlog.firstChain(), entries);
            if (chain > room) {
                return;
            }
            for (int i = 0; i < chain; i++) {
                backlog.moveFirst(slot(next++));
            }
            room -= chain;
        }
        waiting = false;
    }

    /**
     * After a submission that ended early. When it ended within a chain, the kernel has begun what it took of it, and
     * would begin the rest without waiting for that. The rest is made to fail instead, as it does when the part before
     * it fails: its first entry with -EBADF, the others with -ECANCELED.
     */
    void repairTornChain() {
        final int first = Memory.getIntAcquire(head);
        if (first == published || !isLinked(slot(first - 1))) {
            return;
        }
        final long sqe = slot(first);
        Sqe.prepare(
                sqe,
                IoUring.OP_READ,
                Memory.getByte(sqe + IoUring.SQE_FLAGS) & IoUring.SQE_IO_LINK,
                0,
                -1,
                0,
                0,
                0,
                0,
                0,
                Memory.getLong(sqe + IoUring.SQE_USER_DATA));
    }

    static boolean isLinked(final long sqe) {
        return (Memory.getByte(sqe + IoUring.SQE_FLAGS) & IoUring.SQE_IO_LINK) != 0;
    }

    /** Whether the kernel holds completions back because the completion ring is full. */
    boolean overflowed() {
        return (Memory.getIntAcquire(flags) & IoUring.SQ_CQ_OVERFLOW) != 0;
    }

    @Override
    public void close() {
        backlog.close();
    }
}
