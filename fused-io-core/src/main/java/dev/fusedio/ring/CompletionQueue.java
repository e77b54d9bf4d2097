package dev.fusedio.ring;

import dev.fusedio.sys.Memory;

/** The consumer's side of the completion ring: plain reads between one acquire of the tail and one release of the head. */
final class CompletionQueue {
    private final long head;
    private final long tail;
    private final long cqes;
    private final int mask;
    private int ended;

    /**
     * @param ring address of the mapped ring
     * @param offsets address of {@code struct io_cqring_offsets}
     * @param entries a power of two
     */
    CompletionQueue(final long ring, final long offsets, final int entries) {
        this.head = ring + Memory.getInt(offsets + IoUring.CQ_HEAD);
        this.tail = ring + Memory.getInt(offsets + IoUring.CQ_TAIL);
        this.cqes = ring + Memory.getInt(offsets + IoUring.CQ_CQES);
        this.mask = entries - 1;
    }

    /** Operations whose last completion was drained, since the ring's beginning, modulo 2^32. */
    int ended() {
        return ended;
    }

    boolean isEmpty() {
        return Memory.getIntAcquire(tail) == Memory.getInt(head);
    }

    /** Hands over what is ready at the time of the call; the head moves once, even when {@code sink} throws. */
    int drain(final CompletionSink sink) {
        int at = Memory.getInt(head);
        final int end = Memory.getIntAcquire(tail);
        final int count = end - at;
        int last = 0;
        try {
            while (at != end) {
                final long cqe = cqes + (long) (at & mask) * IoUring.CQE_BYTES;
                final int flags = Memory.getInt(cqe + IoUring.CQE_FLAGS);
                at++;
                last += (flags & IoUring.CQE_F_MORE) == 0 ? 1 : 0;
                sink.onCompletion(Memory.getLong(cqe), Memory.getInt(cqe + IoUring.CQE_RES), flags);
            }
        } finally {
            Memory.putIntRelease(head, at);
            ended += last;
        }
        return count;
    }
}
