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
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
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
                new HandshakeMemory(4 << 20),
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

    // --- what a handshake may take up --------------------------------------------------------------------------------

    private static final int LONGEST = NbdLimits.defaults().optionBytes();

    private static byte[] announced(final int length, final int sent) {
        return Wire.join(
                Wire.bytes().u32(3).toArray(),
                Wire.bytes()
                        .u64(NbdProtocol.IHAVEOPT)
                        .u32(NbdProtocol.OPT_LIST)
                        .u32(length)
                        .toArray(),
                new byte[sent]);
    }

    private Handshake handshake(final HandshakeMemory memory, final ExportDirectory directory) {
        return new Handshake(directory, NbdLimits.defaults(), memory, "peer", Runnable::run, () -> {}, chosen::add);
    }

    @Test
    @DisplayName("fault 1: what a client announces costs nothing")
    void announcementsCostNothing() {
        final HandshakeMemory memory = new HandshakeMemory(4 << 20);
        for (int i = 0; i < 900; i++) {
            final Handshake handshake = handshake(memory, new Counting());
            feed(handshake, announced(LONGEST, i % HandshakeMemory.FREE_BYTES), new SplittableRandom(i));
            assertThat(handshake.status()).isEqualTo(Handshake.Status.READING);
        }
        assertThat(memory.used()).isZero();
        goesThrough(memory);
    }

    @Test
    @DisplayName("fault 1: bytes that arrive are charged, within one limit for all handshakes")
    void longOptionsShareOneLimit() {
        final HandshakeMemory memory = new HandshakeMemory(1 << 20);
        final List<Handshake> all = new ArrayList<>();
        int crowded = 0;
        for (int i = 0; i < 100; i++) {
            final Handshake handshake = handshake(memory, new Counting());
            all.add(handshake);
            feed(handshake, announced(LONGEST, LONGEST - 1), new SplittableRandom(i));
            assertThat(memory.used()).isLessThanOrEqualTo(1 << 20);
            crowded += handshake.failure() == NegotiationFailure.CROWDED ? 1 : 0;
        }
        assertThat(crowded).isEqualTo(100 - (1 << 20) / LONGEST);
        goesThrough(memory);
        all.forEach(Handshake::release);
        assertThat(memory.used()).isZero();
    }

    private void goesThrough(final HandshakeMemory memory) {
        final Handshake honest = handshake(memory, new Counting());
        feed(
                honest,
                Wire.join(Wire.bytes().u32(3).toArray(), Wire.option(NbdProtocol.OPT_GO, Wire.info("vol"))),
                new SplittableRandom(1));
        assertThat(honest.status()).isEqualTo(Handshake.Status.FINISHED);
    }

    @Test
    @DisplayName("fault 1: a long option gives its memory back when it has been looked at")
    void aLongOptionIsForgotten() {
        final HandshakeMemory memory = new HandshakeMemory(1 << 20);
        final Handshake handshake = handshake(memory, new Counting());
        for (int i = 0; i < 3; i++) {
            feed(handshake, i == 0 ? announced(LONGEST, LONGEST - 1) : new byte[0], new SplittableRandom(1));
        }
        assertThat(memory.used()).isPositive();
        feed(handshake, new byte[1], new SplittableRandom(1));
        assertThat(memory.used()).isZero();
    }

    /** A thousand exports with long descriptions. */
    private static final class Many implements ExportDirectory {
        private final List<Listing> exports = new ArrayList<>();

        Many(final int count) {
            for (int i = 0; i < count; i++) {
                exports.add(new Listing("export-" + i, "d".repeat(4000)));
            }
        }

        @Override
        public void find(final String name, final String peer, final Consumer<Answer> reply) {
            reply.accept(new Answer.Unknown());
        }

        @Override
        public void list(final String peer, final Consumer<List<Listing>> reply) {
            reply.accept(exports);
        }
    }

    @Test
    @DisplayName("fault 2: no option is taken, nor a list gone on with, while 64 KiB of replies are unsent")
    void repliesThatAreNotReadHoldTheOptionsUp() {
        final Handshake handshake = handshake(new HandshakeMemory(1 << 20), new Many(1_000));
        final byte[] bytes = Wire.join(
                Wire.bytes().u32(3).toArray(),
                Wire.join(Stream.generate(() -> Wire.option(NbdProtocol.OPT_LIST))
                        .limit(63)
                        .toArray(byte[][]::new)));
        long sent = 0;
        try (Arena arena = Arena.ofConfined()) {
            final long at = arena.allocate(bytes.length, 8).address();
            Memory.put(at, bytes, 0, bytes.length);
            int fed = 0;
            while (fed < bytes.length || handshake.out().size() > 0) {
                fed += handshake.feed(at + fed, bytes.length - fed);
                assertThat(handshake.out().size()).isBetween(1, 64 << 10);
                assertThat(handshake.out().array().length).isLessThanOrEqualTo(128 << 10);
                final int taken = Math.min(
                        handshake.out().size(), 1 + (int) (sent * 31 % 16_000)); // a socket takes what it takes
                sent += taken;
                handshake.out().remove(taken);
                handshake.replyServers();
            }
        }
        final long server = 20L + 4 + 4000 + "export-".length();
        final long digits = 10 + 2 * 90 + 3 * 900;
        assertThat(sent).isEqualTo(18 + 63 * (1_000 * server + digits + 20));
    }

    @Test
    @DisplayName("fault 21: a client may ask for each export that it was listed, and for no more")
    void optionsGrowWithTheList() {
        final int options = NbdLimits.defaults().options();
        assertThat(optionsUntilTheLimit(0)).isEqualTo(options);
        assertThat(optionsUntilTheLimit(1_000)).isBetween(options + 8 * 1_000, options + 32 * 1_000);
    }

    private int optionsUntilTheLimit(final int exports) {
        final Handshake handshake = handshake(new HandshakeMemory(1 << 20), new Many(exports));
        feedAll(handshake, Wire.join(Wire.bytes().u32(3).toArray(), Wire.option(NbdProtocol.OPT_LIST)));
        final byte[] info = Wire.option(NbdProtocol.OPT_INFO, Wire.info("export-1"));
        int options = 0;
        while (handshake.status() == Handshake.Status.READING) {
            options++;
            feedAll(handshake, info);
        }
        assertThat(handshake.failure()).isEqualTo(NegotiationFailure.LIMIT);
        return options;
    }

    private void feedAll(final Handshake handshake, final byte[] bytes) {
        feed(handshake, bytes, new SplittableRandom(1));
        while (handshake.out().size() > 0) {
            handshake.out().remove(handshake.out().size());
            handshake.replyServers();
        }
    }
}
