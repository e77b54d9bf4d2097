package dev.fusedio.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;
import dev.fusedio.backend.file.FileBackend;
import dev.fusedio.backend.memory.MemoryBackend;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.loop.LoopConfig;
import dev.fusedio.loop.LoopGroup;
import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.net.ListenAddress;
import dev.fusedio.ring.RingUnavailableException;
import dev.fusedio.sys.Affinity;
import dev.fusedio.volume.Backend;
import dev.fusedio.volume.Volume;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A core loop allocates nothing for a request: the bytes that its thread has allocated on the heap, as the JVM counts
 * them, stay where they are while requests are answered.
 */
class AllocationIT {
    private static final int BLOCK = 4096;
    private static final int BATCH = 32;
    private static final long VOLUME_BYTES = 32L << 20;

    /**
     * What a thread may allocate in {@link #STEADY_ROUNDS} rounds however many requests are in them: twice a second the
     * loop looks through its connections for those that are too slow, which takes some hundred bytes. The smallest
     * object for each request would be 8 MB.
     */
    private static final long ALLOWANCE = 64 << 10;

    private static final int ROUND_REQUESTS = 100_000;
    private static final int STEADY_ROUNDS = 5;

    /**
     * Until the steady state must have come. Code that isn't compiled yet does allocate: a downcall makes a slice of the
     * segment for errno (48 bytes), which only the optimising compiler removes, and when that gets round to it depends on
     * the machine.
     */
    private static final int MOST_ROUNDS = 40;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final Queue<Throwable> complaints = new ConcurrentLinkedQueue<>();

    @TempDir
    Path folder;

    /** Where the bytes are kept. */
    enum Storage {
        MEMORY,
        FILE
    }

    /** What a session is made of: requests of 4 KiB whose kinds take turns. */
    record Load(String name, Storage storage, boolean structured, List<Integer> commands) {
        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Load> loads() {
        return Stream.of(
                new Load("reads from memory", Storage.MEMORY, false, List.of(NbdProtocol.CMD_READ)),
                new Load("writes to memory", Storage.MEMORY, false, List.of(NbdProtocol.CMD_WRITE)),
                new Load(
                        "reads and writes of a file",
                        Storage.FILE,
                        false,
                        List.of(NbdProtocol.CMD_READ, NbdProtocol.CMD_WRITE)),
                new Load("structured reads from a file", Storage.FILE, true, List.of(NbdProtocol.CMD_READ)),
                new Load(
                        "zeroes, cache hints and writes in memory",
                        Storage.MEMORY,
                        true,
                        List.of(NbdProtocol.CMD_WRITE_ZEROES, NbdProtocol.CMD_CACHE, NbdProtocol.CMD_WRITE)));
    }

    @ParameterizedTest(name = "{0}")
    @Timeout(300) // not a measure of speed: a client that waits so long is stuck
    @MethodSource("loads")
    void requestsAllocateNothing(final Load load) throws Exception {
        assumeTrue(
                THREADS.isThreadAllocatedMemorySupported() && THREADS.isThreadAllocatedMemoryEnabled(),
                "this JVM doesn't count what threads allocate");
        try (LoopGroup loops = startOrSkip()) {
            final Volume volume = new Volume("vol", "", open(load.storage, loops), false);
            try (NbdServer server = NbdServer.start(
                            loops,
                            new NbdServerConfig(List.of(ListenAddress.tcp("127.0.0.1", 0)), NbdLimits.defaults()),
                            ExportDirectory.of(volume),
                            SessionListener.none());
                    Client client = new Client(server.addresses().getFirst(), load)) {
                final CoreLoop loop = loops.loops().getFirst();
                final List<Long> allocated = new ArrayList<>();
                do {
                    allocated.add(allocatedInOneRound(client, loop));
                } while (allocated.size() < STEADY_ROUNDS
                        || (lastRounds(allocated) >= ALLOWANCE && allocated.size() < MOST_ROUNDS));
                assertThat(lastRounds(allocated))
                        .as(
                                "bytes that the loop's thread allocated in the last %d rounds of %d requests; in each: %s",
                                STEADY_ROUNDS, ROUND_REQUESTS, allocated)
                        .isLessThan(ALLOWANCE);
            }
            volume.close();
        }
        assertThat(complaints).as("what the core loop let through").isEmpty();
    }

    private static long allocatedInOneRound(final Client client, final CoreLoop loop) throws Exception {
        final long before = allocatedBy(loop);
        final long answered = loop.snapshot().requests();
        client.run(ROUND_REQUESTS);
        final long allocated = allocatedBy(loop) - before;
        assertThat(loop.snapshot().requests() - answered)
                .as("requests answered")
                .isEqualTo(ROUND_REQUESTS);
        return allocated;
    }

    private static long lastRounds(final List<Long> allocated) {
        return allocated.subList(allocated.size() - STEADY_ROUNDS, allocated.size()).stream()
                .mapToLong(Long::longValue)
                .sum();
    }

    private LoopGroup startOrSkip() throws IOException {
        try {
            return LoopGroup.start(LoopConfig.of(List.of(Affinity.allowed().getFirst())), complaints::add);
        } catch (final RingUnavailableException e) {
            abort("skipped: " + e.getMessage());
            throw e;
        }
    }

    private Backend open(final Storage storage, final LoopGroup loops) throws IOException {
        if (storage == Storage.MEMORY) {
            return new MemoryBackend(VOLUME_BYTES);
        }
        final Path file = folder.resolve("vol.img");
        Files.write(file, new byte[(int) VOLUME_BYTES]);
        return FileBackend.open(file, false, false, loops.blocking());
    }

    private static long allocatedBy(final CoreLoop loop) throws Exception {
        final CompletableFuture<Long> thread = new CompletableFuture<>();
        assertThat(loop.execute(() -> thread.complete(Thread.currentThread().threadId())))
                .isTrue();
        return THREADS.getThreadAllocatedBytes(thread.get(10, TimeUnit.SECONDS));
    }

    /** A client that sends 32 requests at a time and counts their replies' bytes. */
    private static final class Client implements AutoCloseable {
        private final SocketChannel socket;
        private final boolean structured;
        private final List<Integer> commands;
        private final ByteBuffer out = ByteBuffer.allocateDirect(BATCH * (NbdProtocol.REQUEST_BYTES + BLOCK));
        private final ByteBuffer in = ByteBuffer.allocateDirect(BATCH * (NbdProtocol.CHUNK_BYTES + 8 + BLOCK));
        private long sequence;

        Client(final SocketAddress address, final Load load) throws IOException {
            structured = load.structured;
            commands = load.commands;
            socket = SocketChannel.open(address);
            receive(18);
            out.putInt(NbdProtocol.FLAG_FIXED_NEWSTYLE | NbdProtocol.FLAG_NO_ZEROES);
            if (structured) {
                option(NbdProtocol.OPT_STRUCTURED_REPLY, 0);
            }
            option(NbdProtocol.OPT_GO, 6);
            out.putInt(0).putShort((short) 0);
            send();
            int acknowledged = structured ? 2 : 1;
            while (acknowledged > 0) {
                receive(20);
                final int type = in.getInt(12);
                assertThat(type).as("option reply").isIn(NbdProtocol.REP_ACK, NbdProtocol.REP_INFO);
                acknowledged -= type == NbdProtocol.REP_ACK ? 1 : 0;
                receive(in.getInt(16));
            }
        }

        private void option(final int option, final int bytes) {
            out.putLong(NbdProtocol.IHAVEOPT).putInt(option).putInt(bytes);
        }

        void run(final int requests) throws IOException {
            for (int done = 0; done < requests; done += BATCH) { // a round is a number of whole batches
                int replies = 0;
                for (int i = 0; i < BATCH; i++) {
                    final int command = commands.get((int) (sequence % commands.size()));
                    final long offset = sequence++ * 31 * BLOCK % VOLUME_BYTES;
                    out.putInt(NbdProtocol.REQUEST_MAGIC).putShort((short) 0).putShort((short) command);
                    out.putLong(i).putLong(offset).putInt(BLOCK);
                    if (command == NbdProtocol.CMD_WRITE) {
                        out.position(out.position() + BLOCK);
                    }
                    replies += replyBytes(command);
                }
                send();
                receive(replies);
                final int firstError = structured && commands.getFirst() == NbdProtocol.CMD_READ
                        ? in.getShort(6) & 0x8000
                        : in.getInt(4);
                assertThat(firstError).as("the error of the first reply").isZero();
            }
        }

        private int replyBytes(final int command) {
            if (command != NbdProtocol.CMD_READ) {
                return NbdProtocol.SIMPLE_REPLY_BYTES;
            }
            return (structured ? NbdProtocol.CHUNK_BYTES + Long.BYTES : NbdProtocol.SIMPLE_REPLY_BYTES) + BLOCK;
        }

        private void send() throws IOException {
            out.flip();
            while (out.hasRemaining()) {
                socket.write(out);
            }
            out.clear();
        }

        private void receive(final int bytes) throws IOException {
            in.clear().limit(bytes);
            while (in.hasRemaining()) {
                if (socket.read(in) < 0) {
                    throw new IOException("the server closed the connection");
                }
            }
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }
}
