package dev.fusedio.backend.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;
import dev.fusedio.backend.memory.MemoryBackend;
import dev.fusedio.fused.FusedCommand;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.loop.LoopConfig;
import dev.fusedio.loop.LoopGroup;
import dev.fusedio.loop.LoopSnapshot;
import dev.fusedio.nbd.client.HeaderKind;
import dev.fusedio.nbd.client.NbdUri;
import dev.fusedio.nbd.server.ExportDirectory;
import dev.fusedio.nbd.server.NbdLimits;
import dev.fusedio.nbd.server.NbdServer;
import dev.fusedio.nbd.server.NbdServerConfig;
import dev.fusedio.nbd.server.SessionListener;
import dev.fusedio.net.ListenAddress;
import dev.fusedio.sys.Affinity;
import dev.fusedio.volume.BackendLane;
import dev.fusedio.volume.Volume;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The client's loop allocates nothing for a request. While many small ones wait, one system call serves several; payload
 * that isn't copied costs one for each reply, whose header must be known before.
 */
class RemoteAllocationIT {
    private static final int DEPTH = 32;
    private static final int ROUND_REQUESTS = 100_000;
    private static final int STEADY_ROUNDS = 5;
    private static final int MOST_ROUNDS = 40;

    /** The longest payload that the client copies, to receive many replies at once. */
    private static final int COPIED_BYTES = 8 << 10;

    private static final long VOLUME_BYTES = 32L << 20;

    /** Ten looks a second for requests that wait too long, and what the JVM itself does in the thread. */
    private static final long ALLOWANCE = 64 << 10;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final Queue<Throwable> complaints = new ConcurrentLinkedQueue<>();

    @ParameterizedTest
    @Timeout(300) // not a measure of speed: a client that waits so long is stuck
    @CsvSource({"SIMPLE, true, 4096", "STRUCTURED, true, 4096", "EXTENDED, true, 16384", "SIMPLE, false, 4096"})
    void requestsAllocateNothing(final HeaderKind headers, final boolean reads, final int length) throws Exception {
        assumeTrue(
                THREADS.isThreadAllocatedMemorySupported() && THREADS.isThreadAllocatedMemoryEnabled(),
                "this JVM doesn't count what threads allocate");
        final List<Integer> cores = Affinity.allowed();
        try (LoopGroup servers = LoopGroup.start(LoopConfig.of(List.of(cores.getFirst())), complaints::add);
                LoopGroup clients = LoopGroup.start(LoopConfig.of(List.of(cores.getLast())), complaints::add);
                Volume volume = new Volume("vol", "", new MemoryBackend(VOLUME_BYTES), false);
                NbdServer server = NbdServer.start(
                        servers,
                        new NbdServerConfig(List.of(ListenAddress.tcp("127.0.0.1", 0)), NbdLimits.defaults()),
                        ExportDirectory.of(volume),
                        SessionListener.none())) {
            final InetSocketAddress address =
                    (InetSocketAddress) server.addresses().getFirst();
            final NbdUri uri = NbdUri.tcp("127.0.0.1", address.getPort(), "vol");
            final CoreLoop loop = clients.loops().getFirst();
            try (RemoteBackend backend =
                    RemoteBackend.connect(uri, RemoteOptions.defaults().withHeaders(headers), clients.loops())) {
                final Load load = new Load(backend, loop, reads, length);
                final List<Long> allocated = new ArrayList<>();
                long enters;
                do {
                    final long before = allocatedBy(loop);
                    final LoopSnapshot earlier = loop.snapshot();
                    load.run(ROUND_REQUESTS);
                    allocated.add(allocatedBy(loop) - before);
                    enters = loop.snapshot().enters() - earlier.enters();
                } while (allocated.size() < STEADY_ROUNDS
                        || (last(allocated) >= ALLOWANCE && allocated.size() < MOST_ROUNDS));
                assertThat(last(allocated))
                        .as("bytes allocated in the last %d rounds of %s", STEADY_ROUNDS, allocated)
                        .isLessThan(ALLOWANCE);
                assertThat(enters)
                        .as("system calls of %d requests", ROUND_REQUESTS)
                        .isLessThan(length > COPIED_BYTES ? 5 * ROUND_REQUESTS / 4 : ROUND_REQUESTS / 2);
                load.close();
            }
        }
        assertThat(complaints).as("what the core loops let through").isEmpty();
    }

    private static long last(final List<Long> allocated) {
        return allocated.subList(allocated.size() - STEADY_ROUNDS, allocated.size()).stream()
                .mapToLong(Long::longValue)
                .sum();
    }

    private static long allocatedBy(final CoreLoop loop) throws Exception {
        final CompletableFuture<Long> thread = new CompletableFuture<>();
        loop.execute(() -> thread.complete(Thread.currentThread().threadId()));
        return THREADS.getThreadAllocatedBytes(thread.get(10, TimeUnit.SECONDS));
    }

    /** Keeps a number of requests under way, on the loop's thread. */
    private static final class Load {
        private final CoreLoop loop;
        private final BackendLane lane;
        private final boolean reads;
        private final int length;
        private final List<Slot> slots = new ArrayList<>();
        private CompletableFuture<Void> done = new CompletableFuture<>();
        private long sequence;
        private int left;
        private int underWay;
        private int failed;

        Load(final RemoteBackend backend, final CoreLoop loop, final boolean reads, final int length) throws Exception {
            this.loop = loop;
            this.reads = reads;
            this.length = length;
            final CompletableFuture<BackendLane> attached = new CompletableFuture<>();
            loop.execute(() -> {
                for (int i = 0; i < DEPTH; i++) {
                    slots.add(new Slot());
                }
                attached.complete(backend.attach(loop));
            });
            lane = attached.get(10, TimeUnit.SECONDS);
        }

        void run(final int requests) throws Exception {
            done = new CompletableFuture<>();
            loop.execute(() -> {
                left = requests;
                slots.forEach(Slot::begin);
            });
            done.get(120, TimeUnit.SECONDS);
            assertThat(failed).isZero();
        }

        void close() {
            loop.execute(lane::detach);
        }

        private final class Slot implements FusedCommand.Owner {
            private final FusedCommand command = new FusedCommand(loop, this);

            void begin() {
                if (left == 0) {
                    if (underWay == 0) {
                        done.complete(null);
                    }
                    return;
                }
                left--;
                underWay++;
                command.lease(length);
                if (!reads) {
                    command.seal();
                }
                final long position = sequence++ * 31 * length % (VOLUME_BYTES / length * length);
                final int issued = reads
                        ? lane.read(command, 0, length, position)
                        : lane.write(command, 0, length, position, false);
                if (issued != FusedCommand.PENDING) {
                    failed++;
                    command.finish(issued);
                }
            }

            @Override
            public void onSecondariesDone(final int firstError) {
                command.finish(firstError);
            }

            @Override
            public void onCommandComplete(final int result) {
                failed += result < 0 ? 1 : 0;
                underWay--;
                begin();
            }

            @Override
            public void onFailure(final RuntimeException e) {
                failed++;
            }
        }
    }
}
