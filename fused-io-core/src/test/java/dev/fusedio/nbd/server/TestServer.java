package dev.fusedio.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.backend.memory.MemoryBackend;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.loop.LoopConfig;
import dev.fusedio.loop.LoopGroup;
import dev.fusedio.net.ListenAddress;
import dev.fusedio.volume.Backend;
import dev.fusedio.volume.Volume;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.BooleanSupplier;

/**
 * A server on real rings, reached by TCP. Whatever its loops complain of, and memory that is on lease when all
 * connections are gone, fails the test that closes it.
 */
final class TestServer implements AutoCloseable {
    static final String EXPORT = "vol";
    static final long SIZE = 96L << 20;

    /** Makes the volumes of a server whose loops run. One that is an {@link ExportDirectory} as well is asked itself. */
    @FunctionalInterface
    interface Volumes {
        List<Volume> open(LoopGroup loops) throws IOException;
    }

    /** A session that has ended. */
    record Ended(SessionSnapshot session, SessionEnd end, String reason) {}

    private final Queue<Throwable> complaints = new ConcurrentLinkedQueue<>();
    private final Queue<Ended> ended = new ConcurrentLinkedQueue<>();
    private final List<Volume> volumes = new ArrayList<>();
    private final LoopGroup loops;
    private final NbdServer server;

    TestServer(final LoopConfig config, final NbdLimits limits, final Volumes source) throws IOException {
        loops = LoopGroup.start(config, complaints::add);
        try {
            volumes.addAll(source.open(loops));
            server = NbdServer.start(
                    loops,
                    new NbdServerConfig(List.of(ListenAddress.tcp("127.0.0.1", 0)), limits),
                    source instanceof ExportDirectory own ? own : ExportDirectory.of(volumes.toArray(Volume[]::new)),
                    new Recorder());
        } catch (final IOException | RuntimeException | Error e) {
            loops.close();
            throw e;
        }
    }

    /** An export in memory with defaults for the rest. */
    static TestServer memory() throws IOException {
        return memory(LoopConfig.ofAllowedCores(), NbdLimits.defaults());
    }

    static TestServer memory(final LoopConfig config, final NbdLimits limits) throws IOException {
        return new TestServer(
                config,
                limits,
                loops -> List.of(new Volume(EXPORT, "the volume under test", new MemoryBackend(SIZE), false)));
    }

    /** One volume of the test's, with defaults for the rest. */
    static TestServer serving(final Backend backend, final boolean readOnly) throws IOException {
        return new TestServer(
                LoopConfig.ofAllowedCores(),
                NbdLimits.defaults(),
                loops -> List.of(new Volume(EXPORT, "", backend, readOnly)));
    }

    /** One core with a slab of {@code slabBytes}. */
    static LoopConfig oneCore(final long slabBytes) {
        final LoopConfig defaults = LoopConfig.ofAllowedCores();
        return new LoopConfig(
                defaults.cores().subList(0, 1),
                true,
                defaults.ringEntries(),
                slabBytes,
                defaults.receiveBuffers(),
                defaults.receiveBufferBytes(),
                defaults.mailboxCapacity());
    }

    InetSocketAddress address() {
        return (InetSocketAddress) server.addresses().getFirst();
    }

    NbdServer server() {
        return server;
    }

    LoopGroup loops() {
        return loops;
    }

    List<Ended> ended() {
        return List.copyOf(ended);
    }

    WireClient connect() throws IOException {
        return WireClient.connect(address());
    }

    WireClient open(final Headers headers) throws IOException {
        return WireClient.open(address(), headers, EXPORT);
    }

    /** Handshakes that failed so far, for all reasons. */
    long failures() {
        return server.snapshot().negotiationFailures().values().stream()
                .mapToLong(Long::longValue)
                .sum();
    }

    long failures(final NegotiationFailure why) {
        return server.snapshot().negotiationFailures().get(why);
    }

    /** Waits until something is so. */
    static void await(final String what, final BooleanSupplier condition) {
        final long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - end > 0) {
                throw new AssertionError("not within 20 s: " + what);
            }
            pause(2);
        }
    }

    static void pause(final long millis) {
        try {
            Thread.sleep(millis);
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
    }

    private long leased() {
        return loops.loops().stream()
                .map(CoreLoop::snapshot)
                .mapToLong(snapshot -> snapshot.leasedBytes())
                .sum();
    }

    @Override
    public void close() throws IOException {
        try {
            server.stop(Duration.ofSeconds(5));
            assertThat(server.snapshot().connections())
                    .as("connections after stop")
                    .isZero();
            assertThat(server.snapshot().sessions()).as("sessions after stop").isZero();
            await("all memory is given back", () -> leased() == 0);
            for (final Volume volume : volumes) {
                assertThat(volume.statistics().inFlight())
                        .as("operations in flight")
                        .isZero();
                volume.close();
            }
        } finally {
            loops.close();
        }
        assertThat(complaints).as("what the core loops let through").isEmpty();
    }

    private final class Recorder implements SessionListener {
        @Override
        public void opened(final SessionSnapshot session) {
            // found in the server's list
        }

        @Override
        public void closed(final SessionSnapshot session, final SessionEnd end, final String reason) {
            ended.add(new Ended(session, end, reason));
        }
    }
}
