package dev.fusedio.loop;

import dev.fusedio.sys.Affinity;
import java.util.List;

/**
 * How core loops are set up.
 *
 * @param cores the processors to run one loop each on
 * @param pin whether each loop's thread is bound to its processor
 * @param ringEntries submission entries of a ring, a power of two, 64 to 32768
 * @param slabBytes leasable memory of a loop, a multiple of 2 MiB; registered with the ring where the limit on locked
 *     memory allows
 * @param receiveBuffers receive buffers of a loop, a power of two, 2 to 32768
 * @param receiveBufferBytes bytes of each, 4 KiB to 1 MiB
 * @param mailboxCapacity tasks that may wait for a loop, a power of two
 */
public record LoopConfig(
        List<Integer> cores,
        boolean pin,
        int ringEntries,
        long slabBytes,
        int receiveBuffers,
        int receiveBufferBytes,
        int mailboxCapacity) {

    public LoopConfig {
        cores = List.copyOf(cores);
        if (cores.isEmpty()) {
            throw new IllegalArgumentException("cores: the list is empty; name at least one processor");
        }
        requirePowerOfTwo("ringEntries", ringEntries, 64, 32768);
        requirePowerOfTwo("receiveBuffers", receiveBuffers, 2, 32768);
        requirePowerOfTwo("mailboxCapacity", mailboxCapacity, 64, 1 << 20);
        if (receiveBufferBytes < 4096 || receiveBufferBytes > 1 << 20) {
            throw new IllegalArgumentException(
                    "receiveBufferBytes: " + receiveBufferBytes + "; 4096 to 1048576 are possible");
        }
        if (slabBytes < Slab.MAX_BLOCK || slabBytes % Slab.MAX_BLOCK != 0) {
            throw new IllegalArgumentException(
                    "slabBytes: " + slabBytes + "; a positive multiple of " + Slab.MAX_BLOCK + " is possible");
        }
    }

    /** Defaults for the given processors. */
    public static LoopConfig of(final List<Integer> cores) {
        return new LoopConfig(cores, true, 1024, 32L << 20, 128, 64 << 10, 4096);
    }

    /** Defaults for all processors that this process may use. */
    public static LoopConfig ofAllowedCores() {
        return of(Affinity.allowed());
    }

    private static void requirePowerOfTwo(final String name, final int value, final int min, final int max) {
        if (value < min || value > max || Integer.bitCount(value) != 1) {
            throw new IllegalArgumentException(
                    name + ": " + value + "; a power of two from " + min + " to " + max + " is possible");
        }
    }
}
