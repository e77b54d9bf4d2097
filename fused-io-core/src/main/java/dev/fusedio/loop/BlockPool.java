package dev.fusedio.loop;

import java.lang.foreign.Arena;
import java.util.Arrays;

/**
 * Native blocks of one size for a loop's own bookkeeping (headers, I/O vectors), which must never wait for payload
 * memory. Grows by need, up to a limit, and keeps what it has. The loop's thread only.
 */
public final class BlockPool {
    private static final long GROWTH = 64 << 10;

    private final Arena arena;
    private final int blockBytes;
    private final int limit;
    private long[] free = new long[64];
    private int freeCount;
    private int total;

    /**
     * @param arena as long-lived as the loop
     * @param blockBytes a multiple of 8
     * @param limit blocks at most
     */
    public BlockPool(final Arena arena, final int blockBytes, final int limit) {
        this.arena = arena;
        this.blockBytes = blockBytes;
        this.limit = limit;
    }

    /** A block's address, its content undefined; 0 when the limit is reached. */
    public long take() {
        if (freeCount == 0 && !grow()) {
            return 0;
        }
        return free[--freeCount];
    }

    private boolean grow() {
        final int count = (int) Math.min(Math.max(GROWTH / blockBytes, 1), limit - total);
        if (count <= 0) {
            return false;
        }
        if (free.length < total + count) {
            free = Arrays.copyOf(free, Math.max(free.length * 2, total + count));
        }
        final long base = arena.allocate((long) blockBytes * count, 64).address();
        for (int i = count - 1; i >= 0; i--) {
            free[freeCount++] = base + (long) i * blockBytes;
        }
        total += count;
        return true;
    }

    /** Gives a block back. */
    public void give(final long block) {
        if (freeCount == total) {
            throw new IllegalStateException("a block was given back twice");
        }
        free[freeCount++] = block;
    }

    /** Bytes of a block. */
    public int blockBytes() {
        return blockBytes;
    }
}
