package dev.fusedio.backend.remote;

import static dev.fusedio.nbd.client.ScriptedServer.Peer.ints;
import static dev.fusedio.nbd.client.ScriptedServer.Peer.join;
import static dev.fusedio.nbd.client.ScriptedServer.Peer.longs;
import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.loop.LoopConfig;
import dev.fusedio.loop.LoopGroup;
import dev.fusedio.nbd.client.HeaderKind;
import dev.fusedio.nbd.client.ScriptedServer;
import dev.fusedio.nbd.client.ScriptedServer.Peer;
import dev.fusedio.nbd.client.ScriptedServer.Request;
import dev.fusedio.nbd.client.ScriptedServer.Script;
import dev.fusedio.nbd.wire.NbdProtocol;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The client on real rings against servers that lie, fall silent or leave. It loses connections, never data. */
@Timeout(60) // not a measure of speed: what waits so long is stuck
class HostileServerIT {
    private static final int LENGTH = 8192;
    private static final byte FILL = 0x5A;
    private static final int DONE = NbdProtocol.REPLY_FLAG_DONE;
    private static final int DATA = NbdProtocol.REPLY_TYPE_OFFSET_DATA;
    private static final int HOLE = NbdProtocol.REPLY_TYPE_OFFSET_HOLE;
    private static final int NONE = NbdProtocol.REPLY_TYPE_NONE;
    private static final int STATUS = NbdProtocol.REPLY_TYPE_BLOCK_STATUS;
    private static final int STATUS_EXT = NbdProtocol.REPLY_TYPE_BLOCK_STATUS_EXT;
    private static final int ERROR = NbdProtocol.REPLY_TYPE_ERROR;

    private final Queue<Throwable> complaints = new ConcurrentLinkedQueue<>();
    private LoopGroup loops;

    @BeforeEach
    void start() throws IOException {
        loops = LoopGroup.start(
                LoopConfig.of(LoopConfig.ofAllowedCores().cores().subList(0, 1)), complaints::add);
    }

    @AfterEach
    void stop() {
        loops.close();
        assertThat(complaints).as("what the core loops let through").isEmpty();
    }

    private static RemoteOptions options(final long requestMillis, final long fenceMillis) {
        return RemoteOptions.defaults()
                .withTimes(
                        Duration.ofSeconds(5),
                        Duration.ofMillis(requestMillis),
                        Duration.ofSeconds(20),
                        Duration.ofMillis(fenceMillis));
    }

    /** A reply to the first request. */
    @FunctionalInterface
    private interface Answer {
        void to(Request request, Peer peer) throws IOException;
    }

    /** A lie: what is asked, how it is answered, and how the client calls it. */
    record Lie(String name, HeaderKind headers, boolean status, Answer answer, String failure) {
        @Override
        public String toString() {
            return headers + ": " + name;
        }
    }

    private static Lie lie(final String name, final Answer answer, final String failure) {
        return new Lie(name, HeaderKind.STRUCTURED, false, answer, failure);
    }

    private static Lie simple(final String name, final Answer answer, final String failure) {
        return new Lie(name, HeaderKind.SIMPLE, false, answer, failure);
    }

    private static Lie extended(final String name, final Answer answer, final String failure) {
        return new Lie(name, HeaderKind.EXTENDED, false, answer, failure);
    }

    private static Lie status(final String name, final HeaderKind headers, final Answer answer, final String failure) {
        return new Lie(name, headers, true, answer, failure);
    }

    private static byte[] fill(final int length) {
        final byte[] bytes = new byte[length];
        Arrays.fill(bytes, FILL);
        return bytes;
    }

    private static byte[] data(final long offset, final int length) {
        return join(longs(offset), new byte[length]);
    }

    private static void chunk(final Peer peer, final int flags, final int type, final Request to, final byte... payload)
            throws IOException {
        peer.chunk(flags, type, to.cookie(), to.offset(), payload);
    }

    static Stream<Lie> lies() {
        return Stream.of(
                simple("a wrong magic number", (q, p) -> p.out.write(new byte[16]), "magic"),
                simple("a structured reply", (q, p) -> chunk(p, DONE, NONE, q), "magic"),
                simple("a cookie nobody has", (q, p) -> p.simple(0, q.cookie() + 1), "cookie"),
                simple("a cookie with another index", (q, p) -> p.simple(0, q.cookie() ^ 0xFFFF), "cookie"),
                simple("an old cookie", (q, p) -> p.simple(0, q.cookie() - 65536), "cookie"),
                simple(
                        "a reply twice",
                        (q, p) -> {
                            p.simple(5, q.cookie());
                            p.simple(5, q.cookie());
                        },
                        "cookie"),
                simple(
                        "a close in the middle of a header",
                        (q, p) -> {
                            p.out.write(new byte[] {0x67, 0x44, 0x66});
                            p.socket.shutdownOutput();
                        },
                        "closed the connection"),
                simple(
                        "a close in the middle of the payload",
                        (q, p) -> {
                            p.simple(0, q.cookie(), new byte[LENGTH - 1]);
                            p.socket.shutdownOutput();
                        },
                        "closed the connection"),
                simple("a close instead of a reply", (q, p) -> p.socket.shutdownOutput(), "closed the connection"),
                simple(
                        "a reset instead of a reply",
                        (q, p) -> {
                            p.socket.setSoLinger(true, 0);
                            p.socket.close();
                        },
                        "closed the connection"),
                simple("a shutdown", (q, p) -> p.simple(108, q.cookie()), "shutting down"),
                lie("a wrong magic number", (q, p) -> p.out.write(new byte[20]), "magic"),
                lie("an extended header", (q, p) -> p.out.write(ints(NbdProtocol.EXTENDED_REPLY_MAGIC, 0)), "magic"),
                lie("a simple reply with data", (q, p) -> p.simple(0, q.cookie(), new byte[LENGTH]), "simple reply"),
                lie("a cookie nobody has", (q, p) -> p.chunk(DONE, NONE, q.cookie() + 1, 0), "cookie"),
                lie("an unknown type", (q, p) -> chunk(p, DONE, 99, q), "unknown type"),
                lie("content where none is", (q, p) -> chunk(p, DONE, NONE, q, (byte) 1), "without content"),
                lie("nothing, without an end", (q, p) -> chunk(p, 0, NONE, q), "without content"),
                lie("an end without data", (q, p) -> chunk(p, DONE, NONE, q), "before all of its data"),
                lie(
                        "an end before the last byte",
                        (q, p) -> chunk(p, DONE, DATA, q, data(q.offset(), LENGTH - 1)),
                        "before all of its data"),
                lie("data without bytes", (q, p) -> chunk(p, DONE, DATA, q, longs(q.offset())), "or none"),
                lie(
                        "one byte more than asked",
                        (q, p) -> chunk(p, DONE, DATA, q, data(q.offset(), LENGTH + 1)),
                        "more bytes"),
                lie(
                        "data of 4 GiB",
                        (q, p) -> {
                            p.out.write(ints(NbdProtocol.STRUCTURED_REPLY_MAGIC, 1 << 16 | DATA));
                            p.out.write(longs(q.cookie()));
                            p.out.write(ints(-1));
                        },
                        "more bytes"),
                lie(
                        "data from before the range",
                        (q, p) -> chunk(p, DONE, DATA, q, data(q.offset() - 1, 512)),
                        "wasn't asked"),
                lie(
                        "data from behind the range",
                        (q, p) -> chunk(p, DONE, DATA, q, data(q.offset() + LENGTH - 511, 512)),
                        "wasn't asked"),
                lie("data from nowhere", (q, p) -> chunk(p, DONE, DATA, q, data(Long.MIN_VALUE, 512)), "wasn't asked"),
                lie(
                        "one byte twice",
                        (q, p) -> {
                            chunk(p, 0, DATA, q, data(q.offset(), 4096));
                            chunk(p, DONE, DATA, q, data(q.offset() + 4095, 4097));
                        },
                        "twice"),
                lie(
                        "too many pieces",
                        (q, p) -> {
                            for (int i = 0; i < 100; i++) {
                                chunk(p, 0, DATA, q, data(q.offset() + 2L * i, 1));
                            }
                        },
                        "too many pieces"),
                lie(
                        "a hole of no length",
                        (q, p) -> chunk(p, DONE, HOLE, q, join(longs(q.offset()), ints(0))),
                        "wasn't asked"),
                lie(
                        "a hole of 4 GiB",
                        (q, p) -> chunk(p, DONE, HOLE, q, join(longs(q.offset()), ints(-1))),
                        "wasn't asked"),
                lie("a hole without a length", (q, p) -> chunk(p, DONE, HOLE, q, longs(q.offset())), "wrong length"),
                lie("a status for a read", (q, p) -> chunk(p, DONE, STATUS, q, ints(7, 512, 0)), "nobody asked"),
                lie("an error without a number", (q, p) -> chunk(p, DONE, ERROR, q, ints(5)), "impossible length"),
                lie("an error of 64 KiB", (q, p) -> chunk(p, DONE, ERROR, q, new byte[65536]), "impossible length"),
                lie("an error that is none", (q, p) -> chunk(p, DONE, ERROR, q, new byte[6]), "no number"),
                lie(
                        "an error with less text than it says",
                        (q, p) -> chunk(p, DONE, ERROR, q, join(ints(5), new byte[] {0, 9, 65})),
                        "another length"),
                lie(
                        "a close in the middle of the payload",
                        (q, p) -> {
                            p.out.write(ints(NbdProtocol.STRUCTURED_REPLY_MAGIC, 1 << 16 | DATA));
                            p.out.write(longs(q.cookie()));
                            p.out.write(ints(8 + LENGTH));
                            p.out.write(data(q.offset(), 100));
                            p.socket.shutdownOutput();
                        },
                        "closed the connection"),
                extended("a simple reply", (q, p) -> p.simple(0, q.cookie()), "magic"),
                extended("another offset", (q, p) -> p.chunk(DONE, NONE, q.cookie(), q.offset() + 1), "another offset"),
                extended(
                        "a length of 2^63",
                        (q, p) -> {
                            p.out.write(ints(NbdProtocol.EXTENDED_REPLY_MAGIC, 1 << 16 | DATA));
                            p.out.write(longs(q.cookie(), q.offset(), Long.MIN_VALUE));
                        },
                        "longer than any"),
                status("no status", HeaderKind.STRUCTURED, (q, p) -> chunk(p, DONE, NONE, q), "no content"),
                status("a simple reply", HeaderKind.STRUCTURED, (q, p) -> p.simple(0, q.cookie()), "no content"),
                status(
                        "another context",
                        HeaderKind.STRUCTURED,
                        (q, p) -> chunk(p, DONE, STATUS, q, ints(8, 512, 0)),
                        "another context"),
                status(
                        "half an extent",
                        HeaderKind.STRUCTURED,
                        (q, p) -> chunk(p, DONE, STATUS, q, ints(7, 512)),
                        "impossible length"),
                status(
                        "no extent",
                        HeaderKind.STRUCTURED,
                        (q, p) -> chunk(p, DONE, STATUS, q, ints(7)),
                        "impossible length"),
                status(
                        "an extent of no length",
                        HeaderKind.STRUCTURED,
                        (q, p) -> chunk(p, DONE, STATUS, q, ints(7, 0, 0)),
                        "no length"),
                status(
                        "a status twice",
                        HeaderKind.STRUCTURED,
                        (q, p) -> {
                            chunk(p, 0, STATUS, q, ints(7, 512, 0));
                            chunk(p, DONE, STATUS, q, ints(7, 512, 0));
                        },
                        "twice"),
                status(
                        "data",
                        HeaderKind.STRUCTURED,
                        (q, p) -> chunk(p, DONE, DATA, q, data(q.offset(), 512)),
                        "isn't a read"),
                status(
                        "the compact form",
                        HeaderKind.EXTENDED,
                        (q, p) -> chunk(p, DONE, STATUS, q, ints(7, 512, 0)),
                        "other form"),
                status(
                        "another count",
                        HeaderKind.EXTENDED,
                        (q, p) -> chunk(p, DONE, STATUS_EXT, q, join(ints(7, 2), longs(512, 0))),
                        "another number"),
                status(
                        "a negative extent",
                        HeaderKind.EXTENDED,
                        (q, p) -> chunk(p, DONE, STATUS_EXT, q, join(ints(7, 1), longs(-1, 0))),
                        "no length"));
    }

    /** Reads what the client still sends, until it closes. */
    private static void drain(final Peer peer) throws IOException {
        while (peer.in.read() >= 0) {
            // nothing is done with it
        }
    }

    /** A server that answers each request truly; reads are all {@link #FILL}. */
    private static Script honest(final HeaderKind headers, final List<String> events) {
        return peer -> {
            peer.handshake(headers, ScriptedServer.SIZE, ScriptedServer.FLAGS);
            while (true) {
                serve(peer, peer.request(), events);
            }
        };
    }

    private static void serve(final Peer peer, final Request request, final List<String> events) throws IOException {
        if (request.type() == NbdProtocol.CMD_WRITE) {
            events.add("write " + request.payload()[0]);
        }
        if (request.type() == NbdProtocol.CMD_READ) {
            if (peer.structured || peer.extended) {
                chunk(peer, DONE, DATA, request, join(longs(request.offset()), fill((int) request.length())));
            } else {
                peer.simple(0, request.cookie(), fill((int) request.length()));
            }
        } else if (request.type() == NbdProtocol.CMD_BLOCK_STATUS) {
            if (peer.extended) {
                chunk(peer, DONE, STATUS_EXT, request, join(ints(7, 1), longs(request.length(), 3)));
            } else {
                chunk(peer, DONE, STATUS, request, ints(7, (int) request.length(), 3));
            }
        } else if (peer.extended) {
            chunk(peer, DONE, NONE, request);
        } else {
            peer.simple(0, request.cookie());
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("lies")
    void costsALiarItsConnection(final Lie lie) throws Exception {
        final Script lying = peer -> {
            peer.handshake(lie.headers, ScriptedServer.SIZE, ScriptedServer.FLAGS);
            lie.answer.to(peer.request(), peer);
            if (!peer.socket.isClosed()) {
                drain(peer);
            }
        };
        try (ScriptedServer server = new ScriptedServer(lying, honest(lie.headers, new ArrayList<>()));
                RemoteBackend backend = RemoteBackend.connect(server.uri(), options(20_000, 5_000), loops.loops());
                RemoteDevice device = new RemoteDevice(backend, loops.loops().getFirst())) {
            if (lie.status) {
                assertThat(RemoteDevice.get(device.extents(4096, LENGTH, 8))).isEqualTo("hole " + LENGTH);
            } else {
                final byte[] back = new byte[LENGTH];
                final int result = RemoteDevice.get(device.read(back, 4096));
                if (lie.name.equals("a reply twice")) {
                    assertThat(result).as("the first reply was one").isEqualTo(-5);
                } else {
                    assertThat(result).isZero();
                    assertThat(back).containsOnly(FILL);
                }
            }
            for (int i = 0; i < 500 && backend.status().sessions() < 2; i++) {
                Thread.sleep(10);
            }
            assertThat(backend.status().lastFailure()).contains(lie.failure);
            assertThat(server.connections()).isEqualTo(2);
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "5, 5", "12, 12", "22, 22", "28, 28", "75, 75", "95, 95", "99, 5", "-1, 5"})
    void passesErrorsOn(final int error, final int errno) throws Exception {
        for (final HeaderKind headers : HeaderKind.values()) {
            final Script script = peer -> {
                peer.handshake(headers, ScriptedServer.SIZE, ScriptedServer.FLAGS);
                while (true) {
                    final Request request = peer.request();
                    if (headers == HeaderKind.SIMPLE) {
                        peer.simple(error, request.cookie());
                        continue;
                    }
                    final byte[] text = "\u001b[1mbroken".getBytes(StandardCharsets.UTF_8);
                    if (request.type() == NbdProtocol.CMD_READ) { // fails in the middle, and goes on all the same
                        chunk(peer, 0, DATA, request, data(request.offset(), 512));
                        chunk(
                                peer,
                                0,
                                NbdProtocol.REPLY_TYPE_ERROR_OFFSET,
                                request,
                                join(ints(error), new byte[] {0, 0}, longs(request.offset() + 512)));
                        chunk(peer, DONE, DATA, request, data(request.offset() + 1024, 512));
                    } else {
                        chunk(peer, DONE, ERROR, request, join(ints(error), new byte[] {0, 10}, text));
                    }
                }
            };
            try (ScriptedServer server = new ScriptedServer(script);
                    RemoteBackend backend = RemoteBackend.connect(server.uri(), options(20_000, 1_000), loops.loops());
                    RemoteDevice device =
                            new RemoteDevice(backend, loops.loops().getFirst())) {
                assertThat(RemoteDevice.get(device.read(new byte[LENGTH], 0))).isEqualTo(-errno);
                assertThat(RemoteDevice.get(device.write(new byte[LENGTH], 0, true)))
                        .isEqualTo(-errno);
                assertThat(RemoteDevice.get(device.flush())).isEqualTo(-errno);
                assertThat(RemoteDevice.get(device.trim(0, 4096))).isEqualTo(-errno);
                assertThat(RemoteDevice.get(device.zero(0, 4096, true))).isEqualTo(-errno);
                assertThat(backend.status().sessions()).isOne();
                if (headers != HeaderKind.SIMPLE) {
                    assertThat(backend.status().serverText()).isEqualTo("?[1mbroken");
                }
            }
        }
    }

    @Test
    void aSilentServerIsGivenUp() throws Exception {
        final Script silent = peer -> {
            peer.handshake(HeaderKind.SIMPLE, ScriptedServer.SIZE, ScriptedServer.FLAGS);
            drain(peer);
        };
        try (ScriptedServer server = new ScriptedServer(silent, honest(HeaderKind.SIMPLE, new ArrayList<>()));
                RemoteBackend backend = RemoteBackend.connect(server.uri(), options(1_000, 5_000), loops.loops());
                RemoteDevice device = new RemoteDevice(backend, loops.loops().getFirst())) {
            final byte[] back = new byte[LENGTH];
            assertThat(RemoteDevice.get(device.read(back, 0))).isZero();
            assertThat(back).containsOnly(FILL);
            assertThat(backend.status().lastFailure()).contains("without its reply");
        }
    }

    @Test
    void aServerThatIsSilentForEverMakesEio() throws Exception {
        final Script silent = peer -> {
            peer.handshake(HeaderKind.SIMPLE, ScriptedServer.SIZE, ScriptedServer.FLAGS);
            drain(peer);
        };
        final RemoteOptions options = RemoteOptions.defaults()
                .withTimes(Duration.ofSeconds(5), Duration.ofMillis(700), Duration.ofSeconds(1), Duration.ofSeconds(1));
        try (ScriptedServer server = new ScriptedServer(silent);
                RemoteBackend backend = RemoteBackend.connect(server.uri(), options, loops.loops());
                RemoteDevice device = new RemoteDevice(backend, loops.loops().getFirst())) {
            assertThat(RemoteDevice.get(device.write(new byte[LENGTH], 0, false)))
                    .isEqualTo(-5);
        }
    }

    @Test
    void aServerThatComesBackDifferentMakesEioAndSaysWhy() throws Exception {
        final Script first = peer -> {
            peer.handshake(HeaderKind.SIMPLE, ScriptedServer.SIZE, ScriptedServer.FLAGS);
            peer.request();
        };
        final Script smaller = peer -> {
            peer.handshake(HeaderKind.SIMPLE, ScriptedServer.SIZE / 2, ScriptedServer.FLAGS);
            drain(peer);
        };
        final RemoteOptions options = RemoteOptions.defaults()
                .withTimes(Duration.ofSeconds(5), Duration.ofSeconds(5), Duration.ofSeconds(1), Duration.ofSeconds(1));
        try (ScriptedServer server = new ScriptedServer(first, smaller);
                RemoteBackend backend = RemoteBackend.connect(server.uri(), options, loops.loops());
                RemoteDevice device = new RemoteDevice(backend, loops.loops().getFirst())) {
            assertThat(RemoteDevice.get(device.write(new byte[LENGTH], 0, false)))
                    .isEqualTo(-5);
            assertThat(backend.status().lastFailure()).contains("shrunk from 1048576 to 524288");
        }
    }

    // --- the fence ---------------------------------------------------------------------------------------------------

    private static byte[] all(final int value) {
        final byte[] bytes = new byte[LENGTH];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    /**
     * A write is stalled on the first connection, a newer one of the same bytes waits. The server executes the stalled one
     * when it sees that the client has left, as servers do, and then closes: only then may anything of both come.
     */
    @Test
    void aStalledWriteNeverLandsAfterANewerOne() throws Exception {
        final List<String> events = new CopyOnWriteArrayList<>();
        final Script stalling = peer -> {
            peer.handshake(HeaderKind.STRUCTURED, ScriptedServer.SIZE, ScriptedServer.FLAGS);
            final Request stalled = peer.request();
            drain(peer);
            Thread.sleep(700);
            events.add("late " + stalled.payload()[0]);
        };
        try (ScriptedServer server = new ScriptedServer(stalling, honest(HeaderKind.STRUCTURED, events));
                RemoteBackend backend = RemoteBackend.connect(server.uri(), options(500, 10_000), loops.loops());
                RemoteDevice device = new RemoteDevice(backend, loops.loops().getFirst())) {
            final CompletableFuture<Integer> older = device.write(all(1), 0, false);
            final CompletableFuture<Integer> newer = device.write(all(2), 4096, false);
            assertThat(RemoteDevice.get(older)).isZero();
            assertThat(RemoteDevice.get(newer)).isZero();
            assertThat(events).containsExactly("late 1", "write 1", "write 2");
            assertThat(backend.status().replays()).isOne();
        }
    }

    /** Takes a write, answers nothing, and doesn't close when the client has: it is paused, or what it has is still queued. */
    private static Script stuck(final List<String> events) {
        return peer -> {
            peer.handshake(HeaderKind.STRUCTURED, ScriptedServer.SIZE, ScriptedServer.FLAGS);
            peer.request();
            drain(peer);
            try {
                for (int i = 0; i < 1000; i++) {
                    peer.out.write(new byte[1]); // never closes, and isn't believed
                    Thread.sleep(10);
                }
                events.add("not reset");
            } catch (final IOException e) {
                events.add("reset");
            }
        };
    }

    @Test
    @DisplayName("fault 16: changes of a connection that the server was not seen to end are not sent again")
    void aServerThatDoesNotCloseMakesEio() throws Exception {
        final List<String> events = new CopyOnWriteArrayList<>();
        try (ScriptedServer server = new ScriptedServer(stuck(events), honest(HeaderKind.STRUCTURED, events));
                RemoteBackend backend = RemoteBackend.connect(server.uri(), options(300, 1_000), loops.loops());
                RemoteDevice device = new RemoteDevice(backend, loops.loops().getFirst())) {
            final CompletableFuture<Integer> older = device.write(all(1), 0, false);
            final CompletableFuture<Integer> newer = device.write(all(2), 4096, false);
            assertThat(RemoteDevice.get(older)).isEqualTo(-5);
            assertThat(RemoteDevice.get(newer)).as("it had not been sent").isZero();
            awaitTwo(events);
            assertThat(events).containsExactlyInAnyOrder("reset", "write 2");
            assertThat(backend.status().replays()).isZero();
        }
    }

    @Test
    @DisplayName("fault 16: reads of such a connection are sent again")
    void readsAreSentAgain() throws Exception {
        final List<String> events = new CopyOnWriteArrayList<>();
        try (ScriptedServer server = new ScriptedServer(stuck(events), honest(HeaderKind.STRUCTURED, events));
                RemoteBackend backend = RemoteBackend.connect(server.uri(), options(300, 1_000), loops.loops());
                RemoteDevice device = new RemoteDevice(backend, loops.loops().getFirst())) {
            assertThat(RemoteDevice.get(device.read(new byte[LENGTH], 0))).isZero();
            assertThat(backend.status().replays()).isOne();
        }
    }

    @Test
    @DisplayName("fault 16: where the user chose it, they are sent again after the reset")
    void aServerThatDoesNotCloseIsResetAfterAWhile() throws Exception {
        final List<String> events = new CopyOnWriteArrayList<>();
        try (ScriptedServer server = new ScriptedServer(stuck(events), honest(HeaderKind.STRUCTURED, events));
                RemoteBackend backend = RemoteBackend.connect(
                        server.uri(), options(300, 1_000).withReplayUnfenced(true), loops.loops());
                RemoteDevice device = new RemoteDevice(backend, loops.loops().getFirst())) {
            final long begin = System.nanoTime();
            assertThat(RemoteDevice.get(device.write(all(1), 0, false))).isZero();
            assertThat(System.nanoTime() - begin).isGreaterThan(1_300_000_000L);
            awaitTwo(events);
            assertThat(events).containsExactlyInAnyOrder("reset", "write 1");
        }
    }

    private static void awaitTwo(final List<String> events) throws InterruptedException {
        for (int i = 0; i < 200 && events.size() < 2; i++) {
            Thread.sleep(10);
        }
    }

    /** The server drops the connection again and again in the middle of overlapping writes; their order stays. */
    @Test
    void overlappingWritesKeepTheirOrder() throws Exception {
        final List<String> events = new CopyOnWriteArrayList<>();
        final Script leaving = peer -> {
            peer.handshake(HeaderKind.EXTENDED, ScriptedServer.SIZE, ScriptedServer.FLAGS);
            serve(peer, peer.request(), events);
            peer.request();
        };
        try (ScriptedServer server = new ScriptedServer(leaving);
                RemoteBackend backend = RemoteBackend.connect(server.uri(), options(5_000, 1_000), loops.loops());
                RemoteDevice device = new RemoteDevice(backend, loops.loops().getFirst())) {
            final List<CompletableFuture<Integer>> writes = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                writes.add(device.write(all(i), 512L * i, false));
            }
            for (final CompletableFuture<Integer> write : writes) {
                assertThat(RemoteDevice.get(write)).isZero();
            }
            assertThat(events)
                    .containsExactly(Stream.iterate(0, i -> i + 1)
                            .limit(10)
                            .map(i -> "write " + i)
                            .toArray(String[]::new));
        }
    }
}
