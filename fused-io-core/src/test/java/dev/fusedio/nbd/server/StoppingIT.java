package dev.fusedio.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.backend.memory.MemoryBackend;
import dev.fusedio.backend.wrap.DelayBackend;
import dev.fusedio.loop.LoopConfig;
import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.volume.Backend;
import dev.fusedio.volume.VolumeOperation;
import java.io.IOException;
import java.net.ConnectException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How sessions end when the server wants it. */
@Timeout(120) // not a measure of speed: where the grace is an hour, what waits so long waits for it
class StoppingIT {
    private static final int MIB = 1 << 20;
    private static final int WRITE_BYTES = 64 << 10;

    private TestServer server;

    @BeforeEach
    void start() throws IOException {
        server = TestServer.memory(LoopConfig.ofAllowedCores(), Limits.flow(4, 4 * MIB, 16_384));
    }

    @AfterEach
    void stop() throws IOException {
        server.close();
    }

    private CompletableFuture<Void> stopping(final Duration grace) {
        return CompletableFuture.runAsync(() -> server.server().stop(grace));
    }

    @Test
    void idleSessionsAreClosedAtOnce() throws IOException {
        try (WireClient session = server.open(Headers.STRUCTURED);
                WireClient negotiating = server.connect().greet()) {
            final CompletableFuture<Void> stopped = stopping(Duration.ofHours(1));
            session.awaitEnd();
            negotiating.awaitEnd();
            assertThat(session.wasReset()).isFalse();
            stopped.join(); // without waiting for its grace
        }
        assertThat(org.assertj.core.api.Assertions.catchThrowable(
                        () -> server.connect().close()))
                .isInstanceOf(ConnectException.class);
    }

    @ParameterizedTest
    @EnumSource(Headers.class)
    @DisplayName("fault 26: a client that keeps sending gets all answers it will get, no error, the end, and no reset")
    void whatWasReceivedIsAnsweredAndTheRestIsNot(final Headers headers) throws IOException {
        try (WireClient client = server.open(headers)) {
            // more replies than the socket takes, so that some are in flight when the end comes
            final List<byte[]> requests = new ArrayList<>();
            final List<Long> reads = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                requests.add(client.compose(NbdProtocol.CMD_READ, 0, 0, MIB));
                reads.add(client.lastCookie());
            }
            client.send(Wire.join(requests.toArray(byte[][]::new)));
            TestServer.await(
                    "requests are in flight",
                    () -> server.server().sessions().stream().anyMatch(session -> session.inFlight() > 0));
            final CompletableFuture<Void> stopped = stopping(Duration.ofHours(1));
            final List<Long> writes = new ArrayList<>();
            boolean taken = true;
            while (taken) { // it reads replies as well, and sends until it sees the end of the stream
                final byte[] header =
                        client.compose(NbdProtocol.CMD_WRITE, payloadFlag(headers), 2L * MIB, WRITE_BYTES);
                writes.add(client.lastCookie());
                taken = client.trySend(Wire.join(header, new byte[WRITE_BYTES]));
            }
            client.awaitEnd();
            assertThat(client.wasReset()).isFalse();
            for (final long cookie : reads) {
                assertThat(client.answered(cookie)).matches(reply -> reply != null && reply.error() == 0);
            }
            final List<Reply> answers = writes.stream().map(client::answered).toList();
            assertThat(answers).filteredOn(Objects::nonNull).allMatch(reply -> reply.error() == 0);
            assertThat(answers.getLast()).as("the write that was under way").isNull();
            stopped.join(); // without waiting for its grace
        }
    }

    private static int payloadFlag(final Headers headers) {
        return headers.extended() ? NbdProtocol.CMD_FLAG_PAYLOAD_LEN : 0;
    }

    @Test
    @DisplayName(
            "fault 9: a session whose last request ends while the server stops ends with it, and not with the grace")
    void aSessionThatBecomesIdleEndsAtOnce() throws IOException {
        final Backend slow = new DelayBackend(new MemoryBackend(64L * MIB), Set.of(VolumeOperation.READ), 400_000_000L);
        try (TestServer delayed = TestServer.serving(slow, false);
                WireClient client = delayed.open(Headers.STRUCTURED)) {
            final long cookie = client.submit(NbdProtocol.CMD_READ, NbdProtocol.CMD_FLAG_DF, 0, MIB);
            TestServer.await(
                    "the request is in flight",
                    () -> delayed.server().sessions().stream().anyMatch(session -> session.inFlight() > 0));
            final CompletableFuture<Void> stopped =
                    CompletableFuture.runAsync(() -> delayed.server().stop(Duration.ofHours(1)));
            assertThat(client.await(cookie).error()).isZero();
            client.awaitEnd();
            assertThat(client.wasReset()).isFalse();
            stopped.join(); // though the client, which has everything, does not close
            assertThat(delayed.ended().getFirst().reason()).isEqualTo("the server is shutting down");
        }
    }

    @Test
    @DisplayName(
            "fault 9: a handshake that goes no further while the server stops ends with it, and not with the grace")
    void aHandshakeThatStandsStillEnds() throws IOException {
        final ExportGate gate = new ExportGate();
        try (TestServer gated = new TestServer(LoopConfig.ofAllowedCores(), NbdLimits.defaults(), gate);
                WireClient client = gated.connect()) {
            client.greet();
            client.sendOption(NbdProtocol.OPT_INFO, Wire.info(TestServer.EXPORT));
            gate.awaitQuestion();
            final CompletableFuture<Void> stopped =
                    CompletableFuture.runAsync(() -> gated.server().stop(Duration.ofHours(1)));
            TestServer.await("nothing is accepted any more", () -> !accepts(gated));
            gate.answer();
            assertThat(client.readReplies(NbdProtocol.OPT_INFO).getLast().type())
                    .isEqualTo(NbdProtocol.REP_ACK);
            client.awaitEnd();
            stopped.join();
        }
    }

    private static boolean accepts(final TestServer server) {
        try {
            server.connect().close();
            return true;
        } catch (final IOException e) {
            return false;
        }
    }

    @Test
    void cve_2024_7409_whoDoesNotLeaveIsCutAfterTheGrace() throws IOException {
        final List<WireClient> clients = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            clients.add(i % 2 == 0 ? server.connect() : server.connect().greet());
        }
        final WireClient stuck = server.open(Headers.SIMPLE);
        final List<byte[]> requests = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            requests.add(stuck.compose(NbdProtocol.CMD_READ, 0, 0, MIB));
        }
        stuck.send(Wire.join(requests.toArray(byte[][]::new)));
        final WireClient halfWay = server.open(Headers.SIMPLE);
        halfWay.submit(NbdProtocol.CMD_WRITE, 0, 0, 3 * MIB, 3 * MIB, new byte[MIB]);
        TestServer.await(
                "requests are in flight",
                () -> server.server().sessions().stream()
                                .filter(session -> session.inFlight() > 0)
                                .count()
                        == 2);
        server.server().stop(Duration.ofMillis(300)); // returns although nobody reads
        assertThat(server.server().snapshot().connections()).isZero();
        for (final WireClient client : clients) {
            client.awaitEnd();
            client.close();
        }
        stuck.awaitEnd();
        halfWay.awaitEnd();
        stuck.close();
        halfWay.close();
    }

    @Test
    void optionsWhileStoppingAreRefused() throws IOException {
        final ExportGate gate = new ExportGate();
        try (TestServer gated = new TestServer(LoopConfig.ofAllowedCores(), NbdLimits.defaults(), gate);
                WireClient client = gated.connect()) {
            client.greet();
            client.sendOption(NbdProtocol.OPT_INFO, Wire.info(TestServer.EXPORT));
            gate.awaitQuestion();
            final CompletableFuture<Void> stopped =
                    CompletableFuture.runAsync(() -> gated.server().stop(Duration.ofHours(1)));
            TestServer.pause(200);
            client.sendOption(NbdProtocol.OPT_LIST);
            client.sendOption(NbdProtocol.OPT_ABORT);
            gate.answer();
            assertThat(client.readReplies(NbdProtocol.OPT_INFO).getLast().type())
                    .isEqualTo(NbdProtocol.REP_ACK);
            assertThat(client.readReplies(NbdProtocol.OPT_LIST).getLast().type())
                    .isEqualTo(NbdProtocol.REP_ERR_SHUTDOWN);
            assertThat(client.readReplies(NbdProtocol.OPT_ABORT).getLast().type())
                    .isEqualTo(NbdProtocol.REP_ACK);
            client.awaitEnd();
            stopped.join();
        }
    }

    @Test
    void aSessionCanBeEnded() throws IOException {
        try (WireClient one = server.open(Headers.SIMPLE);
                WireClient two = server.open(Headers.EXTENDED)) {
            // a client knows of its session before the server has noted that the reply was sent
            TestServer.await("both are listed", () -> server.server().sessions().size() == 2);
            final long id = server.server().sessions().stream()
                    .filter(session -> !session.features().isEmpty())
                    .mapToLong(SessionSnapshot::id)
                    .findFirst()
                    .orElseThrow();
            assertThat(server.server().end(id + 1000, "no such session")).isFalse();
            assertThat(server.server().end(id, "the operator ended it")).isTrue();
            two.awaitEnd();
            TestServer.await("it is told of", () -> server.ended().size() == 1);
            assertThat(server.ended().getFirst().reason()).isEqualTo("the operator ended it");
            assertThat(server.ended().getFirst().session().id()).isEqualTo(id);
            assertThat(server.server().end(id, "again")).isFalse();
            assertThat(one.read(0, 512)).hasSize(512);
            one.disconnect();
        }
    }
}
