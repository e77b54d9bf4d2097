package dev.fusedio.ring;

import dev.fusedio.sys.Memory;
import java.util.BitSet;

/** The kernel's side of a ring of provided buffers: it moves the head, the program moves the tail. */
final class SimulatedBuffers {
    private final long ring;
    private final int entries;
    private short head;

    SimulatedBuffers(final long ring, final int entries) {
        this.ring = ring;
        this.entries = entries;
    }

    /** Buffers on offer. One that is on offer twice would be handed to two receives. */
    int available() {
        final int offered = (Memory.getShort(ring + IoUring.BUF_RING_TAIL) - head) & 0xFFFF;
        if (offered > entries) {
            throw new AssertionError(offered + " provided buffers on offer in a ring of " + entries);
        }
        final BitSet seen = new BitSet();
        for (int i = 0; i < offered; i++) {
            final int id = Memory.getShort(entry(i) + IoUring.BUF_BID) & 0xFFFF;
            if (seen.get(id)) {
                throw new AssertionError("provided buffer " + id + " is on offer twice");
            }
            seen.set(id);
        }
        return offered;
    }

    long address() {
        return Memory.getLong(entry(0));
    }

    int length() {
        return Memory.getInt(entry(0) + IoUring.BUF_LEN);
    }

    /** Takes the buffer at the head: the flags that its completion carries. */
    int take() {
        final int id = Memory.getShort(entry(0) + IoUring.BUF_BID) & 0xFFFF;
        head++;
        return IoUring.CQE_F_BUFFER | id << IoUring.CQE_BUFFER_SHIFT;
    }

    private long entry(final int ahead) {
        return ring + (long) ((head + ahead) & (entries - 1)) * IoUring.BUF_BYTES;
    }
}
