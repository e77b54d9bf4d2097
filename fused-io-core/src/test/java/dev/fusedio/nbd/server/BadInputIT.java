package dev.fusedio.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;

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
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Input that broke NBD servers before, named after the report. After each case a session that was there before, and a
 * new one, are served as if nothing had happened.
 */
class BadInputIT {
    private static final byte[] NOTHING = new byte[0];
    private static final int MAX_PAYLOAD = 64 << 20;

    private TestServer server;
    private WireClient bystander;
    private byte[] bystandersData;

    @BeforeEach
    void open() throws IOException {
        server = TestServer.memory();
        bystander = server.open(Headers.STRUCTURED);
        bystandersData = Patterns.random(1, 100_000);
        assertThat(bystander.write(TestServer.SIZE - 200_000, bystandersData)).isZero();
    }

    @AfterEach
    void othersAreServed() throws IOException {
        try (TestServer closing = server) {
            assertThat(bystander.read(TestServer.SIZE - 200_000, bystandersData.length))
                    .isEqualTo(bystandersData);
            assertThat(bystander.flush()).isZero();
            bystander.disconnect();
            for (final Headers headers : Headers.values()) {
                final WireClient fresh = server.open(headers);
                assertThat(fresh.read(TestServer.SIZE - 200_000, bystandersData.length))
                        .isEqualTo(bystandersData);
                fresh.disconnect();
            }
        }
    }

    // --- negotiation -------------------------------------------------------------------------------------------------

    @Test
    void cve_2011_1925_abortAtEachStep() throws IOException {
        for (int step = 0; step < 6; step++) {
            try (WireClient client = server.connect()) {
                client.greet();
                if (step > 0) {
                    client.ask(NbdProtocol.OPT_LIST, NOTHING);
                }
                if (step > 1) {
                    client.negotiateStructured();
                }
                if (step > 2) {
                    client.negotiateExtended();
                }
                if (step > 3) {
                    client.selectContext(TestServer.EXPORT);
                }
                if (step > 4) {
                    client.ask(NbdProtocol.OPT_INFO, Wire.info("no such export"));
                }
                assertThat(client.askOne(NbdProtocol.OPT_ABORT, new byte[step]))
                        .as("ABORT with %d bytes of data", step)
                        .isEqualTo(NbdProtocol.REP_ACK);
                client.awaitEnd();
            }
        }
    }

    @Test
    void cve_2013_7441_closeAtEachByteOfTheHandshake() throws IOException {
        final byte[] handshake = Wire.join(
                Wire.bytes().u32(3).toArray(),
                Wire.option(NbdProtocol.OPT_STRUCTURED_REPLY),
                Wire.option(
                        NbdProtocol.OPT_SET_META_CONTEXT,
                        Wire.contexts(TestServer.EXPORT, NbdProtocol.BASE_ALLOCATION)),
                Wire.option(NbdProtocol.OPT_GO, Wire.info(TestServer.EXPORT)));
        for (int length = 0; length <= handshake.length; length++) {
            final WireClient client = server.connect();
            client.send(Arrays.copyOf(handshake, length));
            if (length % 2 == 0) {
                client.reset();
            } else {
                client.close();
            }
        }
        TestServer.await(
                "all of them are gone", () -> server.server().snapshot().connections() == 1);
    }

    @ParameterizedTest
    @ValueSource(longs = {0xFFFF_FFFFL, 0xFFFF_FFFEL, 0x8000_0000L, 0x7FFF_FFFFL, 0xFFFF_FFFAL, 4097})
    void cve_2022_26495_nameLengthThatOverflows(final long length) throws IOException {
        final byte[] name = Wire.bytes().u32(length).text("vol").u16(0).toArray();
        final byte[] context = Wire.bytes().u32(length).text("vol").u32(0).toArray();
        final byte[] query =
                Wire.bytes().counted("vol").u32(1).u32(length).text("base:").toArray();
        final byte[] queries =
                Wire.bytes().counted("vol").u32(length).counted("base:").toArray();
        try (WireClient client = server.connect()) {
            client.greet().negotiateStructured();
            for (final int option : new int[] {NbdProtocol.OPT_INFO, NbdProtocol.OPT_GO}) {
                assertThat(client.askOne(option, name)).isEqualTo(NbdProtocol.REP_ERR_INVALID);
            }
            for (final int option : new int[] {NbdProtocol.OPT_LIST_META_CONTEXT, NbdProtocol.OPT_SET_META_CONTEXT}) {
                assertThat(client.askOne(option, context)).isEqualTo(NbdProtocol.REP_ERR_INVALID);
                assertThat(client.askOne(option, query)).isEqualTo(NbdProtocol.REP_ERR_INVALID);
                assertThat(client.askOne(option, queries)).isEqualTo(NbdProtocol.REP_ERR_INVALID);
            }
            client.go(TestServer.EXPORT).disconnect(); // still in step
        }
    }

    @Test
    void cve_2022_26496_nameLongerThanItsOption() throws IOException {
        try (WireClient client = server.connect()) {
            client.greet();
            for (int over = 1; over <= 8; over++) {
                final byte[] data =
                        Wire.bytes().u32(3 + over).text("vol").u16(0).toArray();
                assertThat(client.askOne(NbdProtocol.OPT_GO, data)).isEqualTo(NbdProtocol.REP_ERR_INVALID);
                assertThat(client.askOne(NbdProtocol.OPT_INFO, data)).isEqualTo(NbdProtocol.REP_ERR_INVALID);
            }
            for (int length = 0; length < 6; length++) { // shorter than an empty name and no requests
                assertThat(client.askOne(NbdProtocol.OPT_GO, new byte[length])).isEqualTo(NbdProtocol.REP_ERR_INVALID);
            }
            for (final int count : new int[] {1, 2, 0x7FFF, 0x8000, 0xFFFF}) { // requests that aren't there
                final byte[] data = Wire.bytes().counted("vol").u16(count).u8(0).toArray();
                assertThat(client.askOne(NbdProtocol.OPT_GO, data)).isEqualTo(NbdProtocol.REP_ERR_INVALID);
            }
            client.go(TestServer.EXPORT).disconnect();
        }
    }

    @Test
    void cve_2017_9524_connectAndDontNegotiate() throws IOException {
        for (int i = 0; i < 50; i++) {
            server.connect().close();
            server.connect().reset();
            final WireClient scanner = server.connect();
            scanner.receive(18);
            scanner.trySend(
                    "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(java.nio.charset.StandardCharsets.UTF_8));
            scanner.awaitEnd();
            scanner.close();
        }
    }

    @Test
    void cve_2017_7539_garbageAtEachState() throws IOException {
        final long seed = 20_170_7539;
        final SplittableRandom random = new SplittableRandom(seed);
        for (int round = 0; round < 120; round++) {
            final byte[] garbage = new byte[1 + random.nextInt(300)];
            random.nextBytes(garbage);
            garbage[0] = (byte) 0xA5; // no magic begins like that
            try (WireClient client = server.connect()) {
                final int state = round % 6;
                if (state > 0) {
                    client.greet();
                }
                if (state > 1) {
                    client.negotiateStructured();
                }
                if (state > 2) {
                    client.selectContext(TestServer.EXPORT);
                }
                if (state == 4) {
                    client.negotiateExtended();
                }
                if (state > 3) {
                    client.go(TestServer.EXPORT);
                }
                client.trySend(garbage);
                if (garbage.length < 32) { // may be less than a header: the end of the stream decides
                    client.halfClose();
                }
                client.awaitEnd();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 254, 255, 256, 257, 1024, 3000, 4095, 4096})
    void cve_2017_15118_exportNameUpTo4096Bytes(final int length) throws IOException {
        final String name = "a".repeat(length);
        try (WireClient client = server.connect()) {
            client.greet().negotiateStructured();
            final int expected = length == 0 ? NbdProtocol.REP_ACK : NbdProtocol.REP_ERR_UNKNOWN;
            final List<WireClient.OptionReply> info = client.ask(NbdProtocol.OPT_INFO, Wire.info(name));
            assertThat(info.getLast().type()).isEqualTo(expected);
            final List<WireClient.OptionReply> context =
                    client.ask(NbdProtocol.OPT_SET_META_CONTEXT, Wire.contexts(name, NbdProtocol.BASE_ALLOCATION));
            assertThat(context.getLast().type()).isEqualTo(expected);
            client.go(TestServer.EXPORT).disconnect();
        }
        try (WireClient client = server.connect()) {
            client.greet();
            if (length == 0) {
                client.exportName(name).disconnect();
            } else {
                client.sendOption(
                        NbdProtocol.OPT_EXPORT_NAME, Wire.bytes().text(name).toArray());
                client.awaitEnd();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {4097, 8192, 60_000, 65_000})
    void cve_2017_15118_exportNameOfMoreThan4096Bytes(final int length) throws IOException {
        final String name = "a".repeat(length);
        try (WireClient client = server.connect()) {
            client.greet();
            assertThat(client.askOne(NbdProtocol.OPT_GO, Wire.info(name))).isEqualTo(NbdProtocol.REP_ERR_INVALID);
            client.sendOption(
                    NbdProtocol.OPT_EXPORT_NAME, Wire.bytes().text(name).toArray());
            client.awaitEnd();
        }
    }

    @Test
    void cve_2017_15119_optionsOfUpTo4GiB() throws IOException {
        for (final long length : new long[] {0xFFFF_FFFFL, 0x8000_0000L, 0x7FFF_FFFFL, (1 << 20) + 1}) {
            try (WireClient client = server.connect()) {
                client.greet();
                client.send(Wire.option(NbdProtocol.IHAVEOPT, NbdProtocol.OPT_INFO, length));
                client.awaitEnd(); // without waiting for the data
            }
        }
        try (WireClient client = server.connect()) {
            client.greet();
            for (final int length : new int[] {(64 << 10) + 1, 1 << 20}) { // is read over
                assertThat(client.askOne(NbdProtocol.OPT_INFO, new byte[length]))
                        .isEqualTo(NbdProtocol.REP_ERR_TOO_BIG);
                assertThat(client.askOne(0x1234_5678, new byte[length])).isEqualTo(NbdProtocol.REP_ERR_TOO_BIG);
            }
            client.go(TestServer.EXPORT).disconnect();
        }
    }

    @Test
    void cve_2020_10761_errorAboutTheLongestName() throws IOException {
        for (final String name : List.of("n".repeat(4096), "é".repeat(2048), "%s%n".repeat(1024))) {
            try (WireClient client = server.connect()) {
                client.greet().negotiateExtended();
                // the client fails on a message of more than 4096 bytes
                assertThat(client.askOne(NbdProtocol.OPT_GO, Wire.info(name))).isEqualTo(NbdProtocol.REP_ERR_UNKNOWN);
                assertThat(client.askOne(NbdProtocol.OPT_SET_META_CONTEXT, Wire.contexts(name, "x".repeat(4096))))
                        .isEqualTo(NbdProtocol.REP_ERR_UNKNOWN);
                client.go(TestServer.EXPORT).disconnect();
            }
        }
    }

    @Test
    void namesThatAreNoUtf8OrHoldNul() throws IOException {
        final byte[][] names = {
            {(byte) 0xFF},
            {(byte) 0xC3},
            {(byte) 0xC0, (byte) 0x80},
            {'v', 'o', 'l', 0},
            {(byte) 0xED, (byte) 0xA0, 0x20}
        };
        for (final byte[] name : names) {
            try (WireClient client = server.connect()) {
                client.greet();
                final byte[] data =
                        Wire.bytes().u32(name.length).raw(name).u16(0).toArray();
                assertThat(client.askOne(NbdProtocol.OPT_GO, data)).isEqualTo(NbdProtocol.REP_ERR_INVALID);
                client.sendOption(NbdProtocol.OPT_EXPORT_NAME, name);
                client.awaitEnd();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {TestServer.EXPORT, "", "no such export"})
    void cve_2019_14851_infoThenGo(final String other) throws IOException {
        for (final Headers headers : Headers.values()) {
            try (WireClient client = server.connect()) {
                client.greet();
                if (headers == Headers.STRUCTURED) {
                    client.negotiateStructured();
                } else if (headers == Headers.EXTENDED) {
                    client.negotiateExtended();
                }
                for (int i = 0; i < 3; i++) {
                    client.ask(NbdProtocol.OPT_INFO, Wire.info(other, 0, 1, 2, 3, 0xFFFF));
                    client.ask(NbdProtocol.OPT_INFO, Wire.info(TestServer.EXPORT));
                }
                client.go(TestServer.EXPORT);
                assertThat(client.read(0, 10)).hasSize(10);
                client.disconnect();
            }
        }
    }

    @Test
    void cve_2021_3716_startTlsInOneSegmentWithOtherOptions() throws IOException {
        try (WireClient client = server.connect()) {
            client.greet();
            client.send(Wire.join(
                    Wire.option(NbdProtocol.OPT_STRUCTURED_REPLY),
                    Wire.option(NbdProtocol.OPT_STARTTLS),
                    Wire.option(NbdProtocol.OPT_LIST)));
            assertThat(client.readReplies(NbdProtocol.OPT_STRUCTURED_REPLY)).hasSize(1);
            assertThat(client.readReplies(NbdProtocol.OPT_STARTTLS).getFirst().type())
                    .isEqualTo(NbdProtocol.REP_ERR_POLICY);
            assertThat(client.readReplies(NbdProtocol.OPT_LIST)).hasSize(2);
        }
    }

    @Test
    void nbdkit_282c3b03_payloadOfStartTlsIsConsumed() throws IOException {
        try (WireClient client = server.connect()) {
            client.greet();
            assertThat(client.askOne(NbdProtocol.OPT_STARTTLS, Wire.option(NbdProtocol.OPT_ABORT)))
                    .isEqualTo(NbdProtocol.REP_ERR_INVALID);
            for (final int option :
                    new int[] {NbdProtocol.OPT_LIST, NbdProtocol.OPT_STRUCTURED_REPLY, NbdProtocol.OPT_EXTENDED_HEADERS
                    }) {
                assertThat(client.askOne(option, new byte[17])).isEqualTo(NbdProtocol.REP_ERR_INVALID);
            }
            client.go(TestServer.EXPORT).disconnect();
        }
    }

    @Test
    void nbdServer_9ca2974_refusedGoStaysInStep() throws IOException {
        try (WireClient client = server.connect()) {
            client.greet();
            for (int i = 0; i < 20; i++) {
                assertThat(client.askOne(NbdProtocol.OPT_GO, Wire.info("unknown", 3)))
                        .isEqualTo(NbdProtocol.REP_ERR_UNKNOWN);
            }
            client.go(TestServer.EXPORT).disconnect();
        }
    }

    @Test
    void nbdServer_malformedGoIsAnsweredAndNotWaitedOn() throws IOException {
        try (WireClient client = server.connect()) {
            client.greet();
            // the option is complete although its content asks for more
            assertThat(client.askOne(NbdProtocol.OPT_GO, Wire.bytes().u32(1000).toArray()))
                    .isEqualTo(NbdProtocol.REP_ERR_INVALID);
            client.go(TestServer.EXPORT).disconnect();
        }
    }

    @Test
    void unknownOptionsAreRefusedAndConsumed() throws IOException {
        try (WireClient client = server.connect()) {
            client.greet();
            for (final int option : new int[] {0, 4, 12, 255, 0x7FFF_FFFF, 0x8000_0000, -1}) {
                assertThat(client.askOne(option, new byte[100])).isEqualTo(NbdProtocol.REP_ERR_UNSUP);
            }
            client.go(TestServer.EXPORT).disconnect();
        }
    }

    @Test
    void unknownClientFlagsEndTheConnection() throws IOException {
        for (final int flags : new int[] {4, 7, 0x8000_0003, -1}) {
            try (WireClient client = server.connect()) {
                client.greet(flags);
                client.awaitEnd();
            }
        }
        TestServer.await("they are counted", () -> server.failures(NegotiationFailure.MALFORMED) == 4);
    }

    @Test
    void optionWithoutItsMagicEndsTheConnection() throws IOException {
        for (final long magic : new long[] {0, NbdProtocol.NBDMAGIC, NbdProtocol.IHAVEOPT ^ 1, NbdProtocol.REP_MAGIC}) {
            try (WireClient client = server.connect()) {
                client.greet();
                client.send(Wire.option(magic, NbdProtocol.OPT_LIST, 0));
                client.awaitEnd();
            }
        }
    }

    @Test
    void tooManyOptionsEndTheConnection() throws IOException {
        try (WireClient client = server.connect()) {
            client.greet();
            final int limit = NbdLimits.defaults().options();
            for (int i = 0; i < limit; i++) {
                assertThat(client.ask(NbdProtocol.OPT_STRUCTURED_REPLY, NOTHING))
                        .hasSize(1);
            }
            client.sendOption(NbdProtocol.OPT_STRUCTURED_REPLY);
            client.awaitEnd();
        }
        TestServer.await("it is counted", () -> server.failures(NegotiationFailure.LIMIT) == 1);
    }

    // --- transmission ------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource(Headers.class)
    void cve_2005_3534_payloadAroundTheLimit(final Headers headers) throws IOException {
        try (WireClient client = server.open(headers)) {
            final byte[] largest = Patterns.random(7, MAX_PAYLOAD);
            assertThat(client.write(1, largest)).isZero();
            assertThat(client.read(1, MAX_PAYLOAD)).isEqualTo(largest);
            assertThat(client.request(NbdProtocol.CMD_READ, 0, 0, MAX_PAYLOAD + 1L)
                            .error())
                    .isEqualTo(Errno.EINVAL);
            assertThat(client.request(NbdProtocol.CMD_READ, 0, 0, 0xFFFF_FFFFL).error())
                    .isEqualTo(Errno.EINVAL);
            client.disconnect();
        }
        for (final long length : new long[] {MAX_PAYLOAD + 1L, 0x7FFF_FFFFL, 0x8000_0000L, 0xFFFF_FFFFL}) {
            try (WireClient client = server.open(headers)) {
                final int flags = headers.extended() ? NbdProtocol.CMD_FLAG_PAYLOAD_LEN : 0;
                client.submit(NbdProtocol.CMD_WRITE, flags, 0, length, length, new byte[100]);
                client.awaitEnd();
                assertThat(client.outstanding()).isEqualTo(1);
            }
        }
    }

    @Test
    void cve_2011_0530_extendedPayloadThatIsNegativeWhenSigned() throws IOException {
        for (final long length : new long[] {1L << 32, Long.MAX_VALUE, Long.MIN_VALUE, -1, (1L << 32) + 512}) {
            for (int type = 0; type <= 9; type++) {
                if (type != NbdProtocol.CMD_DISC) {
                    try (WireClient client = server.open(Headers.EXTENDED)) {
                        client.submit(type, NbdProtocol.CMD_FLAG_PAYLOAD_LEN, 0, length, 0, NOTHING);
                        client.awaitEnd();
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Headers.class)
    void rangesThatWrapAround(final Headers headers) throws IOException {
        final long size = TestServer.SIZE;
        final long[] offsets = {size, size + 1, -1, Long.MIN_VALUE, Long.MAX_VALUE, -size, -4096, 1L << 32, size - 1};
        final long[] lengths = headers.extended()
                ? new long[] {2, 4096, size + 1, 1L << 32, Long.MAX_VALUE, Long.MIN_VALUE, -1, -4096, 1 - size}
                : new long[] {2, 4096, size + 1, 0x7FFF_FFFFL, 0x8000_0000L, 0xFFFF_FFFFL, 0xFFFF_F000L};
        try (WireClient client = server.open(headers)) {
            for (final long offset : offsets) {
                for (final long length : lengths) {
                    for (final int type : new int[] {
                        NbdProtocol.CMD_READ, NbdProtocol.CMD_TRIM, NbdProtocol.CMD_CACHE, NbdProtocol.CMD_BLOCK_STATUS
                    }) {
                        assertThat(client.request(type, 0, offset, length).error())
                                .as("command %d at %d length %d", type, offset, length)
                                .isEqualTo(Errno.EINVAL);
                    }
                    assertThat(client.request(NbdProtocol.CMD_WRITE_ZEROES, 0, offset, length)
                                    .error())
                            .as("WRITE_ZEROES at %d length %d", offset, length)
                            .isEqualTo(Errno.ENOSPC);
                }
                assertThat(client.write(offset, new byte[4096])).isEqualTo(Errno.ENOSPC);
            }
            client.disconnect();
        }
    }

    @ParameterizedTest
    @EnumSource(Headers.class)
    void spullara_unknownCommandsAndFlags(final Headers headers) throws IOException {
        try (WireClient client = server.open(headers)) {
            for (final int type : new int[] {8, 9, 255, 256, 0x7FFF, 0x8000, 0xFFFF}) {
                assertThat(client.request(type, 0, 0, 512).error()).isEqualTo(Errno.EINVAL);
            }
            for (int bit = 6; bit < 16; bit++) {
                for (final int type : new int[] {0, 3, 4, 5, 6, 7}) {
                    final int length = type == NbdProtocol.CMD_FLUSH ? 0 : 512;
                    assertThat(client.request(type, 1 << bit, 0, length).error())
                            .as("command %d flag %d", type, bit)
                            .isEqualTo(Errno.EINVAL);
                }
                assertThat(client.await(client.submit(NbdProtocol.CMD_WRITE, 1 << bit, 0, new byte[512]))
                                .error())
                        .isEqualTo(Errno.EINVAL);
            }
            client.disconnect();
        }
    }

    @Test
    void cve_2025_47712_blockStatusLengthsNear32And64Bits() throws IOException {
        try (WireClient client = server.open(Headers.EXTENDED)) {
            for (final long length :
                    new long[] {0xFFFF_FFFFL, 1L << 32, (1L << 32) + 1, Long.MAX_VALUE, Long.MIN_VALUE, -1, -512}) {
                assertThat(client.request(NbdProtocol.CMD_BLOCK_STATUS, 0, 0, length)
                                .error())
                        .isEqualTo(Errno.EINVAL);
                final byte[] payload = Wire.bytes()
                        .u64(length)
                        .u32(NbdProtocol.BASE_ALLOCATION_ID)
                        .toArray();
                final long cookie = client.submit(
                        NbdProtocol.CMD_BLOCK_STATUS, NbdProtocol.CMD_FLAG_PAYLOAD_LEN, 0, 12, length, payload);
                assertThat(client.await(cookie).error()).isEqualTo(Errno.EINVAL);
            }
            client.disconnect();
        }
    }

    @Test
    void payloadWhereNoneBelongsOrOfTheWrongLengthIsConsumed() throws IOException {
        try (WireClient client = server.open(Headers.EXTENDED)) {
            for (final int length : new int[] {0, 1, 11, 12, 13, 16, 4096, 70_000, 3 << 20, 32 << 20}) {
                for (final int type : new int[] {0, 3, 4, 5, 6, 7, 99}) {
                    final long cookie = client.submit(
                            type, NbdProtocol.CMD_FLAG_PAYLOAD_LEN, 0, length, length, Patterns.random(3, length));
                    assertThat(client.await(cookie).error())
                            .as("command %d with %d bytes of payload", type, length)
                            .isEqualTo(Errno.EINVAL);
                }
            }
            // qemu 10 doesn't say that its writes have payload, and is served all the same
            final byte[] data = Patterns.random(4, 70_000);
            final long cookie = client.submit(NbdProtocol.CMD_WRITE, 0, 0, data.length, data.length, data);
            assertThat(client.await(cookie).error()).isZero();
            assertThat(client.read(0, data.length)).isEqualTo(data);
            client.disconnect();
        }
    }

    @ParameterizedTest
    @EnumSource(Headers.class)
    void requestWithoutItsMagicEndsTheConnection(final Headers headers) throws IOException {
        for (final int magic : new int[] {
            0,
            NbdProtocol.REQUEST_MAGIC ^ 1,
            0x1256_0953,
            0x2560_9514,
            headers.extended() ? NbdProtocol.REQUEST_MAGIC : NbdProtocol.EXTENDED_REQUEST_MAGIC
        }) {
            try (WireClient client = server.open(headers)) {
                assertThat(client.read(0, 100)).hasSize(100);
                client.send(Wire.request(headers.extended(), magic, 0, NbdProtocol.CMD_READ, 1, 0, 100));
                client.awaitEnd();
            }
        }
    }

    @Test
    void cve_2017_10664_clientGoneWhileItIsAnswered() throws IOException {
        for (int round = 0; round < 40; round++) {
            final WireClient client = server.open(Headers.values()[round % 3]);
            final List<byte[]> requests = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                requests.add(client.compose(NbdProtocol.CMD_READ, 0, i * 100_000L, 1 << 20));
            }
            client.send(Wire.join(requests.toArray(byte[][]::new)));
            if (round % 2 == 0) {
                client.reset();
            } else {
                client.close();
            }
        }
        TestServer.await("they are gone", () -> server.server().snapshot().connections() == 1);
    }

    @Test
    void nbdkit_9d82aa4f_hangUpWithManyReadsQueuedSendsNothingToOthers() throws IOException {
        final byte[] secret = Patterns.random(99, 4 << 20);
        assertThat(bystander.write(0, secret)).isZero();
        for (int round = 0; round < 20; round++) {
            final WireClient deep = server.open(Headers.SIMPLE);
            final List<byte[]> requests = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                requests.add(deep.compose(NbdProtocol.CMD_READ, 0, i * 4096L, 65_536));
            }
            deep.send(Wire.join(requests.toArray(byte[][]::new)));
            deep.reset();
            // the descriptor's number is free now, and likely to be given to this one
            final WireClient next = server.open(Headers.STRUCTURED);
            final int at = 50_000_000 + round;
            assertThat(next.read(at, 10_000)).isEqualTo(new byte[10_000]);
            next.disconnect(); // which fails on anything that nobody asked for
        }
    }

    @ParameterizedTest
    @EnumSource(Headers.class)
    void resetInTheMiddleOfAPayload(final Headers headers) throws IOException {
        for (final int length : new int[] {100, 50_000, 1 << 20, 5 << 20}) {
            for (final int sent : new int[] {0, 1, length / 2, length - 1}) {
                final WireClient client = server.open(headers);
                final int flags = headers.extended() ? NbdProtocol.CMD_FLAG_PAYLOAD_LEN : 0;
                client.submit(NbdProtocol.CMD_WRITE, flags, 0, length, length, new byte[sent]);
                if (sent % 2 == 0) {
                    client.reset();
                } else {
                    client.halfClose();
                    client.awaitEnd();
                    client.close();
                }
            }
        }
        TestServer.await("they are gone", () -> server.server().snapshot().connections() == 1);
    }

    @Test
    void discInTheMiddleOfAPayloadIsPayload() throws IOException {
        try (WireClient client = server.open(Headers.SIMPLE)) {
            final byte[] payload = Wire.join(
                    Wire.request(false, 0, NbdProtocol.CMD_DISC, 1, 0, 0),
                    Wire.request(false, 0, NbdProtocol.CMD_TRIM, 1, 0, 512));
            assertThat(client.write(0, payload)).isZero();
            assertThat(client.read(0, payload.length)).isEqualTo(payload);
            client.disconnect();
        }
    }
}
