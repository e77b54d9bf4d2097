package dev.fusedio.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.loop.SimulatedLoop;
import dev.fusedio.loop.Slab;
import dev.fusedio.net.ListenAddress;
import dev.fusedio.ring.Fault;
import dev.fusedio.ring.SimulatedFaults;
import dev.fusedio.ring.SimulatedFile;
import dev.fusedio.ring.SimulatedRing;
import dev.fusedio.ring.SimulatedSocket;
import dev.fusedio.sys.Seeds;
import dev.fusedio.volume.Volume;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * The server on a simulated kernel, against clients that know what every reply must be. Each seed draws another kernel,
 * another server and other clients.
 */
class SimulatedServerTest {
    private static final int ROUNDS = 200_000;
    private static final long ROUND_NANOS = 20_000;
    private static final int SHUT_RDWR = 2;

    @Test
    void aKernelThatNeverFailsARequest() {
        Seeds.forEach(1200, seed -> run(seed, SimulatedFaults.benign(seed), true, false));
    }

    @Test
    void aKernelWhoseDisksAndConnectionsFail() {
        Seeds.forEach(600, seed -> run(seed, SimulatedFaults.hostile(seed), false, false));
    }

    @Test
    void clientsThatVanish() {
        Seeds.forEach(600, seed -> run(seed, SimulatedFaults.benign(seed), true, true));
    }

    @Test
    @DisplayName("fault 11: every session ends, and nothing stays leased, when the kernel often takes no submission")
    void aKernelThatTakesNoSubmission() {
        final int tinyRing = 4; // see SimulatedLoop.Config
        Seeds.forEach(150, seed -> {
            final SimulatedFaults faults = SimulatedFaults.benign(seed).with(Fault.NOTHING_TAKEN, 800);
            run(tinyRing * seed, faults, true, seed % 2 == 0);
        });
    }

    private static void run(
            final long seed, final SimulatedFaults faults, final boolean lossless, final boolean vanishing)
            throws Exception {
        final SplittableRandom random = new SplittableRandom(seed ^ 0x4E42_4421L);
        final SimulatedLoop.Config drawn = SimulatedLoop.Config.of(seed);
        final SimulatedLoop.Config config = new SimulatedLoop.Config(
                drawn.entries(),
                drawn.completions(),
                drawn.files(),
                random.nextBoolean() ? 2L << 20 : 8L << 20,
                drawn.slabRegistered(),
                drawn.receiveBuffers(),
                drawn.receiveBufferBytes());
        try (SimulatedLoop loop = new SimulatedLoop(seed, faults, config)) {
            final boolean large = random.nextInt(12) == 0;
            final int part = large ? 5 << 20 : 60_000;
            final int clients = 1 + random.nextInt(large ? 2 : 4);
            final Ballast ballast = new Ballast(loop.loop().slab(), large ? Slab.MAX_BLOCK : 64 << 10, random);
            final SimulatedFile file = loop.ring().file((long) part * clients);
            if (random.nextInt(4) == 0) {
                file.refuseAllocate();
            }
            // not closed: that would wait for the loop, which is this very thread
            final Volume volume = new Volume(TestServer.EXPORT, "", new SimulatedVolume(file, random.split()), false);
            final NbdServer server = new NbdServer(
                    List.of(loop.loop()),
                    new NbdServerConfig(List.of(ListenAddress.tcp("127.0.0.1", 0)), limits(random)),
                    ExportDirectory.of(volume),
                    SessionListener.none());
            final NbdWorker worker = server.workers().getFirst();
            final List<Connected> all = new ArrayList<>();
            for (int i = 0; i < clients; i++) {
                final SimulatedSocket socket = loop.ring().socket();
                final SimulatedClient client = new SimulatedClient(
                        random.split(), socket, file, i * part, part, 10 + random.nextInt(60), lossless);
                server.onAccepted(socket.fd());
                all.add(new Connected(
                        socket, client, worker, worker.connections().getLast()));
            }
            serve(loop, all, random, vanishing);
            if (lossless && !vanishing) {
                assertThat(all).allMatch(each -> each.client.answered() >= 10);
            }
            ballast.release();
            requireNothingLeft(loop, server, volume);
        }
    }

    private static void requireNothingLeft(final SimulatedLoop loop, final NbdServer server, final Volume volume) {
        assertThat(server.sessions()).as("sessions").isEmpty();
        assertThat(server.snapshot().connections()).as("connections").isZero();
        assertThat(volume.statistics().inFlight()).as("operations in flight").isZero();
        loop.requireNothingLeased();
        assertThat(loop.ring().inFlight()).as("on the ring: the wake-up's read").isLessThanOrEqualTo(1);
        final Volume.Lane lane = volume.acquire(loop.loop());
        assertThat(lane.users()).as("users of the volume's lane").isEqualTo(1);
        lane.backend().detach();
        assertThat(loop.ring().installedFiles()).as("files in the ring's table").isZero();
    }

    private static NbdLimits limits(final SplittableRandom random) {
        final NbdLimits limits =
                Limits.flow(1 + random.nextInt(30), 4096L << random.nextInt(12), 1 + random.nextInt(64));
        assertThat(limits.stallTime()).isGreaterThan(Duration.ofNanos(ROUNDS * ROUND_NANOS));
        return limits;
    }

    private static void serve(
            final SimulatedLoop loop,
            final List<Connected> all,
            final SplittableRandom random,
            final boolean vanishing) {
        for (int round = 0; !all.stream().allMatch(each -> each.isOver()); round++) {
            if (round > ROUNDS) {
                throw new AssertionError("no end after " + ROUNDS + " rounds");
            }
            for (final Connected each : all) {
                each.step(loop.ring());
                if (vanishing && !each.client.isClosing() && random.nextInt(400) == 0) {
                    each.client.vanish();
                }
            }
            loop.time().advance(ROUND_NANOS);
            loop.runOnce();
        }
        all.forEach(each -> each.client.requireAllAnswered());
    }

    /** Takes memory away, so that the server has to wait for it often. */
    private static final class Ballast {
        private final Slab slab;
        private final Map<Long, Integer> blocks = new HashMap<>();

        /** @param block a block of this length is left at least */
        Ballast(final Slab slab, final int block, final SplittableRandom random) {
            this.slab = slab;
            final long left = (long) block << random.nextInt(4);
            for (int bytes = Slab.MAX_BLOCK; bytes >= block; bytes /= 2) {
                while (slab.length() - slab.leased() - bytes >= left) {
                    final long address = slab.lease(bytes);
                    if (address == 0) {
                        break;
                    }
                    blocks.put(address, bytes);
                }
            }
        }

        void release() {
            blocks.forEach(slab::release);
        }
    }

    /** A client, and the server's side of its connection. */
    private static final class Connected {
        private final SimulatedSocket socket;
        private final SimulatedClient client;
        private final NbdWorker worker;
        private final NbdConnection connection;
        private boolean shut;

        Connected(
                final SimulatedSocket socket,
                final SimulatedClient client,
                final NbdWorker worker,
                final NbdConnection connection) {
            this.socket = socket;
            this.client = client;
            this.worker = worker;
            this.connection = connection;
        }

        void step(final SimulatedRing ring) {
            if (connection.isCut() && !shut) {
                shut = true; // the simulated kernel doesn't see the shutdown(2) that goes with it
                ring.shutdownDescriptor(socket.fd(), SHUT_RDWR);
            }
            client.step();
        }

        boolean isOver() {
            return shut && client.isOver() && !worker.connections().contains(connection);
        }
    }
}
