package dev.fusedio.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.loop.SimulatedLoop;
import dev.fusedio.loop.Slices;
import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.net.ListenAddress;
import dev.fusedio.ring.SimulatedFaults;
import dev.fusedio.ring.SimulatedSocket;
import dev.fusedio.sys.Errno;
import dev.fusedio.volume.InstantBackend;
import dev.fusedio.volume.Volume;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Long work of one client and short requests of another on one simulated core. */
class SlicingTest {
    /** Far less than recursion a slice deep would take, for 4,096 slices. */
    private static final long STACK_BYTES = 512 << 10;

    private static final int NO_HOLE = NbdProtocol.CMD_FLAG_NO_HOLE;
    private static final long GIB = 1L << 30;

    /** A client that is past its handshake. */
    private static final class Peer {
        private final SimulatedSocket socket;
        private final ReplyReader replies = new ReplyReader(Headers.EXTENDED);
        private long cookie;

        private Peer(final SimulatedLoop loop, final NbdServer server) {
            socket = loop.ring().socket();
            server.onAccepted(socket.fd());
            socket.write(Wire.join(
                    Wire.bytes().u32(3).toArray(),
                    Wire.option(NbdProtocol.OPT_EXTENDED_HEADERS),
                    Wire.option(NbdProtocol.OPT_GO, Wire.info(TestServer.EXPORT))));
            int greeting = 18 + 20 + (20 + 12) + 20;
            while (greeting > 0) {
                loop.runOnce();
                greeting -= socket.read().length;
            }
        }

        private long send(final int type, final int flags, final long offset, final long length) {
            replies.expect(++cookie, type, flags, offset, length);
            socket.write(Wire.request(true, flags, type, cookie, offset, length));
            return cookie;
        }

        /** The errors of answers that have come, -1 for one that has not. */
        private int error(final long of) {
            final byte[] bytes = socket.read();
            replies.feed(bytes, 0, bytes.length);
            final Reply reply = replies.take(of);
            return reply == null ? -1 : reply.error();
        }
    }

    private static void withSmallStack(final Callable<Void> test) throws Exception {
        final FutureTask<Void> task = new FutureTask<>(test);
        final Thread thread = new Thread(null, task, "small stack", STACK_BYTES);
        thread.start();
        task.get(60, TimeUnit.SECONDS);
        thread.join();
    }

    /** Zeroes {@code requests} ranges of {@code length} bytes, while another client reads one block after another. */
    private static void zeroWhileAnotherReads(final int requests, final long length) throws Exception {
        try (SimulatedLoop loop = new SimulatedLoop(1, SimulatedFaults.none())) {
            final InstantBackend backend = new InstantBackend(requests * length);
            final Volume volume = new Volume(TestServer.EXPORT, "", backend, false);
            final NbdServer server = new NbdServer(
                    List.of(loop.loop()),
                    new NbdServerConfig(List.of(ListenAddress.tcp("127.0.0.1", 0)), NbdLimits.defaults()),
                    ExportDirectory.of(volume),
                    SessionListener.none());
            final Peer zeroing = new Peer(loop, server);
            final Peer reading = new Peer(loop, server);
            final long[] zeroes = new long[requests];
            for (int i = 0; i < requests; i++) {
                zeroes[i] = zeroing.send(NbdProtocol.CMD_WRITE_ZEROES, NO_HOLE, i * length, length);
            }
            final long slices = requests * length / Slices.COPY_BYTES;
            long reads = 0;
            int answered = 0;
            while (answered < requests) {
                final long before = backend.writes();
                final long read = reading.send(NbdProtocol.CMD_READ, 0, 0, 4096);
                int error = -1;
                while (error < 0) {
                    loop.runOnce();
                    error = reading.error(read);
                }
                assertThat(error).isZero();
                assertThat(backend.writes() - before)
                        .as("slices while a read was answered")
                        .isLessThanOrEqualTo(8);
                reads++;
                while (answered < requests && zeroing.error(zeroes[answered]) >= 0) {
                    answered++;
                }
            }
            assertThat(reads).isGreaterThanOrEqualTo(slices / 8);
            assertThat(backend.writes()).isEqualTo(slices);
            assertThat(backend.written()).isEqualTo(requests * length);
            loop.requireNothingLeased();
        }
    }

    @Test
    @DisplayName("fault 4: 4 GiB of zeroes, written at once where fallocate is not supported, take turns with reads")
    void aLongRangeOfZeroes() throws Exception {
        withSmallStack(() -> {
            zeroWhileAnotherReads(1, 4 * GIB);
            return null;
        });
    }

    @Test
    @DisplayName("fault 4: zeroes of many requests at once are written one slice a round")
    void manyRequestsForZeroes() throws Exception {
        zeroWhileAnotherReads(16, GIB / 32);
    }

    @Test
    @DisplayName("fault 4: FAST_ZERO fails with ENOTSUP where every byte would be written")
    void fastZero() throws Exception {
        try (SimulatedLoop loop = new SimulatedLoop(1, SimulatedFaults.none())) {
            final InstantBackend backend = new InstantBackend(4 * GIB);
            final NbdServer server = new NbdServer(
                    List.of(loop.loop()),
                    new NbdServerConfig(List.of(ListenAddress.tcp("127.0.0.1", 0)), NbdLimits.defaults()),
                    ExportDirectory.of(new Volume(TestServer.EXPORT, "", backend, false)),
                    SessionListener.none());
            final Peer client = new Peer(loop, server);
            final long zeroes =
                    client.send(NbdProtocol.CMD_WRITE_ZEROES, NO_HOLE | NbdProtocol.CMD_FLAG_FAST_ZERO, 0, 4 * GIB);
            loop.run();
            assertThat(client.error(zeroes)).isEqualTo(Errno.EOPNOTSUPP);
            assertThat(backend.writes()).isZero();
        }
    }

    @Test
    @DisplayName("fault 4: a client that leaves ends its zeroes with the slice that is being written")
    void aClientThatLeaves() throws Exception {
        try (SimulatedLoop loop = new SimulatedLoop(1, SimulatedFaults.none())) {
            final InstantBackend backend = new InstantBackend(4 * GIB);
            final Volume volume = new Volume(TestServer.EXPORT, "", backend, false);
            final NbdServer server = new NbdServer(
                    List.of(loop.loop()),
                    new NbdServerConfig(List.of(ListenAddress.tcp("127.0.0.1", 0)), NbdLimits.defaults()),
                    ExportDirectory.of(volume),
                    SessionListener.none());
            final Peer client = new Peer(loop, server);
            client.send(NbdProtocol.CMD_WRITE_ZEROES, NO_HOLE, 0, 4 * GIB);
            while (backend.writes() < 10) {
                loop.runOnce();
            }
            client.socket.reset();
            for (int round = 0; round < 10; round++) {
                loop.runOnce();
            }
            assertThat(backend.writes()).isLessThanOrEqualTo(20);
            assertThat(server.sessions()).isEmpty();
            assertThat(volume.statistics().inFlight()).isZero();
            loop.requireNothingLeased();
        }
    }
}
