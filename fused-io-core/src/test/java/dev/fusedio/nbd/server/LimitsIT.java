package dev.fusedio.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.fusedio.backend.memory.MemoryBackend;
import dev.fusedio.loop.LoopConfig;
import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.sys.Errno;
import dev.fusedio.volume.Volume;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a client could take too much of, and that it costs the others nothing. */
class LimitsIT {
    private static final int MIB = 1 << 20;
    private static final Duration LONG = Duration.ofHours(1);
    private static final Duration SHORT = Duration.ofMillis(300);

    // --- memory ------------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource(Headers.class)
    void clientWithADeepQueueThatReadsNothing(final Headers headers) throws IOException {
        final NbdLimits patient = Limits.times(LONG, LONG, Duration.ZERO);
        try (TestServer server = TestServer.memory(TestServer.oneCore(8 * MIB), patient);
                WireClient greedy = server.open(headers);
                WireClient bystander = server.open(headers)) {
            final List<byte[]> requests = new ArrayList<>();
            for (int i = 0; i < 250; i++) {
                requests.add(greedy.compose(NbdProtocol.CMD_READ, 0, 0, i % 2 == 0 ? MIB : 4096));
            }
            greedy.send(Wire.join(requests.toArray(byte[][]::new)));
            TestServer.await(
                    "it has as much in flight as it may",
                    () -> server.server().sessions().stream().anyMatch(session -> session.inFlight() > 3));
            for (int i = 0; i < 50; i++) {
                final byte[] data = Patterns.random(i, 100_000);
                assertThat(bystander.write(50 * MIB, data)).isZero();
                assertThat(bystander.read(50 * MIB, data.length)).isEqualTo(data);
            }
            assertThat(bystander.read(0, 5 * MIB)).hasSize(5 * MIB);
            bystander.disconnect();
            greedy.reset();
        }
    }

    @Test
    void writersThatNeverSendTheirPayload() throws IOException {
        final NbdLimits limits = Limits.times(LONG, SHORT, Duration.ZERO);
        try (TestServer server = TestServer.memory(TestServer.oneCore(4 * MIB), limits);
                WireClient bystander = server.open(Headers.STRUCTURED)) {
            final List<WireClient> silent = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                final WireClient client = server.open(Headers.SIMPLE);
                client.submit(NbdProtocol.CMD_WRITE, 0, 0, 2 * MIB, 2 * MIB, new byte[10]);
                silent.add(client);
            }
            assertThat(bystander.write(0, new byte[MIB])).isZero();
            assertThat(bystander.read(0, 3 * MIB)).hasSize(3 * MIB);
            for (final WireClient client : silent) {
                client.awaitEnd();
                client.close();
            }
            bystander.disconnect();
        }
    }

    @Test
    @DisplayName("fault 7: clients that read slowly hold small pieces, and leave memory to the others")
    void slowReadersLeaveMemory() throws IOException {
        try (TestServer server = TestServer.memory(TestServer.oneCore(4 * MIB), NbdLimits.defaults());
                WireClient fast = server.open(Headers.STRUCTURED)) {
            final List<WireClient> slow = slowReaders(server, 36, 4);
            for (int i = 0; i < 50; i++) {
                assertThat(fast.read(0, 4096)).hasSize(4096);
                assertThat(fast.read(0, 2 * MIB)).hasSize(2 * MIB);
            }
            assertThat(server.ended()).as("nobody was cut for it").isEmpty();
            for (final WireClient each : slow) {
                each.close();
            }
            fast.disconnect();
        }
    }

    @Test
    @DisplayName(
            "fault 7: beside slow readers a fast one gets pieces as long as it has earned, and they get short ones")
    void aFastReaderEarnsLongPieces() throws IOException {
        try (TestServer server = TestServer.memory(TestServer.oneCore(64 * MIB), NbdLimits.defaults());
                WireClient fast = server.open(Headers.STRUCTURED)) {
            final List<WireClient> slow = slowReaders(server, 64, 2);
            TestServer.await("a few long pieces", () -> readAll(fast).chunks() <= 4); // its share has it in 32
            assertThat(server.ended()).as("nobody was cut for it").isEmpty();
            for (final WireClient each : slow) {
                each.close();
            }
            fast.disconnect();
        }
    }

    private static Reply readAll(final WireClient client) {
        try {
            return client.request(NbdProtocol.CMD_READ, 0, 0, 2 * MIB);
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    @DisplayName("fault 7: when memory is short, clients that make no progress are cut, and the others go on")
    void slowReadersAreCutWhenMemoryIsShort() throws IOException {
        try (TestServer server = TestServer.memory(TestServer.oneCore(2 * MIB), NbdLimits.defaults());
                WireClient fast = server.open(Headers.STRUCTURED)) {
            final List<WireClient> slow = slowReaders(server, 100, 4);
            for (int i = 0; i < 10; i++) {
                assertThat(fast.read(0, 2 * MIB)).hasSize(2 * MIB);
            }
            assertThat(server.ended())
                    .isNotEmpty()
                    .allSatisfy(ended -> assertThat(ended.reason()).contains("memory"))
                    .allSatisfy(ended -> assertThat(ended.end()).isEqualTo(SessionEnd.STALLED));
            for (final WireClient each : slow) {
                each.close();
            }
            fast.disconnect();
        }
    }

    @Test
    @DisplayName("fault 7: replies that are to be one chunk are sent in small pieces, and leave memory to the others")
    void slowReadersOfUndividedReplies() throws IOException {
        try (TestServer server = TestServer.memory(TestServer.oneCore(4 * MIB), NbdLimits.defaults());
                WireClient fast = server.open(Headers.EXTENDED)) {
            final List<WireClient> slow = new ArrayList<>();
            for (int i = 0; i < 36; i++) {
                final WireClient client = server.open(Headers.STRUCTURED);
                for (int request = 0; request < 4; request++) {
                    client.send(client.compose(NbdProtocol.CMD_READ, NbdProtocol.CMD_FLAG_DF, 0, 2 * MIB));
                }
                slow.add(client);
            }
            for (int i = 0; i < 50; i++) {
                assertThat(fast.read(0, 4096)).hasSize(4096);
                final Reply whole = fast.request(NbdProtocol.CMD_READ, NbdProtocol.CMD_FLAG_DF, 0, 2 * MIB);
                assertThat(whole.error()).isZero();
                assertThat(whole.data()).isEqualTo(fast.read(0, 2 * MIB));
            }
            assertThat(server.ended()).as("nobody was cut for it").isEmpty();
            for (final WireClient each : slow) {
                each.close();
            }
            fast.disconnect();
        }
    }

    /** Each asks for much and reads nothing: what the sockets hold is all it gets. */
    private static List<WireClient> slowReaders(final TestServer server, final int count, final int requests)
            throws IOException {
        final List<WireClient> slow = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            final WireClient client = server.open(i % 2 == 0 ? Headers.STRUCTURED : Headers.SIMPLE);
            for (int request = 0; request < requests; request++) {
                client.send(client.compose(NbdProtocol.CMD_READ, 0, 0, 3 * MIB));
            }
            slow.add(client);
        }
        TestServer.await(
                "their replies wait",
                () -> server.loops().loops().getFirst().snapshot().leasedBytes() > 0);
        return slow;
    }

    @Test
    @DisplayName("fault 8: idle sessions of one address leave room for another's")
    void idleSessionsOfOneAddressLeaveRoom() throws IOException {
        try (TestServer server = TestServer.memory(LoopConfig.ofAllowedCores(), Limits.perAddress(4))) {
            final List<WireClient> idle = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                idle.add(server.open(Headers.SIMPLE));
            }
            try (WireClient refused = server.connect()) {
                refused.awaitEnd();
            }
            assertThat(server.failures(NegotiationFailure.CROWDED)).isEqualTo(1);
            try (SocketChannel other = SocketChannel.open()) {
                other.bind(new InetSocketAddress("127.0.0.2", 0));
                other.connect(server.address());
                final ByteBuffer greeting = ByteBuffer.allocate(18);
                while (greeting.hasRemaining() && other.read(greeting) >= 0) {
                    // the greeting is all that the server says first
                }
                assertThat(greeting.hasRemaining())
                        .as("another address is served")
                        .isFalse();
            }
            for (final WireClient each : idle) {
                each.close();
            }
            TestServer.await("they have left", () -> server.server().snapshot().connections() == 0);
            try (WireClient again = server.open(Headers.SIMPLE)) {
                again.disconnect();
            }
        }
    }

    @Test
    @DisplayName("fault 14: the payload of a refused write is received in large pieces")
    void refusedPayloadsAreReceivedInLargePieces() throws IOException {
        final int length = 32 * MIB;
        try (TestServer server = new TestServer(
                        TestServer.oneCore(4 * MIB),
                        NbdLimits.defaults(),
                        loops -> List.of(new Volume(TestServer.EXPORT, "", new MemoryBackend(64L * MIB), true)));
                WireClient client = server.open(Headers.STRUCTURED)) {
            final long before = server.loops().loops().getFirst().snapshot().completions();
            assertThat(client.write(0, new byte[length])).isEqualTo(Errno.EPERM);
            final long receives = server.loops().loops().getFirst().snapshot().completions() - before;
            assertThat(receives).as("completions for %d MiB", length / MIB).isLessThan(length / 16_384);
            assertThat(client.read(0, 4096)).as("the stream is in step").hasSize(4096);
            client.disconnect();
        }
    }

    @Test
    @DisplayName("fault 25: clients that ask for 32 MiB and reset cost nothing that stays")
    void clientsThatReset() throws IOException {
        try (TestServer server = TestServer.memory(TestServer.oneCore(4 * MIB), NbdLimits.defaults());
                WireClient bystander = server.open(Headers.STRUCTURED)) {
            for (int i = 0; i < 512; i++) {
                final WireClient client = server.open(Headers.STRUCTURED);
                for (int request = 0; request < 8; request++) {
                    client.send(client.compose(NbdProtocol.CMD_READ, 0, 0, 3 * MIB));
                }
                client.reset();
                if (i % 16 == 0) {
                    assertThat(bystander.read(0, 65_536)).hasSize(65_536);
                }
            }
            TestServer.await(
                    "all of them are gone", () -> server.server().snapshot().connections() == 1);
            TestServer.await(
                    "what they held as well",
                    () -> server.loops().loops().getFirst().snapshot().leasedBytes() == 0);
            bystander.disconnect();
        }
    }

    @Test
    void manyMoreBytesInFlightThanThereIsMemory() throws Exception {
        try (TestServer server = TestServer.memory(TestServer.oneCore(2 * MIB), NbdLimits.defaults());
                ExecutorService threads = Executors.newFixedThreadPool(12)) {
            final List<Future<?>> clients = new ArrayList<>();
            for (int i = 0; i < 12; i++) {
                final Headers headers = Headers.values()[i % 3];
                final long at = i * 6L * MIB;
                clients.add(threads.submit(() -> {
                    writeAndRead(server, headers, at);
                    return null;
                }));
            }
            for (final Future<?> client : clients) {
                client.get();
            }
        }
    }

    private static void writeAndRead(final TestServer server, final Headers headers, final long at) throws IOException {
        try (WireClient client = server.open(headers)) {
            for (int round = 0; round < 5; round++) {
                final List<Long> cookies = new ArrayList<>();
                for (int k = 0; k < 10; k++) {
                    cookies.add(client.submit(NbdProtocol.CMD_WRITE, 0, at, new byte[50_000 + k * 300_000]));
                    cookies.add(client.submit(NbdProtocol.CMD_READ, 0, at, 60_000 + k * 250_000));
                }
                for (final long cookie : cookies) {
                    assertThat(client.await(cookie).error()).isZero();
                }
            }
            client.disconnect();
        }
    }

    @Test
    void requestsBeyondTheLimitWait() throws IOException {
        try (TestServer server = TestServer.memory(TestServer.oneCore(4 * MIB), Limits.flow(2, 4096, 3));
                WireClient one = server.open(Headers.SIMPLE);
                WireClient two = server.open(Headers.EXTENDED)) {
            final List<Long> cookies = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                cookies.add(one.submit(NbdProtocol.CMD_READ, 0, i, 10_000));
                cookies.add(two.submit(NbdProtocol.CMD_WRITE, 0, i * 7000L, new byte[7000]));
            }
            for (int i = 0; i < 200; i++) {
                assertThat(one.await(cookies.get(2 * i)).error()).isZero();
                assertThat(two.await(cookies.get(2 * i + 1)).error()).isZero();
            }
            one.disconnect();
            two.disconnect();
        }
    }

    // --- time --------------------------------------------------------------------------------------------------------

    @Test
    void handshakeThatIsNotFinishedInTime() throws IOException {
        final NbdLimits limits = Limits.times(SHORT, LONG, Duration.ZERO);
        try (TestServer server = TestServer.memory(LoopConfig.ofAllowedCores(), limits);
                WireClient session = server.open(Headers.SIMPLE);
                WireClient silent = server.connect();
                WireClient halfWay = server.connect().greet()) {
            halfWay.ask(NbdProtocol.OPT_LIST);
            silent.awaitEnd();
            halfWay.awaitEnd();
            assertThat(session.read(0, 10)).hasSize(10); // what is in transmission has no such limit
            session.disconnect();
            TestServer.await("they are counted", () -> server.failures(NegotiationFailure.TIMEOUT) == 2);
            assertThat(server.failures()).as("each failure is counted once").isEqualTo(2);
        }
    }

    @Test
    void handshakeByteByByte() throws IOException {
        try (TestServer server = TestServer.memory();
                WireClient client = server.connect().chopped(1)) {
            client.greet().negotiateExtended();
            client.selectContext(TestServer.EXPORT);
            client.go(TestServer.EXPORT);
            assertThat(client.write(5, new byte[300])).isZero();
            client.disconnect();
        }
    }

    @Test
    void repliesThatAreLeftUnread() throws IOException {
        final NbdLimits limits = Limits.times(LONG, SHORT, Duration.ZERO);
        try (TestServer server = TestServer.memory(LoopConfig.ofAllowedCores(), limits);
                WireClient client = server.open(Headers.SIMPLE);
                WireClient bystander = server.open(Headers.SIMPLE)) {
            final List<byte[]> requests = new ArrayList<>();
            for (int i = 0; i < 60; i++) {
                requests.add(client.compose(NbdProtocol.CMD_READ, 0, 0, MIB));
            }
            client.send(Wire.join(requests.toArray(byte[][]::new)));
            TestServer.await("it is cut", () -> server.ended().size() == 1);
            assertThat(server.ended().getFirst().reason()).contains("unread");
            assertThat(server.ended().getFirst().end()).isEqualTo(SessionEnd.STALLED);
            assertThat(bystander.read(0, MIB)).hasSize(MIB);
            bystander.disconnect();
        }
    }

    @Test
    void sessionThatSendsNothing() throws IOException {
        final NbdLimits limits = Limits.times(LONG, LONG, Duration.ofMillis(1500));
        try (TestServer server = TestServer.memory(LoopConfig.ofAllowedCores(), limits);
                WireClient idle = server.open(Headers.SIMPLE);
                WireClient busy = server.open(Headers.SIMPLE)) {
            while (!idle.hasEnded()) {
                assertThat(busy.read(0, 512)).hasSize(512);
                TestServer.pause(20);
            }
            assertThat(busy.flush()).isZero();
            busy.disconnect();
            TestServer.await("both are gone", () -> server.ended().size() == 2);
            assertThat(server.ended().getFirst().reason()).contains("idle");
            assertThat(server.ended().getFirst().end()).isEqualTo(SessionEnd.IDLE);
        }
    }

    // --- connections -------------------------------------------------------------------------------------------------

    @Test
    void connectionsBeyondTheLimitAreClosed() throws IOException {
        try (TestServer server = TestServer.memory(LoopConfig.ofAllowedCores(), Limits.counts(3, 3, 64));
                WireClient one = server.open(Headers.SIMPLE);
                WireClient two = server.open(Headers.SIMPLE);
                WireClient three = server.open(Headers.SIMPLE)) {
            for (int i = 0; i < 20; i++) {
                try (WireClient refused = server.connect()) {
                    refused.awaitEnd();
                }
            }
            TestServer.await("they are counted", () -> server.failures(NegotiationFailure.CROWDED) == 20);
            one.disconnect();
            TestServer.await("there is room", () -> server.server().snapshot().connections() == 2);
            try (WireClient four = server.open(Headers.EXTENDED)) {
                assertThat(four.read(0, 512)).hasSize(512);
                four.disconnect();
            }
            assertThat(two.flush() + three.flush()).isZero();
            two.disconnect();
            three.disconnect();
            assertThat(server.failures()).isEqualTo(20);
        }
    }

    @Test
    void handshakesBeyondTheLimitCostTheOldest() throws IOException {
        final int limit = 4;
        try (TestServer server = TestServer.memory(TestServer.oneCore(4 * MIB), Limits.counts(1000, limit, 64));
                WireClient session = server.open(Headers.SIMPLE)) {
            final List<WireClient> silent = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                silent.add(server.connect());
                silent.getLast().receive(18);
            }
            for (int i = 0; i < 6; i++) {
                silent.get(i).awaitEnd();
            }
            for (int i = 6; i < 10; i++) {
                silent.get(i).flags(3).go(TestServer.EXPORT).disconnect();
            }
            assertThat(session.flush()).isZero();
            session.disconnect();
            for (final WireClient client : silent) {
                client.close();
            }
            assertThat(server.failures(NegotiationFailure.CROWDED)).isEqualTo(6);
            assertThat(server.failures()).as("each failure is counted once").isEqualTo(6);
        }
    }

    @Test
    void aBurstOfHandshakesStaysWithinTheLimit() throws IOException {
        final int limit = 8;
        try (TestServer server = TestServer.memory(TestServer.oneCore(4 * MIB), Limits.counts(1000, limit, 64))) {
            final List<SocketChannel> burst = new ArrayList<>();
            for (int i = 0; i < 500; i++) {
                burst.add(SocketChannel.open(server.address()));
            }
            TestServer.await(
                    "only " + limit + " are left",
                    () -> server.server().snapshot().accepted() == 500
                            && server.server().snapshot().connections() <= limit);
            for (final SocketChannel channel : burst) {
                channel.close();
            }
        }
    }

    @Test
    void tenThousandSilentConnections() throws IOException {
        // client and server are one process here: a connection takes two descriptors of its limit
        final long descriptors = ((com.sun.management.UnixOperatingSystemMXBean)
                        ManagementFactory.getOperatingSystemMXBean())
                .getMaxFileDescriptorCount();
        final int count = (int) Math.min(10_000, (descriptors - 1000) / 2);
        assumeThat(count)
                .as("ulimit -n is %d: too low for a meaningful number of connections", descriptors)
                .isGreaterThan(4000);
        try (TestServer server = TestServer.memory(LoopConfig.ofAllowedCores(), Limits.counts(20_000, 1024, 64));
                WireClient before = server.open(Headers.STRUCTURED)) {
            final byte[] data = Patterns.random(3, 10_000);
            assertThat(before.write(0, data)).isZero();
            final List<SocketChannel> silent = new ArrayList<>();
            try {
                for (int i = 0; i < count; i++) {
                    final SocketChannel channel = SocketChannel.open(server.address());
                    silent.add(channel);
                    if (i % 3 == 0) {
                        trySend(channel, Wire.bytes().u32(3).u32(0x4948_4156).toArray()); // half an option
                    }
                    if (i % 1000 == 999) {
                        assertThat(before.read(0, data.length)).isEqualTo(data);
                        try (WireClient fresh = server.open(Headers.EXTENDED)) {
                            assertThat(fresh.read(0, data.length)).isEqualTo(data);
                            fresh.disconnect();
                        }
                    }
                }
                TestServer.await(
                        "no more than the allowed handshakes are kept",
                        () -> server.server().snapshot().connections() <= 1024 + 2);
                assertThat(before.flush()).isZero();
                before.disconnect();
            } finally {
                for (final SocketChannel channel : silent) {
                    channel.close();
                }
            }
        }
    }

    private static void trySend(final SocketChannel channel, final byte[] bytes) {
        try {
            channel.write(ByteBuffer.wrap(bytes));
        } catch (final IOException e) {
            assertThat(e).hasMessageMatching("(?s).*(reset|pipe|abort).*"); // it was cut for one that came later
        }
    }
}
