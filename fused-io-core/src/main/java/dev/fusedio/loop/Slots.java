package dev.fusedio.loop;

import java.util.Arrays;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Who gets which completion. A submission's user data is {@code generation:16 | slot:24 | tag:24}; the generation
 * changes when a slot is freed, so that a completion that comes too late is recognised and never reaches the slot's next
 * owner.
 */
final class Slots {
    private static final int MASK_24 = 0xFF_FFFF;

    private @Nullable Completable[] owners = new Completable[1024];
    private short[] generations = new short[1024];
    private int[] free = new int[1024];
    private int freeCount;
    private int used;

    int register(final Completable owner) {
        final int slot;
        if (freeCount > 0) {
            slot = free[--freeCount];
        } else {
            if (used == owners.length) {
                if (used > MASK_24) {
                    throw new IllegalStateException("more than 2^24 completion slots");
                }
                owners = Arrays.copyOf(owners, used * 2);
                generations = Arrays.copyOf(generations, used * 2);
                free = Arrays.copyOf(free, used * 2);
            }
            slot = used++;
        }
        owners[slot] = owner;
        return slot;
    }

    void release(final int slot) {
        owners[slot] = null;
        generations[slot]++;
        free[freeCount++] = slot;
    }

    long userData(final int slot, final int tag) {
        return (long) generations[slot] << 48 | (long) slot << 24 | (tag & MASK_24);
    }

    /** The owner a completion is for; null when it was freed since. */
    @Nullable Completable owner(final long userData) {
        final int slot = (int) (userData >>> 24) & MASK_24;
        return generations[slot] == (short) (userData >>> 48) ? owners[slot] : null;
    }

    /** Calls {@code action} with each owner that has a slot now, once a slot. */
    void forEachOwner(final Consumer<Completable> action) {
        for (int slot = 0; slot < used; slot++) {
            final Completable owner = owners[slot];
            if (owner != null) {
                action.accept(owner);
            }
        }
    }

    static int tag(final long userData) {
        return (int) userData & MASK_24;
    }
}
