package dev.fusedio.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.loop.SimulatedLoop;
import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.net.ListenAddress;
import dev.fusedio.ring.SimulatedFaults;
import dev.fusedio.ring.SimulatedFile;
import dev.fusedio.ring.SimulatedSocket;
import dev.fusedio.sys.Seeds;
import dev.fusedio.sys.SystemCallException;
import dev.fusedio.volume.Volume;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A stream of requests of every kind, cut anywhere: between which bytes a receive ends, and when the server is told to
 * stop, changes no answer. Of a stream that was cut by a stop the whole requests before the cut are answered.
 */
class StreamCutTest {
    private static final int FILE_BYTES = 256 << 10;
    private static final int UNTOUCHED = 192 << 10;
    private static final int SHUT_WR = 1;
    private static final int SHUT_RDWR = 2;
    private static final long ROUND_NANOS = 20_000;
    private static final int ROUNDS = 20_000;

    @ParameterizedTest
    @EnumSource(Headers.class)
    @DisplayName("fault 13: a stream cut between any two bytes is answered as a whole one is")
    void cutAnywhere(final Headers headers) throws Exception {
        final Stream stream = new Stream(headers, 10);
        final Map<Integer, Reply> whole = answersOf(stream);
        try (Session session = new Session(1, SimulatedFaults.none(), stream)) {
            for (int cut = 1; cut < stream.bytes.length; cut++) {
                session.expectAll();
                session.send(0, cut);
                session.loop.run();
                session.send(cut, stream.bytes.length);
                session.loop.run();
                session.collect();
                requireSame("cut at " + cut, stream, session.answers, whole);
                assertThat(session.answers).as("answers, cut at %d", cut).hasSize(whole.size());
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Headers.class)
    @DisplayName("fault 13: a stop between any two bytes answers the whole requests before it, and no other")
    void stoppedAnywhere(final Headers headers) throws Exception {
        final Stream stream = new Stream(headers, 10);
        final Map<Integer, Reply> whole = answersOf(stream);
        for (int cut = 0; cut <= stream.bytes.length; cut++) {
            try (Session session = new Session(cut, SimulatedFaults.none(), stream)) {
                session.expectAll();
                session.send(0, cut);
                session.loop.run();
                session.worker.stop();
                session.send(cut, stream.bytes.length);
                session.finish();
                requireSame("stopped at " + cut, stream, session.answers, whole);
                assertThat(session.answers).as("answers, stopped at %d", cut).hasSize(stream.wholeBefore(cut));
                session.requireWrittenAsAnswered();
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Headers.class)
    @DisplayName(
            "fault 26: a stop at any moment, with requests in flight, answers a beginning of the stream without errors")
    void stoppedAtAnyMoment(final Headers headers) {
        Seeds.forEach(150, seed -> {
            final SplittableRandom random = new SplittableRandom(seed);
            final Stream stream = new Stream(headers, random.nextInt(3) == 0 ? 20_000 : 600);
            final Map<Integer, Reply> whole = answersOf(stream);
            try (Session session = new Session(seed, SimulatedFaults.benign(seed), stream)) {
                session.expectAll();
                int sent = 0;
                for (int part = random.nextInt(6); part >= 0; part--) {
                    final int to = sent + random.nextInt(stream.bytes.length - sent + 1);
                    session.send(sent, to);
                    sent = to;
                    for (int round = random.nextInt(12); round > 0; round--) {
                        session.round();
                    }
                }
                session.worker.stop();
                session.send(sent, stream.bytes.length);
                session.finish();
                requireSame("seed " + seed, stream, session.answers, whole);
                final int answered = session.answers.size();
                assertThat(answered).isLessThanOrEqualTo(stream.wholeBefore(sent));
                assertThat(session.answers.keySet())
                        .as("a beginning of the stream")
                        .isEqualTo(whole.keySet().stream().limit(answered).collect(Collectors.toSet()));
                session.requireWrittenAsAnswered();
            }
        });
    }

    @ParameterizedTest
    @EnumSource(Headers.class)
    @DisplayName(
            "fault 9: a stop ends every session, whatever disks and connections do meanwhile, and leaves nothing behind")
    void stoppedWhileThingsFail(final Headers headers) {
        Seeds.forEach(150, seed -> {
            final SplittableRandom random = new SplittableRandom(seed);
            final Stream stream = new Stream(headers, random.nextInt(3) == 0 ? 20_000 : 600);
            try (Session session = new Session(seed, SimulatedFaults.hostile(seed), stream)) {
                if (session.socket.isReset()) {
                    return; // in its handshake, of which other tests are
                }
                session.expectAll();
                session.send(0, random.nextInt(stream.bytes.length + 1));
                for (int round = random.nextInt(20); round > 0; round--) {
                    session.round();
                }
                session.worker.stop();
                for (int round = 0; !session.worker.connections().isEmpty(); round++) {
                    assertThat(round).as("rounds without an end").isLessThan(ROUNDS);
                    session.round(); // its client reads, and neither sends nor closes
                }
                session.loop.requireNothingLeased();
                assertThat(session.server.sessions()).isEmpty();
            }
        });
    }

    private static Map<Integer, Reply> answersOf(final Stream stream) throws SystemCallException {
        try (Session session = new Session(7, SimulatedFaults.none(), stream)) {
            session.expectAll();
            session.send(0, stream.bytes.length);
            session.loop.run();
            session.collect();
            assertThat(session.answers).hasSize(stream.requests.size());
            return new TreeMap<>(session.answers);
        }
    }

    private static void requireSame(
            final String when,
            final Stream stream,
            final Map<Integer, Reply> answers,
            final Map<Integer, Reply> expected) {
        answers.forEach((index, reply) -> {
            final Reply wanted = expected.get(index);
            final boolean same = reply.error() == wanted.error()
                    && Arrays.equals(reply.data(), wanted.data())
                    && reply.extents().equals(wanted.extents());
            if (!same) {
                throw new AssertionError(
                        when + ": " + stream.requests.get(index) + " was answered " + reply + " and not " + wanted);
            }
        });
    }

    /**
     * One request; requests touch no bytes of each other's.
     *
     * @param effect the length of what it does
     * @param end where it ends in the stream
     */
    private record Request(int type, int flags, long offset, long effect, int end) {
        boolean writes() {
            return type == NbdProtocol.CMD_WRITE && offset + effect <= FILE_BYTES;
        }
    }

    /** Requests of every kind, as bytes. */
    private static final class Stream {
        private final Headers headers;
        private final List<Request> requests = new ArrayList<>();
        private final Wire wire = Wire.bytes();
        private byte[] bytes = new byte[0];
        private int free;

        /** @param most the longest payload */
        Stream(final Headers headers, final int most) {
            this.headers = headers;
            final int payloadFlag = headers.extended() ? NbdProtocol.CMD_FLAG_PAYLOAD_LEN : 0;
            write(payloadFlag, most);
            write(0, 1); // as qemu does it with extended headers
            write(NbdProtocol.CMD_FLAG_FUA | payloadFlag, most / 2);
            add(NbdProtocol.CMD_READ, 0, UNTOUCHED, most);
            add(NbdProtocol.CMD_FLUSH, 0, 0, 0);
            add(NbdProtocol.CMD_TRIM, 0, UNTOUCHED, 10);
            add(NbdProtocol.CMD_CACHE, 0, UNTOUCHED, 10);
            add(NbdProtocol.CMD_WRITE_ZEROES, NbdProtocol.CMD_FLAG_NO_HOLE, UNTOUCHED, 10);
            add(NbdProtocol.CMD_BLOCK_STATUS, 0, UNTOUCHED, 9000);
            add(NbdProtocol.CMD_BLOCK_STATUS, NbdProtocol.CMD_FLAG_REQ_ONE, UNTOUCHED, 9000);
            add(99, 0, 0, 10);
            add(NbdProtocol.CMD_READ, 0, FILE_BYTES, 1);
            add(NbdProtocol.CMD_WRITE, payloadFlag, FILE_BYTES, most, new byte[most]); // read over
            write(payloadFlag, 0);
            if (headers.extended()) {
                status(NbdProtocol.CMD_FLAG_PAYLOAD_LEN, NbdProtocol.BASE_ALLOCATION_ID);
                status(NbdProtocol.CMD_FLAG_PAYLOAD_LEN, 77);
                status(NbdProtocol.CMD_FLAG_PAYLOAD_LEN | NbdProtocol.CMD_FLAG_DF, NbdProtocol.BASE_ALLOCATION_ID);
                add(NbdProtocol.CMD_CACHE, payloadFlag, UNTOUCHED, 7, new byte[7]);
                add(NbdProtocol.CMD_BLOCK_STATUS, payloadFlag, UNTOUCHED, 11, new byte[11]);
            }
            write(payloadFlag, most);
            add(NbdProtocol.CMD_READ, 0, UNTOUCHED, 3);
            bytes = wire.toArray();
        }

        private void write(final int flags, final int length) {
            add(NbdProtocol.CMD_WRITE, flags, free, length, Patterns.random(free + 1, length));
            free += length;
        }

        private void status(final int flags, final int context) {
            final byte[] payload = Wire.bytes().u64(5000).u32(context).toArray();
            wire.raw(Wire.request(true, flags, NbdProtocol.CMD_BLOCK_STATUS, requests.size(), UNTOUCHED, 12));
            wire.raw(payload);
            requests.add(new Request(NbdProtocol.CMD_BLOCK_STATUS, flags, UNTOUCHED, 5000, wire.toArray().length));
        }

        private void add(final int type, final int flags, final long offset, final long length, final byte... payload) {
            wire.raw(Wire.request(headers.extended(), flags, type, requests.size(), offset, length));
            wire.raw(payload);
            requests.add(new Request(type, flags, offset, length, wire.toArray().length));
        }

        /** Requests that end before a place in the stream. */
        int wholeBefore(final int cut) {
            return (int) requests.stream().filter(each -> each.end <= cut).count();
        }
    }

    /** A client in transmission on a simulated kernel, and the server that it is connected to. */
    private static final class Session implements AutoCloseable {
        private final Stream stream;
        private final SimulatedLoop loop;
        private final SimulatedFile file;
        private final NbdServer server;
        private final NbdWorker worker;
        private final NbdConnection connection;
        private final SimulatedSocket socket;
        private final ReplyReader replies;
        private final Map<Integer, Reply> answers = new TreeMap<>();
        private boolean halfShut;
        private boolean shut;

        Session(final long seed, final SimulatedFaults faults, final Stream stream) throws SystemCallException {
            this.stream = stream;
            this.replies = new ReplyReader(stream.headers);
            loop = new SimulatedLoop(seed, faults, new SimulatedLoop.Config(16, 32, 8, 2L << 20, true, 4, 4096));
            file = loop.ring().file(FILE_BYTES);
            final Volume volume =
                    new Volume(TestServer.EXPORT, "", new SimulatedVolume(file, new SplittableRandom(seed)), false);
            server = new NbdServer(
                    List.of(loop.loop()),
                    new NbdServerConfig(List.of(ListenAddress.tcp("127.0.0.1", 0)), Limits.flow(8, 1 << 20, 16)),
                    ExportDirectory.of(volume),
                    SessionListener.none());
            worker = server.workers().getFirst();
            socket = loop.ring().socket();
            server.onAccepted(socket.fd());
            connection = worker.connections().getFirst();
            socket.write(TransmissionFuzzer.handshake(stream.headers));
            final int greeting = TransmissionFuzzer.greetingBytes(stream.headers);
            for (int round = 0; socket.available() < greeting && !socket.isReset(); round++) {
                assertThat(round).isLessThan(ROUNDS);
                loop.time().advance(ROUND_NANOS);
                loop.runOnce();
            }
            if (!socket.isReset()) {
                socket.read(greeting);
            }
        }

        /** The whole stream is to be sent, perhaps not for the first time. */
        void expectAll() {
            answers.clear();
            for (int i = 0; i < stream.requests.size(); i++) {
                final Request request = stream.requests.get(i);
                replies.expect(i, request.type, request.flags, request.offset, request.effect);
            }
        }

        void send(final int from, final int to) {
            socket.write(Arrays.copyOfRange(stream.bytes, from, to));
        }

        void collect() {
            final byte[] received = socket.read();
            replies.feed(received, 0, received.length);
            for (int i = 0; i < stream.requests.size(); i++) {
                final Reply reply = replies.take(i);
                if (reply != null) {
                    answers.put(i, reply);
                }
            }
        }

        void round() {
            loop.time().advance(ROUND_NANOS);
            loop.runOnce();
            if (connection.hasSentAll() && !halfShut) {
                halfShut = true; // the simulated kernel doesn't see the shutdown(2) that goes with it
                loop.ring().shutdownDescriptor(socket.fd(), SHUT_WR);
            }
            if (connection.isCut() && !shut) {
                shut = true;
                loop.ring().shutdownDescriptor(socket.fd(), SHUT_RDWR);
            }
            collect();
        }

        /** Reads to the end of the stream, closes, and expects the server to have closed then, at once. */
        void finish() {
            for (int round = 0; !socket.atEnd(); round++) {
                assertThat(round).as("rounds without an end").isLessThan(ROUNDS);
                round();
            }
            assertThat(replies.unread()).as("bytes of a reply that isn't whole").isZero();
            assertThat(connection.isCut()).as("closed before its client did").isFalse();
            socket.closeWrite();
            final long from = loop.time().nanos();
            for (int round = 0; !worker.connections().isEmpty(); round++) {
                assertThat(round).as("rounds after the client closed").isLessThan(ROUNDS);
                round();
            }
            assertThat(loop.time().nanos() - from).isLessThan(100_000_000);
            loop.requireNothingLeased();
            assertThat(server.sessions()).isEmpty();
        }

        /** A write that was not answered was not received whole, and is not carried out. */
        void requireWrittenAsAnswered() {
            final byte[] content = file.content();
            for (int i = 0; i < stream.requests.size(); i++) {
                final Request request = stream.requests.get(i);
                if (request.writes()) {
                    final int from = (int) request.offset;
                    final byte[] expected = answers.containsKey(i)
                            ? Patterns.random(from + 1, (int) request.effect)
                            : new byte[(int) request.effect];
                    assertThat(Arrays.copyOfRange(content, from, from + expected.length))
                            .as("%s", request)
                            .isEqualTo(expected);
                }
            }
        }

        @Override
        public void close() {
            loop.close();
        }
    }
}
