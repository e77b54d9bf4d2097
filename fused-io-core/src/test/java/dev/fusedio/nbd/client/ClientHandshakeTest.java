package dev.fusedio.nbd.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fusedio.nbd.client.ScriptedServer.Peer;
import dev.fusedio.nbd.client.ScriptedServer.Script;
import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.sys.Libc;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The handshake against servers that follow a script. */
@Timeout(30) // not a measure of speed: a client that waits so long is stuck
class ClientHandshakeTest {
    private static final Duration LIMIT = Duration.ofMillis(1500);

    /** A server, and a part of what the client must say of it. */
    record Lie(String name, Script script, String message) {
        @Override
        public String toString() {
            return name;
        }
    }

    private static ExportInfo connect(final NbdUri uri, final HeaderKind newest) throws IOException {
        final ClientHandshake.Established established = ClientHandshake.connect(uri, newest, LIMIT);
        Libc.transientInstance().files().close(established.fd());
        return established.export();
    }

    @ParameterizedTest
    @EnumSource(HeaderKind.class)
    void agreesOnTheNewestHeadersOfBoth(final HeaderKind offered) throws Exception {
        try (ScriptedServer server =
                new ScriptedServer(peer -> peer.handshake(offered, ScriptedServer.SIZE, ScriptedServer.FLAGS))) {
            for (final HeaderKind wanted : HeaderKind.values()) {
                final ExportInfo export = connect(server.uri(), wanted);
                assertThat(export.headers()).isEqualTo(offered.compareTo(wanted) < 0 ? offered : wanted);
                assertThat(export.size()).isEqualTo(ScriptedServer.SIZE);
                assertThat(export.flags()).isEqualTo(ScriptedServer.FLAGS);
                assertThat(export.minimumBlock()).isEqualTo(1);
                assertThat(export.preferredBlock()).isEqualTo(4096);
                assertThat(export.maximumPayload()).isEqualTo(32 << 20);
                assertThat(export.allocationContext()).isEqualTo(export.simple() ? ExportInfo.NO_CONTEXT : 7);
            }
        }
    }

    @Test
    void takesTheServersBlockSizes() throws Exception {
        try (ScriptedServer server = new ScriptedServer(go(Peer.info(10_000, 1), Peer.blocks(512, 8192, 70_000)))) {
            final ExportInfo export = connect(server.uri(), HeaderKind.EXTENDED);
            assertThat(export.minimumBlock()).isEqualTo(512);
            assertThat(export.preferredBlock()).isEqualTo(8192);
            assertThat(export.maximumPayload()).isEqualTo(69_632);
            assertThat(export.size())
                    .as("without the tail that no request can reach")
                    .isEqualTo(9728);
        }
    }

    @Test
    void flagsWithoutHasFlagsMeanNothing() throws Exception {
        try (ScriptedServer server = new ScriptedServer(go(Peer.info(4096, 0xFFFE)))) {
            assertThat(connect(server.uri(), HeaderKind.EXTENDED).flags()).isEqualTo(3);
        }
    }

    /** A server that answers GO with these and an acknowledgement. */
    private static Script go(final byte[]... infos) {
        return peer -> {
            untilGo(peer);
            for (final byte[] info : infos) {
                peer.reply(NbdProtocol.OPT_GO, NbdProtocol.REP_INFO, info);
            }
            peer.reply(NbdProtocol.OPT_GO, NbdProtocol.REP_ACK);
        };
    }

    private static void untilGo(final Peer peer) throws IOException {
        peer.greet();
        for (int option = peer.option(); option != NbdProtocol.OPT_GO; option = peer.option()) {
            peer.reply(option, NbdProtocol.REP_ERR_UNSUP);
        }
    }

    private static Script refusing(final int error, final String text) {
        return peer -> {
            untilGo(peer);
            peer.reply(NbdProtocol.OPT_GO, error, text.getBytes(StandardCharsets.UTF_8));
        };
    }

    private static Script raw(final long... greeting) {
        return peer -> {
            peer.out.write(Peer.longs(greeting));
            peer.out.writeShort(3);
            peer.in.read();
        };
    }

    static Stream<Lie> lies() {
        final int go = NbdProtocol.OPT_GO;
        return Stream.of(
                new Lie("not NBD", raw(0x4854_5450_2F31_2E31L, 0), "not an NBD server"),
                new Lie("oldstyle", raw(NbdProtocol.NBDMAGIC, 0x0000_4202_8186_1253L), "old handshake"),
                new Lie(
                        "newstyle that isn't fixed",
                        peer -> {
                            peer.out.write(Peer.longs(NbdProtocol.NBDMAGIC, NbdProtocol.IHAVEOPT));
                            peer.out.writeShort(2);
                            peer.in.read();
                        },
                        "fixed newstyle"),
                new Lie("closes at once", peer -> {}, "closed the connection"),
                new Lie("says nothing", peer -> peer.in.read(), "did not answer in time"),
                new Lie(
                        "says a byte every 100 ms",
                        peer -> {
                            while (true) {
                                peer.out.write(0x4E);
                                Thread.sleep(100);
                            }
                        },
                        "time"),
                new Lie(
                        "wrong reply magic",
                        peer -> {
                            untilGo(peer);
                            peer.out.write(new byte[20]);
                            peer.in.read();
                        },
                        "wrong magic"),
                new Lie(
                        "a reply of 4 GiB",
                        peer -> {
                            untilGo(peer);
                            peer.out.writeLong(NbdProtocol.REP_MAGIC);
                            peer.out.write(Peer.ints(go, NbdProtocol.REP_INFO, -1));
                            peer.in.read();
                        },
                        "4294967295 bytes"),
                new Lie(
                        "a reply of 1 GiB",
                        peer -> {
                            untilGo(peer);
                            peer.out.writeLong(NbdProtocol.REP_MAGIC);
                            peer.out.write(Peer.ints(go, NbdProtocol.REP_INFO, 1 << 30));
                            peer.in.read();
                        },
                        "1073741824 bytes"),
                new Lie(
                        "a reply to another option",
                        peer -> {
                            untilGo(peer);
                            peer.reply(NbdProtocol.OPT_LIST, NbdProtocol.REP_ACK);
                        },
                        "replied to option 3"),
                new Lie(
                        "information without end",
                        peer -> {
                            untilGo(peer);
                            while (true) {
                                peer.reply(go, NbdProtocol.REP_INFO, Peer.info(4096, 1));
                            }
                        },
                        "without end"),
                new Lie(
                        "a reply that isn't one for GO",
                        peer -> {
                            untilGo(peer);
                            peer.reply(go, NbdProtocol.REP_SERVER, new byte[8]);
                        },
                        "makes no sense"),
                new Lie(
                        "information of one byte",
                        peer -> {
                            untilGo(peer);
                            peer.reply(go, NbdProtocol.REP_INFO, (byte) 0);
                        },
                        "makes no sense"),
                new Lie("no size", go(), "how large"),
                new Lie("a short export info", go(new byte[5]), "malformed"),
                new Lie("a negative size", go(Peer.info(-1, 1)), "2^63"),
                new Lie("a smallest block of 0", go(Peer.info(4096, 1), Peer.blocks(0, 4096, 65536)), "impossible"),
                new Lie("a smallest block of 3", go(Peer.info(4096, 1), Peer.blocks(3, 4096, 65536)), "impossible"),
                new Lie(
                        "a smallest block of 128 KiB",
                        go(Peer.info(4096, 1), Peer.blocks(131072, 131072, -1)),
                        "impossible"),
                new Lie(
                        "a negative smallest block",
                        go(Peer.info(4096, 1), Peer.blocks(Integer.MIN_VALUE, 4096, 65536)),
                        "impossible"),
                new Lie("preferred 1000", go(Peer.info(4096, 1), Peer.blocks(1, 1000, 65536)), "impossible"),
                new Lie("preferred 2 GiB", go(Peer.info(4096, 1), Peer.blocks(1, 1 << 31, -1)), "impossible"),
                new Lie("largest below preferred", go(Peer.info(4096, 1), Peer.blocks(1, 4096, 1024)), "impossible"),
                new Lie("no such export", refusing(NbdProtocol.REP_ERR_UNKNOWN, "no disc here"), "no disc here"),
                new Lie("wants TLS", refusing(0x80000005, ""), "wants TLS"),
                new Lie("policy", refusing(NbdProtocol.REP_ERR_POLICY, "not you"), "not you"),
                new Lie("an unknown error", refusing(0x8000_1234, ""), "0x80001234"),
                new Lie(
                        "shutting down",
                        peer -> {
                            peer.greet();
                            peer.reply(peer.option(), NbdProtocol.REP_ERR_SHUTDOWN);
                        },
                        "shutting down"),
                new Lie(
                        "contexts without end",
                        peer -> {
                            peer.greet();
                            while (peer.option() != NbdProtocol.OPT_EXTENDED_HEADERS) {}
                            peer.reply(NbdProtocol.OPT_EXTENDED_HEADERS, NbdProtocol.REP_ACK);
                            peer.option();
                            while (true) {
                                peer.reply(
                                        NbdProtocol.OPT_SET_META_CONTEXT, NbdProtocol.REP_META_CONTEXT, new byte[64]);
                            }
                        },
                        "without end"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("lies")
    void refusesAServerThat(final Lie lie) throws Exception {
        try (ScriptedServer server = new ScriptedServer(lie.script)) {
            assertThatThrownBy(() -> connect(server.uri(), HeaderKind.EXTENDED))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining(lie.message)
                    .hasMessageContaining("127.0.0.1");
        }
    }

    @Test
    void showsTheServersTextCleanAndBounded() throws Exception {
        final String text = "\u001b[31mred\u0007\n" + "x".repeat(5000);
        try (ScriptedServer server = new ScriptedServer(refusing(NbdProtocol.REP_ERR_POLICY, text))) {
            assertThatThrownBy(() -> connect(server.uri(), HeaderKind.EXTENDED))
                    .satisfies(e -> assertThat(e.getMessage())
                            .hasSizeLessThan(500)
                            .contains("red")
                            .doesNotContain("\u001b", "\u0007", "\n"));
        }
    }

    @Test
    void saysWhereNobodyListens() {
        assertThatThrownBy(() -> connect(NbdUri.tcp("127.0.0.1", 1, "x"), HeaderKind.EXTENDED))
                .hasMessageContaining("127.0.0.1:1")
                .hasMessageContaining("ECONNREFUSED");
        assertThatThrownBy(() -> connect(NbdUri.unix(Path.of("/nonexistent/socket"), "x"), HeaderKind.EXTENDED))
                .hasMessageContaining("/nonexistent/socket")
                .hasMessageContaining("ENOENT");
        assertThatThrownBy(() -> connect(NbdUri.unix(Path.of("/" + "x".repeat(200)), "x"), HeaderKind.EXTENDED))
                .hasMessageContaining("longer than 107");
        assertThatThrownBy(() -> connect(NbdUri.tcp("no-such-host.invalid", 1, "x"), HeaderKind.EXTENDED))
                .hasMessageContaining("no such host");
    }
}
