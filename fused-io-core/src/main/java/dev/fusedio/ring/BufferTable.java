package dev.fusedio.ring;

import dev.fusedio.sys.Memory;
import dev.fusedio.sys.SocketCalls;
import java.lang.foreign.Arena;

/** The ring's buffer table: fixed buffer 0, and places for buffers that others lend, such as block requests of ublk. */
final class BufferTable {
    private static final int REGISTER_BYTES = 32;

    private final RingHandle ring;
    private final long argument;
    private int[] free = new int[0];
    private int freeCount;

    /** @param arena as long-lived as the ring */
    BufferTable(final RingHandle ring, final Arena arena) {
        this.ring = ring;
        this.argument =
                arena.allocate(REGISTER_BYTES + SocketCalls.IOVEC_BYTES, 8).address();
    }

    /** Registers memory as fixed buffer 0; see {@link RingDriver#registerBuffers}. */
    int register(final long address, final long length, final int spare) {
        /* struct io_uring_rsrc_register { __u32 nr; __u32 flags; __u64 resv2; __u64 data; __u64 tags; } */
        Memory.zero(argument, REGISTER_BYTES);
        Memory.putInt(argument, 1 + spare);
        Memory.putInt(argument + 4, IoUring.RSRC_REGISTER_SPARSE);
        if (ring.register(IoUring.REGISTER_BUFFERS2, argument, REGISTER_BYTES) < 0) {
            putIovec(argument, address, length); // before Linux 5.19: one buffer and no more
            return length == 0 ? 0 : (int) ring.register(IoUring.REGISTER_BUFFERS, argument, 1);
        }
        free = new int[spare];
        for (int i = 0; i < spare; i++) {
            free[i] = spare - i;
        }
        freeCount = spare;
        if (length == 0) {
            return 0;
        }
        /* struct io_uring_rsrc_update2 { __u32 offset; __u32 resv; __u64 data; __u64 tags; __u32 nr; __u32 resv2; } */
        Memory.zero(argument, REGISTER_BYTES);
        Memory.putLong(argument + 8, argument + REGISTER_BYTES);
        Memory.putInt(argument + 24, 1);
        putIovec(argument + REGISTER_BYTES, address, length);
        return Math.min((int) ring.register(IoUring.REGISTER_BUFFERS_UPDATE, argument, REGISTER_BYTES), 0);
    }

    private static void putIovec(final long at, final long address, final long length) {
        Memory.putLong(at, address);
        Memory.putLong(at + 8, length);
    }

    /** A free place, from 1; -1 when none is left. */
    int take() {
        return freeCount == 0 ? -1 : free[--freeCount];
    }

    void give(final int index) {
        free[freeCount++] = index;
    }
}
