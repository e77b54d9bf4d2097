package dev.fusedio.loop;

import dev.fusedio.ring.KernelRing;
import dev.fusedio.ring.ProvidedBuffers;
import dev.fusedio.ring.RingUnavailableException;
import dev.fusedio.sys.Affinity;
import dev.fusedio.sys.Clock;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Libc;
import dev.fusedio.sys.Mapping;
import dev.fusedio.sys.SystemCallException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What one core loop is made of: its ring, and the memory that operations of that ring name. The ring ends first; if
 * its operations can't be ended, the memory is kept for the life of the process, because the kernel may still write
 * to it. The loop's thread only.
 */
final class LoopMemory implements AutoCloseable {
    /** Places of each ring's buffer table for block requests of ublk: the queues of one core together. */
    private static final int LENT_BUFFERS = 8191;

    private final int core;
    private final Consumer<Throwable> errors;
    private final Arena arena = Arena.ofShared();
    private final Libc libc = new Libc(arena);
    private @Nullable KernelRing ring;
    private @Nullable Mapping slab;
    private @Nullable ProvidedBuffers receive;
    private boolean registered;

    private LoopMemory(final int core, final Consumer<Throwable> errors) {
        this.core = core;
        this.errors = errors;
    }

    /**
     * Sets all of it up, on the loop's thread.
     *
     * @param locked what may be locked of it
     * @param errors is told when memory could not be given back
     * @throws RingUnavailableException when no ring is available, not even a small one; nothing is left then
     * @throws IOException when memory is not available, or the processor
     */
    static LoopMemory open(
            final LoopConfig config, final LockedMemory locked, final int core, final Consumer<Throwable> errors)
            throws IOException {
        final LoopMemory memory = new LoopMemory(core, errors);
        try {
            memory.open(config, locked);
            return memory;
        } catch (final IOException | RuntimeException | Error e) {
            memory.close();
            throw e;
        }
    }

    private void open(final LoopConfig config, final LockedMemory locked) throws IOException {
        if (config.pin()) {
            Affinity.pin(libc, core);
        }
        final Mapping mapped = Mapping.anonymous(libc, config.slabBytes(), "the slab");
        slab = mapped;
        mapped.adviseHugePages();
        final KernelRing opened = openRing(config, locked.ringEntries());
        ring = opened;
        final long lockable = locked.registerSlab() ? mapped.length() : 0; // rings of other loops come first
        registered = opened.registerBuffers(mapped.address(), lockable, LENT_BUFFERS) >= 0 && lockable > 0;
    }

    /** Opens the largest ring that the kernel grants, and its receive buffers. */
    private KernelRing openRing(final LoopConfig config, final int largest) throws IOException {
        for (int entries = largest; ; entries /= 2) {
            KernelRing opened = null;
            try {
                opened = new KernelRing(libc, entries);
                receive = new ProvidedBuffers(opened, libc, config.receiveBuffers(), config.receiveBufferBytes());
                return opened;
            } catch (final RingUnavailableException | SystemCallException e) {
                if (opened != null) {
                    opened.closeAndAwait(); // so that its locked memory is there for a smaller one
                }
                if (!isOutOfMemory(e)) {
                    throw e;
                }
                if (entries <= LockedMemory.MIN_RING_ENTRIES) {
                    throw RingUnavailableException.ofMemory();
                }
            }
        }
    }

    private static boolean isOutOfMemory(final IOException e) {
        return (e instanceof RingUnavailableException unavailable && unavailable.isOutOfMemory())
                || (e instanceof SystemCallException failed && failed.errno() == Errno.ENOMEM);
    }

    /** The loop over it. */
    CoreLoop loop(final int number, final int mailboxCapacity) throws IOException {
        if (ring == null || slab == null || receive == null) {
            throw new IllegalStateException("the loop's memory is not set up");
        }
        return new CoreLoop(
                number,
                ring,
                libc,
                arena,
                Clock.MONOTONIC,
                new Slab(slab.address(), slab.length()),
                registered,
                receive,
                mailboxCapacity,
                errors);
    }

    /** Ends what is in flight, and the ring. */
    void closeRing() {
        if (ring != null) {
            ring.close();
        }
    }

    @Override
    public void close() {
        closeRing();
        if (ring != null && !ring.isQuiet()) {
            errors.accept(new IllegalStateException("core loop " + core + ": operations did not end when its ring was"
                    + " closed; " + (slab == null ? 0 : slab.length()) + " bytes of request memory and its receive"
                    + " buffers are kept, because the kernel may still write to them"));
            return;
        }
        if (receive != null) {
            receive.close();
        }
        if (slab != null) {
            slab.close();
        }
        arena.close();
    }
}
