package dev.fusedio.sys;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * Which processors this process may use. The list comes from the kernel (cpuset, taskset), never from an absolute
 * count, so that a container gets the cores it was given.
 */
public final class Affinity {
    private static final int MASK_BYTES = 1024;

    private Affinity() {}

    /** The processors that the calling thread may run on, ascending; never empty. */
    public static List<Integer> allowed() {
        try (Arena arena = Arena.ofConfined()) {
            final MemorySegment mask = arena.allocate(MASK_BYTES, Long.BYTES);
            SystemCallException.check(
                    new Libc(arena).threads().schedGetaffinity(mask.address(), MASK_BYTES), "sched_getaffinity");
            final List<Integer> cores = new ArrayList<>();
            for (int cpu = 0; cpu < MASK_BYTES * 8; cpu++) {
                if ((mask.get(ValueLayout.JAVA_BYTE, cpu / 8) & (1 << (cpu % 8))) != 0) {
                    cores.add(cpu);
                }
            }
            return List.copyOf(cores);
        } catch (final SystemCallException e) {
            throw new IllegalStateException("a mask of " + MASK_BYTES * 8 + " processors is too small", e);
        }
    }

    /**
     * Binds the calling platform thread to one processor. To be done last: from then on {@code availableProcessors()}
     * is 1 for this thread and for every thread it starts.
     */
    public static void pin(final Libc libc, final int cpu) throws SystemCallException {
        try (Arena arena = Arena.ofConfined()) {
            final MemorySegment mask = arena.allocate(MASK_BYTES, Long.BYTES);
            mask.set(ValueLayout.JAVA_BYTE, cpu / 8, (byte) (1 << (cpu % 8)));
            SystemCallException.check(
                    libc.threads().schedSetaffinity(mask.address(), MASK_BYTES), "pin a core loop to processor " + cpu);
        }
    }
}
