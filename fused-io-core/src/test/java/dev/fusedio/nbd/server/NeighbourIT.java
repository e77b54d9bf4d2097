package dev.fusedio.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.backend.file.FileBackend;
import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.volume.Volume;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two volumes on one core: what is done to one must not hold up the other. {@code -Dfusedio.extents=65536} makes
 * the trimmed file one of 512 MiB; the slowest read is reported.
 */
class NeighbourIT {
    private static final int BLOCK = 4096;
    private static final int EXTENTS = Integer.getInteger("fusedio.extents", 4096);
    private static final long LENGTH = 2L * BLOCK * EXTENTS;

    @TempDir
    private Path folder;

    /** What a client that does one request after another has seen. */
    private record Seen(long requests, long slowestNanos) {}

    private static FutureTask<Seen> start(final Callable<Seen> client) {
        final FutureTask<Seen> task = new FutureTask<>(client);
        Thread.ofPlatform().daemon().start(task);
        return task;
    }

    private static Seen seen(final FutureTask<Seen> task) throws Exception {
        try {
            return task.get(120, TimeUnit.SECONDS);
        } catch (final ExecutionException e) {
            throw new AssertionError("a client failed", e.getCause());
        }
    }

    private Path fragmented() throws IOException {
        final Path file = folder.resolve("fragmented");
        try (RandomAccessFile access = new RandomAccessFile(file.toFile(), "rw")) {
            access.setLength(LENGTH);
            final byte[] data = Patterns.random(6, BLOCK);
            for (int extent = 0; extent < EXTENTS; extent++) {
                access.seek(2L * BLOCK * extent);
                access.write(data);
            }
            access.getFD().sync();
        }
        return file;
    }

    private static Volume volume(final String name, final Path file, final Executor blocking) throws IOException {
        return new Volume(name, "", FileBackend.open(file, false, false, blocking), false);
    }

    @Test
    @DisplayName("fault 6: a TRIM of many extents and writes to the same volume leave another volume's reads alone")
    void trimAndWritesBesideReads(final TestReporter reporter) throws Exception {
        final Path trimmed = fragmented();
        final Path other = Files.write(folder.resolve("other"), new byte[1 << 20]);
        try (TestServer server = new TestServer(
                        TestServer.oneCore(16 << 20),
                        NbdLimits.defaults(),
                        loops -> List.of(
                                volume("trimmed", trimmed, loops.blocking()),
                                volume("other", other, loops.blocking())));
                WireClient trimming = WireClient.open(server.address(), Headers.EXTENDED, "trimmed");
                WireClient writing = WireClient.open(server.address(), Headers.EXTENDED, "trimmed");
                WireClient reading = WireClient.open(server.address(), Headers.EXTENDED, "other")) {
            final AtomicBoolean measured = new AtomicBoolean();
            final AtomicBoolean over = new AtomicBoolean();
            final FutureTask<Seen> writes = start(() -> {
                final SplittableRandom random = new SplittableRandom(6);
                final byte[] data = Patterns.random(7, BLOCK);
                return repeat(measured, over, () -> {
                    assertThat(writing.write((long) BLOCK * random.nextInt(2 * EXTENTS), data))
                            .isZero();
                    return null;
                });
            });
            final FutureTask<Seen> reads = start(() -> repeat(measured, over, () -> {
                assertThat(reading.read(0, BLOCK)).hasSize(BLOCK);
                return null;
            }));
            for (int i = 0; i < 1000; i++) { // classes are loaded, caches are warm
                assertThat(trimming.request(NbdProtocol.CMD_TRIM, 0, LENGTH - BLOCK, BLOCK)
                                .error())
                        .isZero();
            }
            measured.set(true);
            final long begin = System.nanoTime();
            assertThat(trimming.request(NbdProtocol.CMD_TRIM, 0, 0, LENGTH).error())
                    .isZero();
            final long lasted = System.nanoTime() - begin;
            over.set(true);
            final Seen written = seen(writes);
            final Seen read = seen(reads);
            reporter.publishEntry("trims " + lasted / 1000 + " µs; reads " + read.requests() + ", slowest "
                    + read.slowestNanos() / 1000 + " µs; writes " + written.requests() + ", slowest "
                    + written.slowestNanos() / 1000 + " µs");
            assertThat(read.requests())
                    .as("reads beside %d ns of a trim: one in 50 ms at least, however busy the machine", lasted)
                    .isGreaterThanOrEqualTo(lasted / 50_000_000);
            assertThat(written.requests()).isPositive();
            trimming.disconnect();
            writing.disconnect();
            reading.disconnect();
        }
    }

    private static Seen repeat(final AtomicBoolean measured, final AtomicBoolean over, final Callable<Void> request)
            throws Exception {
        long requests = 0;
        long slowest = 0;
        while (!over.get()) {
            final long begin = System.nanoTime();
            request.call();
            if (measured.get()) {
                slowest = Math.max(slowest, System.nanoTime() - begin);
                requests++;
            }
        }
        return new Seen(requests, slowest);
    }
}
