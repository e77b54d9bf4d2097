package dev.fusedio.ublk;

import dev.fusedio.volume.BackendCapabilities;
import java.time.Duration;
import java.util.Optional;

/**
 * How a device is set up.
 *
 * @param id the device's number, or -1 for the first that is free
 * @param queues hardware queues, 1 to 4096; 0 for one for each core loop that serves them
 * @param loops how many core loops, from the first, serve the queues, because the storage can borrow pages on these only;
 *     0 for all
 * @param depth block requests of a queue at once, 1 to 4096
 * @param maxIoBytes longest block request, a power of two from 4 KiB to 1 MiB
 * @param readOnly whether the device refuses to be written to although the volume could
 * @param mechanism which to use and no other; empty for the best that works
 * @param copyBelow requests shorter than this many bytes are copied although pages could be lent; 0 for
 *     those that the storage says
 * @param patience how long to wait for a device's node, its dead server's end, or its idleness
 */
public record UblkOptions(
        int id,
        int queues,
        int loops,
        int depth,
        int maxIoBytes,
        boolean readOnly,
        Optional<Mechanism> mechanism,
        int copyBelow,
        Duration patience) {
    /** The longest block request: half of what a fused command can have, so that the slab holds many. */
    public static final int MAX_IO_BYTES = 1 << 20;

    private static final int DEFAULT_DEPTH = 128;
    private static final Duration DEFAULT_PATIENCE = Duration.ofSeconds(30);

    public UblkOptions {
        require("id", id, -1, (1 << 20) - 1); // UBLK_MINORS
        require("queues", queues, 0, UblkAbi.MAX_NR_QUEUES);
        require("loops", loops, 0, Integer.MAX_VALUE);
        require("depth", depth, 1, UblkAbi.MAX_QUEUE_DEPTH);
        require("maxIoBytes", maxIoBytes, 4096, MAX_IO_BYTES);
        require("copyBelow", copyBelow, 0, Integer.MAX_VALUE);
        if (Integer.bitCount(maxIoBytes) != 1) {
            throw new IllegalArgumentException("maxIoBytes: " + maxIoBytes + "; a power of two is possible");
        }
    }

    /** Any number, a queue for each loop, depth 128, requests up to 512 KiB, the best mechanism. */
    public static UblkOptions defaults() {
        return new UblkOptions(-1, 0, 0, DEFAULT_DEPTH, 512 << 10, false, Optional.empty(), 0, DEFAULT_PATIENCE);
    }

    /** The shortest request whose pages are lent to this storage. With a mechanism that was asked for it lends all. */
    int copyBelow(final BackendCapabilities storage) {
        return mechanism.isPresent() ? copyBelow : Math.max(copyBelow, storage.lendFrom());
    }

    /** The same with one mechanism and no other. */
    public UblkOptions withMechanism(final Mechanism only) {
        return new UblkOptions(id, queues, loops, depth, maxIoBytes, readOnly, Optional.of(only), copyBelow, patience);
    }

    /** The same with this many queues of this depth. */
    public UblkOptions withQueues(final int count, final int each) {
        return new UblkOptions(id, count, loops, each, maxIoBytes, readOnly, mechanism, copyBelow, patience);
    }

    /** The same, served by this many loops at most. */
    public UblkOptions withLoops(final int count) {
        return new UblkOptions(id, queues, count, depth, maxIoBytes, readOnly, mechanism, copyBelow, patience);
    }

    /** How many of {@code there} loops serve the queues. */
    int servedBy(final int there) {
        return loops == 0 ? there : Math.min(loops, there);
    }

    /** The same with another longest request. */
    public UblkOptions withMaxIoBytes(final int bytes) {
        return new UblkOptions(id, queues, loops, depth, bytes, readOnly, mechanism, copyBelow, patience);
    }

    /** The same with a device number. */
    public UblkOptions withId(final int number) {
        return new UblkOptions(number, queues, loops, depth, maxIoBytes, readOnly, mechanism, copyBelow, patience);
    }

    /** The same, read-only or not. */
    public UblkOptions withReadOnly(final boolean only) {
        return new UblkOptions(id, queues, loops, depth, maxIoBytes, only, mechanism, copyBelow, patience);
    }

    /** The same with another size below which data is copied. */
    public UblkOptions withCopyBelow(final int bytes) {
        return new UblkOptions(id, queues, loops, depth, maxIoBytes, readOnly, mechanism, bytes, patience);
    }

    private static void require(final String name, final int value, final int min, final int max) {
        if (value < min || value > max) {
            throw new IllegalArgumentException(name + ": " + value + "; " + min + " to " + max + " are possible");
        }
    }
}
