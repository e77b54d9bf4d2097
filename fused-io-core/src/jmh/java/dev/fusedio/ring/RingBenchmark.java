package dev.fusedio.ring;

import dev.fusedio.sys.Libc;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** What the ring itself costs: NOPs from submission to completion. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
@SuppressWarnings("NullAway.Init") // open() fills the fields, on the thread that the ring is for
public class RingBenchmark {
    private static final int BATCH = 32;

    private final Arena arena = Arena.ofAuto();
    private KernelRing ring;
    private CompletionSink sink;
    private long sum;

    @Setup(Level.Trial)
    public void open() throws IOException {
        ring = new KernelRing(new Libc(arena), 64);
        sink = (userData, result, flags) -> sum += userData;
    }

    @TearDown(Level.Trial)
    public void close() {
        ring.close();
    }

    /** One NOP, one enter. */
    @Benchmark
    public long nop() {
        return roundTrips(1);
    }

    /** 32 NOPs with one enter; time is for one. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public long nopBatch() {
        return roundTrips(BATCH);
    }

    private long roundTrips(final int count) {
        for (int i = 0; i < count; i++) {
            Sqe.nop(ring.sqe(), i);
        }
        int done = 0;
        while (done < count) {
            ring.enter(true, -1);
            done += ring.drain(sink);
        }
        return sum;
    }
}
