package dev.fusedio.loop;

import dev.fusedio.ring.KernelRing;
import dev.fusedio.ring.ProvidedBuffers;
import dev.fusedio.sys.Clock;
import dev.fusedio.sys.Libc;
import dev.fusedio.sys.Mapping;
import java.io.IOException;
import java.lang.foreign.Arena;

/**
 * A core loop in the benchmark's thread, so that what is measured, time and allocation, is the loop's alone. Made, used
 * and closed on one thread: the ring has one issuer.
 */
public final class BenchmarkLoop implements AutoCloseable {
    private final Arena arena = Arena.ofConfined();
    private final Libc libc = new Libc(arena);
    private final KernelRing ring;
    private final Mapping memory;
    private final ProvidedBuffers receive;
    private final CoreLoop loop;

    /** A loop as {@link LoopConfig#of} describes it, on whatever processor the thread is. */
    public BenchmarkLoop() throws IOException {
        final LoopConfig config = LoopConfig.ofAllowedCores();
        ring = new KernelRing(libc, config.ringEntries());
        memory = Mapping.anonymous(libc, config.slabBytes(), "the slab");
        memory.adviseHugePages();
        final boolean registered = ring.registerBuffers(memory.address(), memory.length(), 64) >= 0;
        receive = new ProvidedBuffers(ring, libc, config.receiveBuffers(), config.receiveBufferBytes());
        loop = new CoreLoop(
                config.cores().getFirst(),
                ring,
                libc,
                arena,
                Clock.MONOTONIC,
                new Slab(memory.address(), memory.length()),
                registered,
                receive,
                config.mailboxCapacity(),
                e -> {
                    throw new IllegalStateException("a handler let an exception through", e);
                });
    }

    public CoreLoop loop() {
        return loop;
    }

    /** The thread's C library. */
    public Libc libc() {
        return libc;
    }

    /** Memory as long-lived as the loop. */
    public Arena arena() {
        return arena;
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
