package dev.fusedio.nbd.server;

import dev.fusedio.backend.file.FileBackend;
import dev.fusedio.backend.memory.MemoryBackend;
import dev.fusedio.loop.BenchmarkLoop;
import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.net.ListenAddress;
import dev.fusedio.volume.Backend;
import dev.fusedio.volume.Volume;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
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
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The whole path of a request, from its bytes in a socket to its reply's: receive, parse, read or write, send. The
 * benchmark's thread is the core loop and the client in turn, so times hold both (the client's part is one write and
 * one or two reads for a batch); {@code -prof gc} then shows what the path allocates: nothing.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
@SuppressWarnings("NullAway.Init") // open() fills the fields, on the thread that the loop is for
public class RequestPathBenchmark {
    private static final int BATCH = 16;
    private static final int BLOCK = 4096;
    private static final long VOLUME_BYTES = 64L << 20;

    /** What keeps the bytes. */
    @Param({"memory", "file"})
    public String backend;

    /** Where the file is: a tmpfs, or the file system to be measured. */
    @Param("/dev/shm")
    public String directory;

    private @Nullable Path file;
    private Backend storage;
    private BenchmarkLoop core;
    private BenchmarkClient client;
    private long reads;
    private long writes;

    @Setup(Level.Trial)
    public void open() throws IOException {
        core = new BenchmarkLoop();
        storage = openBackend();
        final NbdServer server = new NbdServer(
                List.of(core.loop()),
                new NbdServerConfig(List.of(ListenAddress.tcp("127.0.0.1", 0)), NbdLimits.defaults()),
                ExportDirectory.of(new Volume("benchmark", "", storage, false)),
                SessionListener.none());
        client = new BenchmarkClient(core, BATCH * (NbdProtocol.REQUEST_BYTES + BLOCK));
        server.onAccepted(client.serverDescriptor());
        client.handshake();
        reads = batch(NbdProtocol.CMD_READ, 0);
        writes = batch(NbdProtocol.CMD_WRITE, BLOCK);
    }

    private Backend openBackend() throws IOException {
        if (backend.equals("memory")) {
            return new MemoryBackend(VOLUME_BYTES);
        }
        final Path path = Files.createTempFile(Path.of(directory), "benchmark", ".img");
        file = path;
        final byte[] chunk = new byte[1 << 20];
        try (var out = Files.newOutputStream(path)) {
            for (long at = 0; at < VOLUME_BYTES; at += chunk.length) {
                out.write(chunk);
            }
        }
        return FileBackend.open(path, false, false, Runnable::run);
    }

    private long batch(final int command, final int payload) {
        final long at = core.arena()
                .allocate((long) BATCH * (NbdProtocol.REQUEST_BYTES + payload))
                .address();
        for (int i = 0; i < BATCH; i++) {
            final long offset = (i * 997L + 13) * BLOCK % VOLUME_BYTES; // scattered, and the same each time
            BenchmarkClient.encode(at + (long) i * (NbdProtocol.REQUEST_BYTES + payload), command, i, offset, BLOCK);
        }
        return at;
    }

    @TearDown(Level.Trial)
    public void close() throws IOException {
        client.close();
        core.close();
        storage.close();
        if (file != null) {
            Files.delete(file);
        }
    }

    /** 16 reads of 4 KiB that arrive together; time is for one. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public void read() {
        client.exchange(reads, BATCH * NbdProtocol.REQUEST_BYTES, BATCH * (NbdProtocol.SIMPLE_REPLY_BYTES + BLOCK));
    }

    /** 16 writes of 4 KiB that arrive together; time is for one. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public void write() {
        client.exchange(writes, BATCH * (NbdProtocol.REQUEST_BYTES + BLOCK), BATCH * NbdProtocol.SIMPLE_REPLY_BYTES);
    }

    /** One read at a time: what batches save. */
    @Benchmark
    public void readAlone() {
        client.exchange(reads, NbdProtocol.REQUEST_BYTES, NbdProtocol.SIMPLE_REPLY_BYTES + BLOCK);
    }
}
