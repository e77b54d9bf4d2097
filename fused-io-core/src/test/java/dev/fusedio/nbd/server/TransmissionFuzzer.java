package dev.fusedio.nbd.server;

import dev.fusedio.loop.SimulatedLoop;
import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.net.ListenAddress;
import dev.fusedio.ring.SimulatedFaults;
import dev.fusedio.ring.SimulatedFile;
import dev.fusedio.ring.SimulatedSocket;
import dev.fusedio.volume.Volume;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * A fuzz target for the transmission phase, on a simulated kernel. Of an input the first byte draws the form of headers
 * and the kernel's faults; the rest is what a client sends after an honest handshake. Every input must end with a closed
 * connection, nothing leaked, and replies that fit the requests.
 */
public final class TransmissionFuzzer {
    private static final int MAX_INPUT = 64 << 10;
    private static final int FILE_BYTES = 64 << 10;
    private static final int SHUT_RDWR = 2;
    private static final int ROUNDS = 20_000;
    private static final long ROUND_NANOS = 100_000;
    private static final NbdLimits LIMITS = Limits.flow(8, 1 << 20, 16);

    private TransmissionFuzzer() {}

    /** Jazzer's entry point. */
    public static void fuzzerTestOneInput(final byte[] input) throws Exception {
        if (input.length == 0 || input.length > MAX_INPUT) {
            return;
        }
        final int seed = input[0] & 0xFF;
        final Headers headers = Headers.values()[seed % 3];
        final SimulatedFaults faults = seed < 128 ? SimulatedFaults.none() : SimulatedFaults.benign(seed);
        final byte[] requests = Arrays.copyOfRange(input, 1, input.length);
        final SimulatedLoop.Config config = new SimulatedLoop.Config(16, 32, 8, 2L << 20, true, 4, 4096);
        try (SimulatedLoop loop = new SimulatedLoop(seed, faults, config)) {
            final SimulatedFile file = loop.ring().file(FILE_BYTES);
            final Volume volume =
                    new Volume(TestServer.EXPORT, "", new SimulatedVolume(file, new SplittableRandom(seed)), false);
            final NbdServer server = new NbdServer(
                    List.of(loop.loop()),
                    new NbdServerConfig(List.of(ListenAddress.tcp("127.0.0.1", 0)), LIMITS),
                    ExportDirectory.of(volume),
                    SessionListener.none());
            final SimulatedSocket socket = loop.ring().socket();
            server.onAccepted(socket.fd());
            final byte[] answer = serve(loop, server, socket, Wire.join(handshake(headers), requests));
            check(headers, requests, Arrays.copyOfRange(answer, greetingBytes(headers), answer.length));
            loop.requireNothingLeased();
            if (volume.statistics().inFlight() != 0 || !server.sessions().isEmpty()) {
                throw new AssertionError("the session has gone and left something behind");
            }
        }
    }

    /** What a client sends until it is in transmission. */
    static byte[] handshake(final Headers headers) {
        final byte[] go = Wire.option(NbdProtocol.OPT_GO, Wire.info(TestServer.EXPORT));
        if (headers == Headers.SIMPLE) {
            return Wire.join(Wire.bytes().u32(3).toArray(), go);
        }
        return Wire.join(
                Wire.bytes().u32(3).toArray(),
                Wire.option(headers.extended() ? NbdProtocol.OPT_EXTENDED_HEADERS : NbdProtocol.OPT_STRUCTURED_REPLY),
                Wire.option(
                        NbdProtocol.OPT_SET_META_CONTEXT,
                        Wire.contexts(TestServer.EXPORT, NbdProtocol.BASE_ALLOCATION)),
                go);
    }

    /** Bytes of the server's part of that. */
    static int greetingBytes(final Headers headers) {
        final int reply = 20;
        return 18 + (headers == Headers.SIMPLE ? 0 : 3 * reply + 4 + 15) + 2 * reply + 12;
    }

    private static byte[] serve(
            final SimulatedLoop loop, final NbdServer server, final SimulatedSocket socket, final byte[] input) {
        final NbdWorker worker = server.workers().getFirst();
        final NbdConnection connection = worker.connections().getFirst();
        final Wire answer = Wire.bytes();
        socket.write(input);
        socket.closeWrite();
        boolean shut = false;
        for (int round = 0; !worker.connections().isEmpty(); round++) {
            if (round > ROUNDS) {
                throw new AssertionError("no end after " + ROUNDS + " rounds");
            }
            loop.time().advance(ROUND_NANOS);
            loop.runOnce();
            answer.raw(socket.read());
            if (connection.isCut() && !shut) {
                shut = true;
                loop.ring().shutdownDescriptor(socket.fd(), SHUT_RDWR);
            }
        }
        loop.run();
        return answer.raw(socket.read()).toArray();
    }

    /** Reads the requests independently of the server, and then its replies by them. */
    private static void check(final Headers headers, final byte[] requests, final byte[] answer) {
        final ReplyReader reader = new ReplyReader(headers);
        final @Nullable Boolean orderly = expect(headers, ByteBuffer.wrap(requests), reader);
        if (orderly == null) {
            return; // a cookie came twice: replies can't be told apart
        }
        reader.feed(answer, 0, answer.length);
        if (orderly && (reader.outstanding() > 0 || reader.unread() > 0)) {
            throw new AssertionError(reader.outstanding() + " requests were not answered");
        }
    }

    /** True when the server has no reason to cut the connection; null when the replies can't be checked. */
    private static @Nullable Boolean expect(final Headers headers, final ByteBuffer in, final ReplyReader reader) {
        final Set<Long> cookies = new HashSet<>();
        final int headerBytes = headers.extended() ? 32 : 28;
        while (in.remaining() >= headerBytes) {
            final int magic = in.getInt();
            if (magic != (headers.extended() ? NbdProtocol.EXTENDED_REQUEST_MAGIC : NbdProtocol.REQUEST_MAGIC)) {
                return false;
            }
            final int flags = in.getShort() & 0xFFFF;
            final int type = in.getShort() & 0xFFFF;
            final long cookie = in.getLong();
            final long offset = in.getLong();
            final long length = headers.extended() ? in.getLong() : in.getInt() & 0xFFFF_FFFFL;
            if (type == NbdProtocol.CMD_DISC) {
                return true;
            }
            // a WRITE has payload with extended headers even where it doesn't say so, for qemu's sake
            final boolean hasPayload = type == NbdProtocol.CMD_WRITE
                    || (headers.extended() && (flags & NbdProtocol.CMD_FLAG_PAYLOAD_LEN) != 0);
            final long payload = hasPayload ? length : 0;
            if (payload < 0 || payload > LIMITS.payloadAccepted()) {
                return false;
            }
            if (!cookies.add(cookie)) {
                return null;
            }
            final boolean status = type == NbdProtocol.CMD_BLOCK_STATUS && payload == 12 && in.remaining() >= 12;
            reader.expect(cookie, type, flags, offset, status ? in.getLong(in.position()) : length);
            if (payload > in.remaining()) {
                return false;
            }
            in.position(in.position() + (int) payload);
        }
        return true;
    }
}
