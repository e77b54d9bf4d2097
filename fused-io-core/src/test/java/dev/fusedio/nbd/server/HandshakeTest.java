package dev.fusedio.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.backend.memory.MemoryBackend;
import dev.fusedio.nbd.wire.ByteQueue;
import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.sys.Memory;
import dev.fusedio.sys.Seeds;
import dev.fusedio.volume.Volume;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class HandshakeTest {
    private final List<Volume> chosen = new ArrayList<>();
    private final List<String> asked = new ArrayList<>();
    private final List<Runnable> mail = new ArrayList<>();
    private Volume volume;

    @BeforeEach
    void open() throws IOException {
        volume = new Volume("vol", "described", new MemoryBackend(1 << 20), false);
    }

    @AfterEach
    void close() throws IOException {
        volume.close();
    }

    private final class Counting implements ExportDirectory {
        @Override
        public void find(final String name, final String peer, final Consumer<Answer> reply) {
            asked.add(name);
            ExportDirectory.of(volume).find(name, peer, reply);
        }

        @Override
        public void list(final String peer, final Consumer<List<Listing>> reply) {
            ExportDirectory.of(volume).list(peer, reply);
        }
    }

    private Handshake handshake(final boolean later) {
        return new Handshake(
                new Counting(),
                NbdLimits.defaults(),
                "peer",
                later ? mail::add : Runnable::run,
                () -> {
                    // fed on below
                },
                chosen::add);
    }

    /** Feeds pieces of random lengths; those whose answers come later get them late. */
    private void feed(final Handshake handshake, final byte[] bytes, final SplittableRandom random) {
        try (Arena arena = Arena.ofConfined()) {
            final long at = arena.allocate(bytes.length, 8).address();
            Memory.put(at, bytes, 0, bytes.length);
            int fed = 0;
            while (fed < bytes.length && handshake.status() == Handshake.Status.READING) {
                final int piece = 1 + random.nextInt(Math.min(bytes.length - fed, 1 + random.nextInt(100)));
                fed += handshake.feed(at + fed, piece);
                while (!mail.isEmpty()) {
                    mail.removeFirst().run();
                }
            }
        }
    }

    private static byte[] out(final Handshake handshake) {
        final ByteQueue out = handshake.out();
        return Arrays.copyOfRange(out.array(), out.head(), out.head() + out.size());
    }

    private static final byte[] CONVERSATION = Wire.join(
            Wire.bytes().u32(3).toArray(),
            Wire.option(NbdProtocol.OPT_LIST),
            Wire.option(1234, new byte[100_000]),
            Wire.option(NbdProtocol.OPT_STRUCTURED_REPLY),
            Wire.option(NbdProtocol.OPT_SET_META_CONTEXT, Wire.contexts("vol", "base:allocation", "x-other:y")),
            Wire.option(NbdProtocol.OPT_INFO, Wire.info("unknown", 1, 2, 3)),
            Wire.option(NbdProtocol.OPT_INFO, Wire.info("", 3, 2, 1)),
            Wire.option(NbdProtocol.OPT_GO, Wire.info("vol", 3)),
            new byte[] {1, 2, 3});

    @Test
    void anyFragmentationGivesTheSameAnswers() {
        final Handshake whole = handshake(false);
        feed(whole, CONVERSATION, new SplittableRandom(0));
        final byte[] expected = out(whole);
        Seeds.forEach(300, seed -> {
            final Handshake handshake = handshake(seed % 2 == 0);
            feed(handshake, CONVERSATION, new SplittableRandom(seed));
            assertThat(handshake.status()).isEqualTo(Handshake.Status.FINISHED);
            assertThat(out(handshake)).isEqualTo(expected);
            assertThat(handshake.negotiated().structured()).isTrue();
            assertThat(handshake.negotiated().baseAllocation()).isTrue();
            assertThat(handshake.negotiated().extended()).isFalse();
            assertThat(handshake.negotiated().volume()).isSameAs(volume);
        });
    }

    @Test
    void bytesBehindGoAreLeftToTheTransmission() {
        final Handshake handshake = handshake(false);
        try (Arena arena = Arena.ofConfined()) {
            final long at = arena.allocate(CONVERSATION.length, 8).address();
            Memory.put(at, CONVERSATION, 0, CONVERSATION.length);
            assertThat(handshake.feed(at, CONVERSATION.length)).isEqualTo(CONVERSATION.length - 3);
        }
        assertThat(chosen).containsExactly(volume);
    }

    @Test
    void cve_2019_14850_nothingIsOpenedBeforeAnExportIsNamed() {
        final Handshake handshake = handshake(false);
        feed(
                handshake,
                Wire.join(
                        Wire.bytes().u32(3).toArray(),
                        Wire.option(NbdProtocol.OPT_LIST),
                        Wire.option(NbdProtocol.OPT_STRUCTURED_REPLY),
                        Wire.option(NbdProtocol.OPT_EXTENDED_HEADERS),
                        Wire.option(NbdProtocol.OPT_INFO, new byte[5]),
                        Wire.option(NbdProtocol.OPT_ABORT)),
                new SplittableRandom(1));
        assertThat(asked).isEmpty();
        assertThat(chosen).isEmpty();
        assertThat(handshake.status()).isEqualTo(Handshake.Status.CLOSING);
        assertThat(handshake.failure()).as("ABORT is no failure").isNull();
    }

    @Test
    void infoChoosesNothing() {
        final Handshake handshake = handshake(false);
        feed(
                handshake,
                Wire.join(Wire.bytes().u32(3).toArray(), Wire.option(NbdProtocol.OPT_INFO, Wire.info("vol"))),
                new SplittableRandom(2));
        assertThat(asked).containsExactly("vol");
        assertThat(chosen).isEmpty();
        assertThat(handshake.status()).isEqualTo(Handshake.Status.READING);
    }

    @Test
    void whileItWaitsItTakesNothing() {
        final Handshake handshake = handshake(true);
        final byte[] bytes = Wire.join(
                Wire.bytes().u32(3).toArray(),
                Wire.option(NbdProtocol.OPT_INFO, Wire.info("vol")),
                Wire.option(NbdProtocol.OPT_LIST));
        try (Arena arena = Arena.ofConfined()) {
            final long at = arena.allocate(bytes.length, 8).address();
            Memory.put(at, bytes, 0, bytes.length);
            final int taken = handshake.feed(at, bytes.length);
            assertThat(handshake.status()).isEqualTo(Handshake.Status.WAITING);
            assertThat(taken).isEqualTo(bytes.length - 16);
            assertThat(handshake.feed(at + taken, 16)).isZero();
            mail.removeFirst().run();
            assertThat(handshake.feed(at + taken, 16)).isEqualTo(16);
        }
    }

    @Test
    void failuresAreNamed() {
        final byte[] flags = Wire.bytes().u32(3).toArray();
        assertThat(failure(Wire.bytes().u32(8).toArray())).isEqualTo(NegotiationFailure.MALFORMED);
        assertThat(failure(Wire.join(flags, Wire.option(1, 2, 0)))).isEqualTo(NegotiationFailure.MALFORMED);
        assertThat(failure(Wire.join(flags, Wire.option(NbdProtocol.IHAVEOPT, 2, 0xFFFF_FFFFL))))
                .isEqualTo(NegotiationFailure.LIMIT);
        assertThat(failure(Wire.join(flags, Wire.option(NbdProtocol.OPT_EXPORT_NAME, (byte) 'x'))))
                .isEqualTo(NegotiationFailure.EXPORT_REFUSED);
        assertThat(failure(Wire.join(flags, Wire.option(NbdProtocol.OPT_EXPORT_NAME, (byte) 0))))
                .isEqualTo(NegotiationFailure.MALFORMED);
    }

    private NegotiationFailure failure(final byte[] bytes) {
        final Handshake handshake = handshake(false);
        feed(handshake, bytes, new SplittableRandom(3));
        assertThat(handshake.status()).isEqualTo(Handshake.Status.CLOSING);
        return handshake.failure();
    }
}
