package dev.fusedio.sys;

import java.lang.foreign.Arena;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** What a call from Java into the kernel costs: downcall, captured errno, and a system call that does next to nothing. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
@SuppressWarnings("NullAway.Init") // open() fills the field
public class SystemCallBenchmark {
    private static final int NO_DESCRIPTOR = -1;

    private final Arena arena = Arena.ofAuto();
    private final Libc libc = new Libc(arena);
    private final long buffer = arena.allocate(Long.BYTES, Long.BYTES).address();
    private EventFd counter;

    @Setup(Level.Trial)
    public void open() throws SystemCallException {
        counter = new EventFd(libc);
    }

    @TearDown(Level.Trial)
    public void close() {
        counter.close();
    }

    /** Refused at once by the kernel, EBADF: the way there and back, and errno. */
    @Benchmark
    public long refused() {
        return libc.files().read(NO_DESCRIPTOR, buffer, Long.BYTES);
    }

    /** An eventfd written and read: two calls that succeed. */
    @Benchmark
    public long eventFdRoundTrip() {
        Memory.putLong(buffer, 1);
        libc.files().write(counter.fd(), buffer, Long.BYTES);
        return libc.files().read(counter.fd(), buffer, Long.BYTES);
    }

    /** The clock that a loop reads, for comparison: no system call. */
    @Benchmark
    public long clock() {
        return Clock.MONOTONIC.nanos();
    }
}
