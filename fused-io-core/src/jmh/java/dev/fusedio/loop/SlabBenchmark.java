package dev.fusedio.loop;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** Leasing memory and giving it back. The slab never touches the memory, so none is behind it here. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class SlabBenchmark {
    private static final long BASE = 1L << 40;
    private static final long LENGTH = 32L << 20;
    private static final int QUEUE = 64;

    private final Slab slab = new Slab(BASE, LENGTH);
    private final long[] leases = new long[QUEUE];

    /** Bytes of a lease. */
    @Param({"4096", "262144"})
    public int bytes;

    /** The slab as it is while a server works: split, with leases of all sizes in it. */
    @Setup(Level.Trial)
    public void fragment() {
        for (int size = Slab.MIN_BLOCK; size < Slab.MAX_BLOCK; size *= 2) {
            slab.lease(size);
        }
    }

    /** One request at a time. */
    @Benchmark
    public void leaseAndRelease() {
        slab.release(slab.lease(bytes), bytes);
    }

    /** A queue of 64 requests that end in the order they began; time is for one. */
    @Benchmark
    @OperationsPerInvocation(QUEUE)
    public void leaseAndReleaseQueue() {
        for (int i = 0; i < QUEUE; i++) {
            leases[i] = slab.lease(bytes);
        }
        for (int i = 0; i < QUEUE; i++) {
            slab.release(leases[i], bytes);
        }
    }
}
