package dev.fusedio.ring;

import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Memory;
import java.lang.foreign.Arena;
import org.jspecify.annotations.Nullable;

/** The ring's file table: descriptors that operations name by index, without a lookup in the process's table. */
final class FileTable {
    private static final int PLACES = 4096;
    private static final int REGISTER_BYTES = 32;

    private final RingHandle ring;
    private final long argument;
    private final int[] free = new int[PLACES];
    private final int registered;
    private int freeCount;

    /** @param arena as long-lived as the ring */
    FileTable(final RingHandle ring, final Arena arena) {
        this.ring = ring;
        this.argument = arena.allocate(REGISTER_BYTES, 8).address();
        /* struct io_uring_rsrc_register { __u32 nr; __u32 flags; __u64 resv2; __u64 data; __u64 tags; } */
        Memory.putInt(argument, PLACES);
        Memory.putInt(argument + 4, IoUring.RSRC_REGISTER_SPARSE);
        registered = (int) ring.register(IoUring.REGISTER_FILES2, argument, REGISTER_BYTES);
        if (registered >= 0) {
            for (int i = 0; i < PLACES; i++) {
                free[i] = PLACES - 1 - i;
            }
            freeCount = PLACES;
        }
    }

    /** Why there is no table; null when there is one. */
    RingFeatures.@Nullable Refusal refusal() {
        return registered >= 0
                ? null
                : new RingFeatures.Refusal(
                        "REGISTER_FILES",
                        Errno.name(registered) + "; the table is bounded by the limit on open files (ulimit -n)");
    }

    /** Puts a descriptor into the table. Returns its index, or -1 when there is no table or no room. */
    int install(final int descriptor) {
        if (freeCount == 0) {
            return -1;
        }
        final int index = free[freeCount - 1];
        if (update(index, descriptor) < 0) {
            return -1;
        }
        freeCount--;
        return index;
    }

    /** Frees an index. Operations in flight keep their file. */
    void remove(final int index) {
        update(index, -1);
        free[freeCount++] = index;
    }

    /** Puts a descriptor into the first place, whatever was there, at the ring's end. Returns whether that succeeded. */
    boolean replaceFirst(final int descriptor) {
        return registered >= 0 && update(0, descriptor) >= 0;
    }

    private int update(final int index, final int descriptor) {
        /* struct io_uring_rsrc_update { __u32 offset; __u32 resv; __u64 data; } */
        Memory.putLong(argument, index);
        Memory.putLong(argument + 8, argument + 16);
        Memory.putInt(argument + 16, descriptor);
        return (int) ring.register(IoUring.REGISTER_FILES_UPDATE, argument, 1);
    }
}
