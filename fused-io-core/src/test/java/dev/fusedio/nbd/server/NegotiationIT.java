package dev.fusedio.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.backend.memory.MemoryBackend;
import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.sys.Errno;
import dev.fusedio.volume.Volume;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every option, in many orders, by what the session that follows can do. Two exports, of which the first is the default. */
class NegotiationIT {
    private static final String OTHER = "other é";
    private static final long OTHER_SIZE = 1 << 20;
    private static final String DESCRIPTION = "what it is for";

    private TestServer server;

    @BeforeEach
    void start() throws IOException {
        server = new TestServer(
                dev.fusedio.loop.LoopConfig.ofAllowedCores(),
                NbdLimits.defaults(),
                loops -> List.of(
                        new Volume(TestServer.EXPORT, DESCRIPTION, new MemoryBackend(TestServer.SIZE), false),
                        new Volume(OTHER, "", new MemoryBackend(OTHER_SIZE), true)));
    }

    @AfterEach
    void stop() throws IOException {
        server.close();
    }

    @Test
    void list() throws IOException {
        try (WireClient client = server.connect()) {
            final List<WireClient.OptionReply> replies = client.greet().ask(NbdProtocol.OPT_LIST);
            assertThat(replies).hasSize(3);
            assertThat(replies.get(0).data())
                    .isEqualTo(Wire.bytes()
                            .counted(TestServer.EXPORT)
                            .text(DESCRIPTION)
                            .toArray());
            assertThat(replies.get(1).data())
                    .isEqualTo(Wire.bytes().counted(OTHER).toArray());
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void exportName(final boolean noZeroes) throws IOException {
        for (final String name : new String[] {"", TestServer.EXPORT, OTHER}) {
            try (WireClient client = server.connect()) {
                client.greet(noZeroes ? 3 : 1).exportName(name);
                assertThat(client.size()).isEqualTo(name.equals(OTHER) ? OTHER_SIZE : TestServer.SIZE);
                assertThat((client.transmissionFlags() & NbdProtocol.FLAG_READ_ONLY) != 0)
                        .isEqualTo(name.equals(OTHER));
                assertThat(client.read(0, 1000)).hasSize(1000);
                client.disconnect();
            }
        }
    }

    @Test
    void exportNameWithStructuredReplies() throws IOException {
        try (WireClient client = server.connect()) {
            client.greet().negotiateStructured();
            client.selectContext(TestServer.EXPORT);
            client.exportName(TestServer.EXPORT);
            assertThat(client.transmissionFlags() & NbdProtocol.FLAG_SEND_DF).isNotZero();
            assertThat(client.request(NbdProtocol.CMD_BLOCK_STATUS, 0, 0, 512).error())
                    .isZero();
            client.disconnect();
        }
    }

    @Test
    void exportNameIsForbiddenWithExtendedHeaders() throws IOException {
        try (WireClient client = server.connect()) {
            client.greet().negotiateExtended();
            client.sendOption(NbdProtocol.OPT_EXPORT_NAME, new byte[0]);
            client.awaitEnd();
        }
    }

    @Test
    void informationThatIsAskedForIsGiven() throws IOException {
        try (WireClient client = server.connect()) {
            client.greet();
            for (int asked = 0; asked < 16; asked++) {
                final List<Integer> types = new ArrayList<>();
                for (int type = 0; type < 4; type++) {
                    if ((asked & 1 << type) != 0) {
                        types.add(type);
                        types.add(type); // repeated: answered once
                    }
                }
                final List<WireClient.OptionReply> replies = client.ask(
                        NbdProtocol.OPT_INFO,
                        Wire.info("", types.stream().mapToInt(Integer::intValue).toArray()));
                final List<Integer> given = replies.stream()
                        .filter(reply -> reply.type() == NbdProtocol.REP_INFO)
                        .map(reply -> (int) reply.in().getShort())
                        .toList();
                assertThat(given)
                        .doesNotHaveDuplicates()
                        .contains(NbdProtocol.INFO_EXPORT)
                        .containsAll(types);
                assertThat(replies.getLast().type()).isEqualTo(NbdProtocol.REP_ACK);
                for (final WireClient.OptionReply reply : replies) {
                    checkInformation(reply);
                }
            }
        }
    }

    private static void checkInformation(final WireClient.OptionReply reply) {
        if (reply.type() != NbdProtocol.REP_INFO) {
            return;
        }
        final ByteBuffer in = reply.in();
        switch (in.getShort()) {
            case NbdProtocol.INFO_EXPORT -> assertThat(in.getLong()).isEqualTo(TestServer.SIZE);
            case NbdProtocol.INFO_NAME -> assertThat(reply.text()).endsWith(TestServer.EXPORT);
            case NbdProtocol.INFO_DESCRIPTION -> assertThat(reply.text()).endsWith(DESCRIPTION);
            default -> {
                assertThat(in.getInt()).isEqualTo(1);
                assertThat(in.getInt()).isEqualTo(4096);
                assertThat(in.getInt()).isEqualTo(32 << 20);
            }
        }
    }

    @Test
    void metaContextsAreListed() throws IOException {
        try (WireClient client = server.connect()) {
            client.greet();
            assertThat(client.askOne(NbdProtocol.OPT_LIST_META_CONTEXT, Wire.contexts("")))
                    .as("before structured replies")
                    .isEqualTo(NbdProtocol.REP_ERR_INVALID);
            client.negotiateStructured();
            final int list = NbdProtocol.OPT_LIST_META_CONTEXT;
            assertThat(client.ask(list, Wire.contexts(""))).hasSize(2);
            assertThat(client.ask(list, Wire.contexts(OTHER, "base:"))).hasSize(2);
            assertThat(client.ask(list, Wire.contexts("", "base:allocation"))).hasSize(2);
            assertThat(client.ask(list, Wire.contexts("", "qemu:", "base:alloc", "", "x-y:z", "base:allocation2")))
                    .hasSize(1);
            assertThat(client.ask(list, Wire.contexts("", "base:", "base:", "base:allocation")))
                    .as("each context once")
                    .hasSize(2);
            assertThat(client.askOne(list, Wire.contexts("unknown"))).isEqualTo(NbdProtocol.REP_ERR_UNKNOWN);
            // listing selects nothing
            client.go(TestServer.EXPORT);
            assertThat(client.request(NbdProtocol.CMD_BLOCK_STATUS, 0, 0, 512).error())
                    .isEqualTo(Errno.EINVAL);
            client.disconnect();
        }
    }

    @Test
    void laterSelectionReplacesTheFormer() throws IOException {
        final int set = NbdProtocol.OPT_SET_META_CONTEXT;
        final byte[] malformed = {0, 0, 0, 9};
        final byte[][] clearing = {
            Wire.contexts(TestServer.EXPORT),
            Wire.contexts(TestServer.EXPORT, "base:"),
            Wire.contexts(TestServer.EXPORT, "qemu:dirty-bitmap:x"),
            Wire.contexts("unknown", "base:allocation"),
            Wire.contexts(OTHER, "base:allocation"),
            malformed
        };
        for (final byte[] clear : clearing) {
            try (WireClient client = server.connect()) {
                client.greet().negotiateExtended();
                client.selectContext(TestServer.EXPORT);
                client.ask(set, clear);
                client.go(TestServer.EXPORT);
                assertThat(client.transmissionFlags() & NbdProtocol.FLAG_BLOCK_STATUS_PAYLOAD)
                        .isZero();
                assertThat(client.request(NbdProtocol.CMD_BLOCK_STATUS, 0, 0, 512)
                                .error())
                        .isEqualTo(Errno.EINVAL);
                client.disconnect();
            }
            try (WireClient client = server.connect()) {
                client.greet().negotiateExtended();
                client.ask(set, clear);
                client.selectContext(TestServer.EXPORT);
                client.go(TestServer.EXPORT);
                assertThat(client.request(NbdProtocol.CMD_BLOCK_STATUS, 0, 0, 512)
                                .error())
                        .isZero();
                client.disconnect();
            }
        }
    }

    @Test
    void structuredAfterExtendedIsRefusedAndChangesNothing() throws IOException {
        try (WireClient client = server.connect()) {
            client.greet().negotiateExtended();
            assertThat(client.askOne(NbdProtocol.OPT_STRUCTURED_REPLY)).isEqualTo(NbdProtocol.REP_ERR_EXT_HEADER_REQD);
            client.go("");
            assertThat(client.read(0, 100_000)).hasSize(100_000);
            client.disconnect();
        }
    }

    /** All orders of five options, each followed by a refused GO, then the session that must come of it. */
    @Test
    void optionsInAnyOrder() throws IOException {
        final List<List<Integer>> orders = new ArrayList<>();
        permute(
                new ArrayList<>(List.of(
                        NbdProtocol.OPT_STRUCTURED_REPLY,
                        NbdProtocol.OPT_EXTENDED_HEADERS,
                        NbdProtocol.OPT_SET_META_CONTEXT,
                        NbdProtocol.OPT_INFO,
                        NbdProtocol.OPT_LIST)),
                0,
                orders);
        assertThat(orders).hasSize(120);
        for (final List<Integer> order : orders) {
            runOrder(order);
            runOrder(order.subList(0, 3));
        }
    }

    private void runOrder(final List<Integer> order) throws IOException {
        boolean structured = false;
        boolean extended = false;
        boolean context = false;
        try (WireClient client = server.connect()) {
            client.greet();
            for (final int option : order) {
                switch (option) {
                    case NbdProtocol.OPT_STRUCTURED_REPLY -> {
                        if (extended) {
                            assertThat(client.askOne(option)).isEqualTo(NbdProtocol.REP_ERR_EXT_HEADER_REQD);
                        } else {
                            client.negotiateStructured();
                            structured = true;
                        }
                    }
                    case NbdProtocol.OPT_EXTENDED_HEADERS -> {
                        client.negotiateExtended();
                        structured = true;
                        extended = true;
                    }
                    case NbdProtocol.OPT_SET_META_CONTEXT -> {
                        if (structured) {
                            client.selectContext(TestServer.EXPORT);
                            context = true;
                        } else {
                            assertThat(client.askOne(option, Wire.contexts(TestServer.EXPORT, "base:allocation")))
                                    .isEqualTo(NbdProtocol.REP_ERR_INVALID);
                        }
                    }
                    case NbdProtocol.OPT_INFO -> client.ask(option, Wire.info(OTHER, 3));
                    default -> client.ask(option);
                }
                assertThat(client.askOne(NbdProtocol.OPT_GO, Wire.info("unknown")))
                        .isEqualTo(NbdProtocol.REP_ERR_UNKNOWN);
            }
            client.go(TestServer.EXPORT);
            assertThat((client.transmissionFlags() & NbdProtocol.FLAG_SEND_DF) != 0)
                    .as("DF after %s", order)
                    .isEqualTo(structured);
            assertThat((client.transmissionFlags() & NbdProtocol.FLAG_BLOCK_STATUS_PAYLOAD) != 0)
                    .as("BLOCK_STATUS_PAYLOAD after %s", order)
                    .isEqualTo(extended && context);
            assertThat(client.request(NbdProtocol.CMD_BLOCK_STATUS, 0, 0, 512).error())
                    .as("block status after %s", order)
                    .isEqualTo(context ? 0 : Errno.EINVAL);
            assertThat(client.read(0, 5000)).hasSize(5000);
            client.disconnect();
        }
    }

    private static void permute(final List<Integer> items, final int from, final List<List<Integer>> orders) {
        if (from == items.size()) {
            orders.add(List.copyOf(items));
            return;
        }
        for (int i = from; i < items.size(); i++) {
            java.util.Collections.swap(items, from, i);
            permute(items, from + 1, orders);
            java.util.Collections.swap(items, from, i);
        }
    }

    @Test
    void oneOptionAByteAndAllOptionsInOneSegment() throws IOException {
        final byte[] options = Wire.join(
                Wire.option(NbdProtocol.OPT_STRUCTURED_REPLY),
                Wire.option(NbdProtocol.OPT_LIST),
                Wire.option(NbdProtocol.OPT_INFO, Wire.info(OTHER)),
                Wire.option(NbdProtocol.OPT_GO, Wire.info(OTHER)));
        for (final int piece : new int[] {1, 5, 16, 17, 1000}) {
            try (WireClient client = server.connect().chopped(piece)) {
                client.greet().send(options);
                assertThat(client.readReplies(NbdProtocol.OPT_STRUCTURED_REPLY)).hasSize(1);
                assertThat(client.readReplies(NbdProtocol.OPT_LIST)).hasSize(3);
                assertThat(client.readReplies(NbdProtocol.OPT_INFO)).hasSize(2);
                client.gone();
                assertThat(client.size()).isEqualTo(OTHER_SIZE);
            }
        }
    }
}
