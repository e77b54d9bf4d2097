package dev.fusedio.loop;

import java.util.Arrays;

/**
 * The memory of one loop, leased in blocks of 4 KiB to 2 MiB by the buddy system. What is freed last is leased first,
 * so that a light load lives in the processor's cache. The loop's thread only; bookkeeping is outside the memory, whose
 * pages are never touched here.
 */
public final class Slab {
    /** The smallest block. */
    public static final int MIN_BLOCK = 4096;

    /** The largest block, and so the longest buffer that one fused command can have. */
    public static final int MAX_BLOCK = 2 << 20;

    private static final int ORDERS = Integer.numberOfTrailingZeros(MAX_BLOCK / MIN_BLOCK) + 1;
    private static final int NONE = -1;
    private static final byte IN_USE = -1;

    private final long base;
    private final long length;
    private final int[] heads = new int[ORDERS];
    private final int[] next;
    private final int[] previous;
    /** By block of the smallest size: the order of the free block that starts there, or IN_USE. */
    private final byte[] freeOrder;

    private long leased;

    /**
     * @param base page aligned address of memory that outlives this
     * @param length bytes, a multiple of {@link #MAX_BLOCK}
     */
    public Slab(final long base, final long length) {
        if (length <= 0 || length % MAX_BLOCK != 0 || length / MIN_BLOCK > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("slab of " + length + " bytes: not a multiple of " + MAX_BLOCK);
        }
        this.base = base;
        this.length = length;
        final int blocks = (int) (length / MIN_BLOCK);
        next = new int[blocks];
        previous = new int[blocks];
        freeOrder = new byte[blocks];
        Arrays.fill(heads, NONE);
        Arrays.fill(freeOrder, IN_USE);
        for (int at = blocks - MAX_BLOCK / MIN_BLOCK; at >= 0; at -= MAX_BLOCK / MIN_BLOCK) {
            push(at, ORDERS - 1);
        }
    }

    /**
     * Leases a block of at least {@code bytes}.
     *
     * @param bytes 1 to {@link #MAX_BLOCK}
     * @return its address, aligned to its size up to a page; 0 when there is none
     */
    public long lease(final int bytes) {
        final int order = order(bytes);
        int found = order;
        while (found < ORDERS && heads[found] == NONE) {
            found++;
        }
        if (found == ORDERS) {
            return 0;
        }
        final int block = heads[found];
        unlink(block, found);
        while (found > order) {
            found--;
            push(block + (1 << found), found);
        }
        leased += (long) MIN_BLOCK << order;
        return base + (long) block * MIN_BLOCK;
    }

    /** Gives a block back; {@code bytes} as it was leased with. */
    public void release(final long address, final int bytes) {
        int order = order(bytes);
        int block = (int) ((address - base) / MIN_BLOCK);
        if (address < base || address >= base + length || freeOrder[block] != IN_USE) {
            throw new IllegalStateException("a block was released that isn't leased");
        }
        leased -= (long) MIN_BLOCK << order;
        while (order < ORDERS - 1) {
            final int buddy = block ^ (1 << order);
            if (freeOrder[buddy] != order) {
                break;
            }
            unlink(buddy, order);
            block &= ~(1 << order);
            order++;
        }
        push(block, order);
    }

    private static int order(final int bytes) {
        if (bytes <= 0 || bytes > MAX_BLOCK) {
            throw new IllegalArgumentException("lease of " + bytes + " bytes: 1 to " + MAX_BLOCK + " are possible");
        }
        return 32 - Integer.numberOfLeadingZeros((bytes - 1) / MIN_BLOCK);
    }

    private void push(final int block, final int order) {
        final int head = heads[order];
        next[block] = head;
        previous[block] = NONE;
        if (head != NONE) {
            previous[head] = block;
        }
        heads[order] = block;
        freeOrder[block] = (byte) order;
    }

    private void unlink(final int block, final int order) {
        final int after = next[block];
        final int before = previous[block];
        if (before == NONE) {
            heads[order] = after;
        } else {
            next[before] = after;
        }
        if (after != NONE) {
            previous[after] = before;
        }
        freeOrder[block] = IN_USE;
    }

    /** Whether {@code address} lies in this slab. */
    public boolean contains(final long address) {
        return address >= base && address < base + length;
    }

    /** Bytes in all. */
    public long length() {
        return length;
    }

    /** Bytes on lease, in whole blocks. */
    public long leased() {
        return leased;
    }
}
