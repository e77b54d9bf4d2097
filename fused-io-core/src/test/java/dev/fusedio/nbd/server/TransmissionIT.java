package dev.fusedio.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.backend.memory.MemoryBackend;
import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.sys.Errno;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every command and flag of the transmission phase on a real ring, over an export in memory. */
class TransmissionIT {
    private static final int FUA = NbdProtocol.CMD_FLAG_FUA;
    private static final int MIB = 1 << 20;

    private TestServer server;

    @BeforeEach
    void start() throws IOException {
        server = TestServer.memory();
    }

    @AfterEach
    void stop() throws IOException {
        server.close();
    }

    @ParameterizedTest
    @EnumSource(Headers.class)
    void whatIsAdvertisedIsAccepted(final Headers headers) throws IOException {
        try (WireClient client = server.open(headers)) {
            final int expected = NbdProtocol.FLAG_HAS_FLAGS
                    | NbdProtocol.FLAG_SEND_FLUSH
                    | NbdProtocol.FLAG_SEND_FUA
                    | NbdProtocol.FLAG_SEND_TRIM
                    | NbdProtocol.FLAG_SEND_WRITE_ZEROES
                    | NbdProtocol.FLAG_SEND_FAST_ZERO
                    | NbdProtocol.FLAG_CAN_MULTI_CONN
                    | NbdProtocol.FLAG_SEND_CACHE
                    | (headers == Headers.SIMPLE ? 0 : NbdProtocol.FLAG_SEND_DF)
                    | (headers == Headers.EXTENDED ? NbdProtocol.FLAG_BLOCK_STATUS_PAYLOAD : 0);
            assertThat(client.transmissionFlags()).isEqualTo(expected);
            assertThat(client.size()).isEqualTo(TestServer.SIZE);
            // "If the server advertised FUA support, it MUST accept the flag on every command"
            for (final int type : new int[] {0, 3, 4, 5, 6}) {
                final int length = type == NbdProtocol.CMD_FLUSH ? 0 : 4096;
                assertThat(client.request(type, FUA, 0, length).error())
                        .as("command %d with FUA", type)
                        .isZero();
            }
            if (headers != Headers.SIMPLE) {
                assertThat(client.request(NbdProtocol.CMD_BLOCK_STATUS, FUA, 0, 4096)
                                .error())
                        .isZero();
            }
            client.disconnect();
        }
    }

    @ParameterizedTest
    @EnumSource(Headers.class)
    void whatIsWrittenIsRead(final Headers headers) throws IOException {
        try (WireClient client = server.open(headers)) {
            final int[] lengths = {1, 511, 512, 4095, 4096, 4097, 65_535, 65_536, 65_537, 100_000, MIB, 2 * MIB - 1};
            for (final int length : lengths) {
                for (final int flags : new int[] {0, FUA}) {
                    final byte[] data = Patterns.random(length + flags, length);
                    final long at = 12_345;
                    assertThat(client.await(client.submit(NbdProtocol.CMD_WRITE, flags, at, data))
                                    .error())
                            .isZero();
                    assertThat(client.read(at, length)).isEqualTo(data);
                    assertThat(client.read(at - 1, length + 2))
                            .hasSize(length + 2)
                            .endsWith((byte) 0);
                }
                assertThat(client.request(NbdProtocol.CMD_WRITE_ZEROES, 0, 0, 4 * MIB)
                                .error())
                        .isZero();
            }
            client.disconnect();
        }
    }

    @ParameterizedTest
    @EnumSource(Headers.class)
    void transfersOfManySegments(final Headers headers) throws IOException {
        try (WireClient client = server.open(headers)) {
            for (final int length : new int[] {2 * MIB, 2 * MIB + 1, 4 * MIB, 5 * MIB + 333, 33 * MIB, 64 * MIB}) {
                final byte[] data = Patterns.random(length, length);
                assertThat(client.await(client.submit(NbdProtocol.CMD_WRITE, FUA, 777, data))
                                .error())
                        .isZero();
                assertThat(client.read(777, length)).isEqualTo(data);
            }
            client.disconnect();
        }
    }

    @ParameterizedTest
    @EnumSource(Headers.class)
    void longReadsInOneSegmentOfRequestsAreNotMixedUp(final Headers headers) throws IOException {
        try (WireClient client = server.open(headers)) {
            final byte[] data = Patterns.random(5, 32 * MIB);
            assertThat(client.write(0, data)).isZero();
            final int[] lengths = {5 * MIB, 100, 7 * MIB + 1, 0, 2 * MIB, 65_536, 9 * MIB, 4096, 3 * MIB};
            for (int round = 0; round < 3; round++) {
                final List<byte[]> requests = new ArrayList<>();
                final List<Long> cookies = new ArrayList<>();
                for (final int length : lengths) {
                    requests.add(client.compose(NbdProtocol.CMD_READ, 0, length / 3, length));
                    cookies.add(client.lastCookie());
                    requests.add(client.compose(NbdProtocol.CMD_FLUSH, 0, 0, 0));
                    cookies.add(client.lastCookie());
                }
                client.send(Wire.join(requests.toArray(byte[][]::new)));
                for (int i = 0; i < lengths.length; i++) {
                    final Reply reply = client.await(cookies.get(2 * i));
                    assertThat(reply.error()).isZero();
                    assertThat(reply.data())
                            .isEqualTo(Arrays.copyOfRange(data, lengths[i] / 3, lengths[i] / 3 + lengths[i]));
                    assertThat(client.await(cookies.get(2 * i + 1)).error()).isZero();
                }
            }
            client.disconnect();
        }
    }

    @ParameterizedTest
    @EnumSource(Headers.class)
    void requestsOfNoBytes(final Headers headers) throws IOException {
        try (WireClient client = server.open(headers)) {
            for (final long offset : new long[] {0, 1, TestServer.SIZE}) {
                assertThat(client.read(offset, 0)).isEmpty();
                assertThat(client.write(offset, new byte[0])).isZero();
                for (final int type : new int[] {4, 5, 6}) {
                    assertThat(client.request(type, 0, offset, 0).error())
                            .as("command %d", type)
                            .isZero();
                    assertThat(client.request(type, FUA, offset, 0).error()).isZero();
                }
            }
            assertThat(client.request(NbdProtocol.CMD_BLOCK_STATUS, 0, 0, 0).error())
                    .isEqualTo(Errno.EINVAL);
            client.disconnect();
        }
    }

    @ParameterizedTest
    @EnumSource(Headers.class)
    void theEndOfTheExport(final Headers headers) throws IOException {
        try (WireClient client = server.open(headers)) {
            final long size = TestServer.SIZE;
            assertThat(client.write(size - 512, new byte[512])).isZero();
            assertThat(client.read(size - 1, 1)).hasSize(1);
            assertThat(client.write(size - 512, new byte[513])).isEqualTo(Errno.ENOSPC);
            assertThat(client.write(size, new byte[1])).isEqualTo(Errno.ENOSPC);
            // the payload of a refused write was consumed
            assertThat(client.write(size - 5, new byte[9 * MIB])).isEqualTo(Errno.ENOSPC);
            assertThat(client.request(NbdProtocol.CMD_READ, 0, size - 1, 2).error())
                    .isEqualTo(Errno.EINVAL);
            assertThat(client.request(NbdProtocol.CMD_TRIM, 0, size, 1).error()).isEqualTo(Errno.EINVAL);
            assertThat(client.request(NbdProtocol.CMD_CACHE, 0, size, 1).error())
                    .isEqualTo(Errno.EINVAL);
            assertThat(client.request(NbdProtocol.CMD_WRITE_ZEROES, 0, 1, size).error())
                    .isEqualTo(Errno.ENOSPC);
            assertThat(client.request(NbdProtocol.CMD_WRITE_ZEROES, 0, 0, size).error())
                    .isZero();
            assertThat(client.request(NbdProtocol.CMD_TRIM, 0, 0, size).error()).isZero();
            assertThat(client.request(NbdProtocol.CMD_CACHE, 0, 0, size).error())
                    .isZero();
            client.disconnect();
        }
    }

    @ParameterizedTest
    @EnumSource(Headers.class)
    void zeroesAndTrims(final Headers headers) throws IOException {
        try (WireClient client = server.open(headers)) {
            final byte[] ones = new byte[3 * MIB];
            Arrays.fill(ones, (byte) 1);
            final int[] flags = {
                0,
                NbdProtocol.CMD_FLAG_NO_HOLE,
                NbdProtocol.CMD_FLAG_FAST_ZERO,
                FUA,
                FUA | NbdProtocol.CMD_FLAG_NO_HOLE | NbdProtocol.CMD_FLAG_FAST_ZERO
            };
            for (final int flag : flags) {
                assertThat(client.write(0, ones)).isZero();
                assertThat(client.request(NbdProtocol.CMD_WRITE_ZEROES, flag, 1001, 2 * MIB)
                                .error())
                        .isZero();
                final byte[] expected = ones.clone();
                Arrays.fill(expected, 1001, 1001 + 2 * MIB, (byte) 0);
                assertThat(client.read(0, ones.length)).isEqualTo(expected);
            }
            assertThat(client.write(0, ones)).isZero();
            assertThat(client.request(NbdProtocol.CMD_TRIM, FUA, MIB, MIB).error())
                    .isZero();
            assertThat(client.read(0, MIB)).isEqualTo(Arrays.copyOf(ones, MIB));
            assertThat(client.read(2 * MIB, MIB)).isEqualTo(Arrays.copyOf(ones, MIB));
            client.disconnect();
        }
    }

    @ParameterizedTest
    @EnumSource(Headers.class)
    void flagsOfOtherCommandsAreRefused(final Headers headers) throws IOException {
        final int[][] refused = {
            {NbdProtocol.CMD_READ, 1 << 1, 1 << 3, 1 << 4},
            {NbdProtocol.CMD_FLUSH, 1 << 1, 1 << 2, 1 << 3, 1 << 4},
            {NbdProtocol.CMD_TRIM, 1 << 1, 1 << 2, 1 << 3, 1 << 4},
            {NbdProtocol.CMD_CACHE, 1 << 1, 1 << 2, 1 << 3, 1 << 4},
            {NbdProtocol.CMD_WRITE_ZEROES, 1 << 2, 1 << 3},
            {NbdProtocol.CMD_BLOCK_STATUS, 1 << 1, 1 << 2, 1 << 4}
        };
        try (WireClient client = server.open(headers)) {
            for (final int[] each : refused) {
                for (int i = 1; i < each.length; i++) {
                    final int length = each[0] == NbdProtocol.CMD_FLUSH ? 0 : 512;
                    assertThat(client.request(each[0], each[i], 0, length).error())
                            .as("command %d flags %d", each[0], each[i])
                            .isEqualTo(Errno.EINVAL);
                }
            }
            for (final int flag : new int[] {1 << 1, 1 << 2, 1 << 3, 1 << 4}) {
                assertThat(client.await(client.submit(NbdProtocol.CMD_WRITE, flag, 0, new byte[70_000]))
                                .error())
                        .isEqualTo(Errno.EINVAL);
            }
            if (headers == Headers.SIMPLE) {
                assertThat(client.request(NbdProtocol.CMD_READ, NbdProtocol.CMD_FLAG_DF, 0, 512)
                                .error())
                        .as("DF, which was not advertised")
                        .isEqualTo(Errno.EINVAL);
            }
            if (headers != Headers.EXTENDED) {
                for (final int type : new int[] {0, 4, 5, 6, 7}) {
                    assertThat(client.request(type, NbdProtocol.CMD_FLAG_PAYLOAD_LEN, 0, 512)
                                    .error())
                            .as("PAYLOAD_LEN on %d without extended headers", type)
                            .isEqualTo(Errno.EINVAL);
                }
            }
            assertThat(client.request(NbdProtocol.CMD_FLUSH, 0, 0, 512).error()).isEqualTo(Errno.EINVAL);
            assertThat(client.request(NbdProtocol.CMD_FLUSH, 0, 512, 0).error()).isEqualTo(Errno.EINVAL);
            client.disconnect();
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Headers.class,
            names = {"STRUCTURED", "EXTENDED"})
    void dontFragment(final Headers headers) throws IOException {
        try (WireClient client = server.open(headers)) {
            final byte[] data = Patterns.random(8, 2 * MIB);
            assertThat(client.write(0, data)).isZero();
            for (final int length : new int[] {1, 65_536, 65_537, 2 * MIB}) {
                final Reply reply = client.request(NbdProtocol.CMD_READ, NbdProtocol.CMD_FLAG_DF, 0, length);
                assertThat(reply.error()).isZero();
                assertThat(reply.chunks()).isEqualTo(1);
                assertThat(reply.data()).isEqualTo(Arrays.copyOf(data, length));
            }
            assertThat(client.request(NbdProtocol.CMD_READ, NbdProtocol.CMD_FLAG_DF, 0, 2 * MIB + 1)
                            .error())
                    .isEqualTo(Errno.EOVERFLOW);
            client.disconnect();
        }
    }

    @Test
    void blockStatusNeedsItsContext() throws IOException {
        try (WireClient client = server.connect()) {
            client.greet().negotiateStructured();
            client.go(TestServer.EXPORT);
            assertThat(client.request(NbdProtocol.CMD_BLOCK_STATUS, 0, 0, 4096).error())
                    .isEqualTo(Errno.EINVAL);
            client.disconnect();
        }
        try (WireClient client = server.open(Headers.SIMPLE)) {
            assertThat(client.request(NbdProtocol.CMD_BLOCK_STATUS, 0, 0, 4096).error())
                    .isEqualTo(Errno.EINVAL);
            client.disconnect();
        }
    }

    @Test
    void blockStatusPayload() throws IOException {
        final int id = NbdProtocol.BASE_ALLOCATION_ID;
        try (WireClient client = server.open(Headers.EXTENDED)) {
            final Reply good = status(client, 4096, id);
            assertThat(good.error()).isZero();
            assertThat(good.extents()).containsExactly(new Reply.Extent(4096, 0));
            for (final int[] ids : new int[][] {{}, {id, id}, {id + 1}, {0}, {-1}, {id, id + 1}, {id, id, id, id}}) {
                assertThat(status(client, 4096, ids).error())
                        .as("ids %s", Arrays.toString(ids))
                        .isEqualTo(Errno.EINVAL);
            }
            for (final long effect : new long[] {0, TestServer.SIZE + 1, -1, Long.MIN_VALUE}) {
                assertThat(status(client, effect, id).error()).isEqualTo(Errno.EINVAL);
            }
            assertThat(status(client, TestServer.SIZE, id).extents())
                    .containsExactly(new Reply.Extent(TestServer.SIZE, 0));
            client.disconnect();
        }
    }

    private static Reply status(final WireClient client, final long effect, final int... ids) throws IOException {
        final Wire payload = Wire.bytes().u64(effect);
        for (final int id : ids) {
            payload.u32(id);
        }
        final byte[] bytes = payload.toArray();
        return client.await(client.submit(
                NbdProtocol.CMD_BLOCK_STATUS, NbdProtocol.CMD_FLAG_PAYLOAD_LEN, 0, bytes.length, effect, bytes));
    }

    @Test
    void blockStatusPayloadInPieces() throws IOException {
        try (WireClient client = server.open(Headers.EXTENDED)) {
            for (int piece = 1; piece < 45; piece++) {
                client.chopped(piece);
                assertThat(status(client, 8192, NbdProtocol.BASE_ALLOCATION_ID).error())
                        .isZero();
                assertThat(status(client, 8192, 7).error()).isEqualTo(Errno.EINVAL);
                assertThat(client.read(0, 100)).hasSize(100);
            }
            client.disconnect();
        }
    }

    @ParameterizedTest
    @EnumSource(Headers.class)
    void anyFragmentationOfRequests(final Headers headers) throws IOException {
        final long seed = 4711;
        final SplittableRandom random = new SplittableRandom(seed);
        try (WireClient client = server.open(headers)) {
            for (final int piece : new int[] {1, 2, 3, 7, 27, 28, 29, 31, 32, 33, 1000}) {
                client.chopped(piece);
                final byte[] data = Patterns.random(piece, 1 + random.nextInt(3000));
                assertThat(client.write(piece * 10_000L, data))
                        .as("seed %d", seed)
                        .isZero();
                assertThat(client.read(piece * 10_000L, data.length)).isEqualTo(data);
                assertThat(client.flush()).isZero();
            }
            client.chopped(70_001);
            final byte[] data = Patterns.random(9, 5 * MIB);
            assertThat(client.write(3, data)).isZero();
            assertThat(client.read(3, data.length)).isEqualTo(data);
            client.disconnect();
        }
    }

    @ParameterizedTest
    @EnumSource(Headers.class)
    void requestsInOneSegmentWithGo(final Headers headers) throws IOException {
        try (WireClient client = server.connect()) {
            client.greet();
            final boolean extended = headers.extended();
            if (headers == Headers.STRUCTURED) {
                client.negotiateStructured();
            } else if (extended) {
                client.negotiateExtended();
            }
            final byte[] data = Patterns.random(2, 3000);
            final int payload = extended ? NbdProtocol.CMD_FLAG_PAYLOAD_LEN : 0;
            client.send(Wire.join(
                    Wire.option(NbdProtocol.OPT_GO, Wire.info(TestServer.EXPORT)),
                    Wire.request(extended, payload, NbdProtocol.CMD_WRITE, 1, 99, data.length),
                    data,
                    Wire.request(extended, 0, NbdProtocol.CMD_FLUSH, 2, 0, 0)));
            client.gone();
            client.expectReply(1, NbdProtocol.CMD_WRITE, 99, data.length);
            client.expectReply(2, NbdProtocol.CMD_FLUSH, 0, 0);
            assertThat(client.await(1).error()).isZero();
            assertThat(client.await(2).error()).isZero();
            assertThat(client.read(99, data.length)).isEqualTo(data);
            client.disconnect();
        }
    }

    @ParameterizedTest
    @EnumSource(Headers.class)
    void discIsAnsweredWithAllThatIsOutstanding(final Headers headers) throws IOException {
        for (int round = 0; round < 20; round++) {
            try (WireClient client = server.open(headers)) {
                outstanding(client);
                client.disconnect(); // which fails when a reply is missing
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Headers.class)
    void halfCloseIsAnsweredWithAllThatIsOutstanding(final Headers headers) throws IOException {
        for (int round = 0; round < 20; round++) {
            try (WireClient client = server.open(headers)) {
                outstanding(client);
                client.halfClose();
                client.awaitEnd();
                assertThat(client.outstanding()).isZero();
                assertThat(client.wasReset()).isFalse();
            }
        }
    }

    /** Sends a deep queue in one piece. */
    private static void outstanding(final WireClient client) throws IOException {
        final List<byte[]> requests = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            requests.add(client.compose(NbdProtocol.CMD_READ, 0, i * 1000L, i % 7 == 0 ? 3 * MIB : 5000));
            requests.add(client.compose(NbdProtocol.CMD_WRITE_ZEROES, FUA, i * 1000L, 100));
            requests.add(client.compose(NbdProtocol.CMD_FLUSH, 0, 0, 0));
        }
        client.send(Wire.join(requests.toArray(byte[][]::new)));
    }

    @ParameterizedTest
    @EnumSource(Headers.class)
    void manyRequestsInFlightAgainstAModel(final Headers headers) throws IOException {
        final long seed = 31_337;
        final SplittableRandom random = new SplittableRandom(seed);
        final int span = 12 * MIB;
        final byte[] model = new byte[span];
        try (WireClient client = server.open(headers)) {
            for (int round = 0; round < 60; round++) {
                // writes to places that don't overlap within a round, then reads of all
                final List<Long> writes = new ArrayList<>();
                int at = random.nextInt(4000);
                while (at < span - 1) {
                    final int length =
                            Math.min(1 + random.nextInt(random.nextInt(10) == 0 ? 3 * MIB : 80_000), span - at);
                    final int kind = random.nextInt(5);
                    if (kind == 0) {
                        writes.add(client.submit(NbdProtocol.CMD_WRITE_ZEROES, 0, at, length));
                        Arrays.fill(model, at, at + length, (byte) 0);
                    } else {
                        final byte[] data = Patterns.random(random.nextLong(), length);
                        writes.add(client.submit(NbdProtocol.CMD_WRITE, kind == 1 ? FUA : 0, at, data));
                        System.arraycopy(data, 0, model, at, length);
                    }
                    at += length + random.nextInt(200_000);
                }
                for (final long cookie : writes) {
                    assertThat(client.await(cookie).error()).as("seed %d", seed).isZero();
                }
                final List<Long> reads = new ArrayList<>();
                final List<int[]> ranges = new ArrayList<>();
                for (int i = 0; i < 12; i++) {
                    final int length = 1 + random.nextInt(i == 0 ? 5 * MIB : 60_000);
                    final int from = random.nextInt(span - length);
                    reads.add(client.submit(NbdProtocol.CMD_READ, 0, from, length));
                    ranges.add(new int[] {from, length});
                }
                for (int i = 0; i < reads.size(); i++) {
                    final int[] range = ranges.get(i);
                    assertThat(client.await(reads.get(i)).data())
                            .as("seed %d round %d", seed, round)
                            .isEqualTo(Arrays.copyOfRange(model, range[0], range[0] + range[1]));
                }
            }
            client.disconnect();
        }
    }

    @Test
    void cve_2025_47711_blockStatusOfMaximumSize() throws IOException {
        final long size = 9L << 30;
        try (TestServer large = TestServer.serving(new MemoryBackend(size), false)) {
            try (WireClient client = large.open(Headers.STRUCTURED)) {
                final Reply reply = client.request(NbdProtocol.CMD_BLOCK_STATUS, 0, 5, 0xFFFF_FFFFL);
                assertThat(reply.error()).isZero();
                assertThat(reply.extents().getFirst().length()).isPositive();
                final Reply one = client.request(
                        NbdProtocol.CMD_BLOCK_STATUS, NbdProtocol.CMD_FLAG_REQ_ONE, size - 0xFFFF_FFFFL, 0xFFFF_FFFFL);
                assertThat(one.error()).isZero();
                assertThat(client.request(NbdProtocol.CMD_TRIM, 0, 1, 0xFFFF_FFFFL)
                                .error())
                        .isZero();
                assertThat(client.request(NbdProtocol.CMD_WRITE_ZEROES, 0, 0, 0xFFFF_FFFFL)
                                .error())
                        .isZero();
                client.disconnect();
            }
            try (WireClient client = large.open(Headers.EXTENDED)) {
                assertThat(client.request(NbdProtocol.CMD_BLOCK_STATUS, 0, 0, size)
                                .extents())
                        .containsExactly(new Reply.Extent(size, 0));
                assertThat(client.request(NbdProtocol.CMD_TRIM, 0, 0, size).error())
                        .isZero();
                assertThat(client.request(NbdProtocol.CMD_WRITE_ZEROES, 0, 0, size)
                                .error())
                        .isZero();
                assertThat(client.request(NbdProtocol.CMD_CACHE, 0, 0, size).error())
                        .isZero();
                final byte[] data = Patterns.random(1, 5000);
                assertThat(client.write(size - 5000, data)).isZero();
                assertThat(client.read(size - 5000, 5000)).isEqualTo(data);
                assertThat(client.write((4L << 30) - 2500, data)).isZero();
                assertThat(client.read((4L << 30) - 2500, 5000)).isEqualTo(data);
                client.disconnect();
            }
        }
    }

    @Test
    void sessionsShowWhatWasDone() throws IOException {
        try (WireClient client = server.open(Headers.EXTENDED)) {
            assertThat(client.write(0, new byte[70_000])).isZero();
            assertThat(client.read(0, 3000)).hasSize(3000);
            assertThat(client.request(99, 0, 0, 0).error()).isEqualTo(Errno.EINVAL);
            TestServer.await(
                    "the session's counts",
                    () -> server.server().sessions().getFirst().requests() == 3);
            final SessionSnapshot session = server.server().sessions().getFirst();
            assertThat(session.export()).isEqualTo(TestServer.EXPORT);
            assertThat(session.peer()).startsWith("127.0.0.1:");
            assertThat(session.features()).containsExactly("EXTENDED_HEADERS", "base:allocation");
            assertThat(session.inFlight()).isZero();
            assertThat(session.bytesRead()).isEqualTo(3000);
            assertThat(session.bytesWritten()).isEqualTo(70_000);
            assertThat(session.errors()).isEqualTo(1);
            client.disconnect();
        }
        TestServer.await("its end", () -> server.ended().size() == 1);
        assertThat(server.ended().getFirst().reason()).isEqualTo("the client disconnected");
        assertThat(server.failures()).isZero();
    }
}
