package dev.fusedio.loop;

import dev.fusedio.sys.KernelInfo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * How rings and request memory fit into what this process may lock. Registered buffers count as locked memory, and
 * since Linux 6.14 rings do too: per user, for all processes that have not CAP_IPC_LOCK.
 *
 * @param limit bytes that may be locked; -1 for no limit
 * @param ringEntries submission entries for each loop's ring, a power of two, 64 or more; where the kernel refuses
 *     them nevertheless, half as many are tried
 * @param registerSlab whether each loop's request memory is registered with its ring
 */
record LockedMemory(long limit, int ringEntries, boolean registerSlab) {
    /** Entries of the smallest ring: chains of linked operations and one round's submissions fit. */
    static final int MIN_RING_ENTRIES = 64;

    private static final int PAGE = 4096;
    private static final int SQE_BYTES = 64;
    private static final int CQE_BYTES = 16;
    private static final int CQES_PER_SQE = 8;
    private static final int RING_HEADER_BYTES = 256;
    private static final int INDEX_BYTES = 4;
    private static final int BUFFER_ENTRY_BYTES = 16;
    private static final int CAP_IPC_LOCK = 14;

    /** The plan for {@code config}, with the limit of this process. */
    static LockedMemory plan(final LoopConfig config) {
        final KernelInfo kernel = KernelInfo.read();
        return plan(config, hasIpcLock() ? -1 : kernel.lockedMemoryBytes(), countsRings(kernel.release()));
    }

    /** Whether rings count as locked memory: since Linux 6.14, where they are regions of io_uring/memmap.c. */
    static boolean countsRings(final String release) {
        final String[] parts = release.split("[^0-9]", 3);
        try {
            return Integer.parseInt(parts[0]) * 1000 + Integer.parseInt(parts[1]) >= 6014;
        } catch (final NumberFormatException | ArrayIndexOutOfBoundsException e) {
            return true; // small rings work in any case
        }
    }

    /**
     * The plan for all loops of {@code config} together. A quarter of the limit is left for rings that are not those
     * of loops.
     *
     * @param limit bytes that may be locked; -1 for no limit
     * @param countsRings whether rings count, or request memory only
     */
    static LockedMemory plan(final LoopConfig config, final long limit, final boolean countsRings) {
        if (limit < 0) {
            return new LockedMemory(limit, config.ringEntries(), true);
        }
        final int loops = config.cores().size();
        final long each = (limit - limit / 4) / loops;
        int entries = config.ringEntries();
        while (countsRings && entries > MIN_RING_ENTRIES && ringBytes(entries, config.receiveBuffers()) > each) {
            entries /= 2;
        }
        final long ring = countsRings ? ringBytes(config.ringEntries(), config.receiveBuffers()) : 0;
        final long whole = (ring + config.slabBytes()) * loops;
        return new LockedMemory(limit, entries, whole <= limit);
    }

    /** Bytes that a ring and its ring of receive buffers lock. */
    static long ringBytes(final int entries, final int receiveBuffers) {
        return pages((long) entries * SQE_BYTES)
                + pages(RING_HEADER_BYTES + (long) entries * (CQES_PER_SQE * CQE_BYTES + INDEX_BYTES))
                + pages((long) receiveBuffers * BUFFER_ENTRY_BYTES);
    }

    private static long pages(final long bytes) {
        return (bytes + PAGE - 1) / PAGE * PAGE;
    }

    /** Whether limits on locked memory are not for this process; the kernel has the last word. */
    private static boolean hasIpcLock() {
        try {
            for (final String line : Files.readAllLines(Path.of("/proc/self/status"))) {
                if (line.startsWith("CapEff:")) {
                    final long capabilities =
                            Long.parseUnsignedLong(line.substring(7).strip(), 16);
                    return ((capabilities >> CAP_IPC_LOCK) & 1) != 0;
                }
            }
        } catch (final IOException e) {
            return false; // no procfs: what the limit allows is safe to use
        }
        return false;
    }
}
