package dev.fusedio.loop;

import static org.junit.jupiter.api.Assumptions.abort;

import dev.fusedio.ring.KernelRing;
import dev.fusedio.ring.ProvidedBuffers;
import dev.fusedio.ring.RingUnavailableException;
import dev.fusedio.sys.Clock;
import dev.fusedio.sys.Libc;
import dev.fusedio.sys.Mapping;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;

/** A core loop over the kernel's io_uring, in the thread of the test. A test without io_uring is skipped. */
public final class KernelLoop implements AutoCloseable {
    private static final long SLAB_BYTES = 4L << 20;

    /** Not a measure of speed: a test that waits so long is stuck. */
    private static final long STUCK_NANOS = 30_000_000_000L;

    private static final long TICK_NANOS = 2_000_000;

    private final Arena arena = Arena.ofConfined();
    private final Libc libc = new Libc(arena);
    private final List<Throwable> errors = new ArrayList<>();
    private final KernelRing ring;
    private final Mapping memory;
    private final ProvidedBuffers receive;
    private final CoreLoop loop;

    public KernelLoop() throws IOException {
        ring = ringOrSkip(libc);
        memory = Mapping.anonymous(libc, SLAB_BYTES, "the slab");
        final boolean registered = ring.registerBuffers(memory.address(), memory.length(), 64) >= 0;
        receive = new ProvidedBuffers(ring, libc, 16, 65536);
        loop = new CoreLoop(
                0,
                ring,
                libc,
                arena,
                Clock.MONOTONIC,
                new Slab(memory.address(), memory.length()),
                registered,
                receive,
                64,
                errors::add);
    }

    private static KernelRing ringOrSkip(final Libc libc) throws IOException {
        try {
            return new KernelRing(libc, 64);
        } catch (final RingUnavailableException e) {
            abort("skipped: " + e.getMessage());
            throw e;
        }
    }

    public CoreLoop loop() {
        return loop;
    }

    public KernelRing ring() {
        return ring;
    }

    /** Runs, asleep where there is nothing to do, until {@code done}. */
    public void runUntil(final BooleanSupplier done) {
        final long stuck = loop.preciseNow() + STUCK_NANOS;
        final Timer tick = new Timer() { // for what a task from the mailbox brings about: the loop sleeps after it
                    @Override
                    protected void expired() {
                        if (loop.preciseNow() - stuck > 0) {
                            throw new AssertionError("what was awaited hasn't come");
                        }
                        loop.timers().schedule(this, loop.preciseNow() + TICK_NANOS);
                    }
                };
        tick.expired();
        while (!done.getAsBoolean()) {
            loop.runOnce(true);
            if (!errors.isEmpty()) {
                throw new AssertionError("a handler let an exception through", errors.getFirst());
            }
        }
        loop.timers().cancel(tick);
    }

    @Override
    public void close() {
        ring.close();
        loop.close();
        receive.close();
        memory.close();
        arena.close();
    }
}
