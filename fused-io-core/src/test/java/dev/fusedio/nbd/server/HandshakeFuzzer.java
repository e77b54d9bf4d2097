package dev.fusedio.nbd.server;

import dev.fusedio.backend.memory.MemoryBackend;
import dev.fusedio.nbd.wire.ByteQueue;
import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.sys.Memory;
import dev.fusedio.sys.SystemCallException;
import dev.fusedio.volume.Volume;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * A fuzz target for the server's side of the handshake. The first byte of an input says how the rest, what a client
 * sends, is cut into pieces, and whether the export directory answers at once or later.
 */
public final class HandshakeFuzzer {
    private static final int MAX_INPUT = 256 << 10;
    private static final Volume VOLUME = volume();

    private HandshakeFuzzer() {}

    private static Volume volume() {
        try {
            return new Volume(TestServer.EXPORT, "for fuzzing", new MemoryBackend(1 << 20), false);
        } catch (final SystemCallException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Jazzer's entry point. */
    public static void fuzzerTestOneInput(final byte[] input) {
        if (input.length == 0 || input.length > MAX_INPUT) {
            return;
        }
        final int piece = (input[0] & 0x7F) == 0 ? Integer.MAX_VALUE : input[0] & 0x7F;
        final boolean later = input[0] < 0;
        final Deque<Runnable> mail = new ArrayDeque<>();
        final Deque<Volume> chosen = new ArrayDeque<>();
        final Handshake handshake = new Handshake(
                ExportDirectory.of(VOLUME),
                NbdLimits.defaults(),
                new HandshakeMemory(4 << 20),
                "the fuzzer",
                task -> {
                    if (later) {
                        mail.add(task);
                    } else {
                        task.run();
                    }
                },
                () -> {
                    // feeding goes on below
                },
                chosen::add);
        try (Arena arena = Arena.ofConfined()) {
            final long memory = arena.allocate(input.length, 8).address();
            Memory.put(memory, input, 0, input.length);
            run(handshake, memory + 1, input.length - 1, piece, mail);
        }
        checkReplies(handshake);
        require(
                chosen.size() == (handshake.status() == Handshake.Status.FINISHED ? 1 : 0),
                "exports chosen: " + chosen.size());
    }

    private static void run(
            final Handshake handshake, final long at, final int length, final int piece, final Deque<Runnable> mail) {
        int fed = 0;
        while (fed < length && handshake.status() == Handshake.Status.READING) {
            final int part = Math.min(piece, length - fed);
            int taken = 0;
            while (taken < part && handshake.status() == Handshake.Status.READING) {
                final int count = handshake.feed(at + fed + taken, part - taken);
                if (count <= 0 || count > part - taken) {
                    throw new AssertionError("took " + count + " bytes of " + (part - taken));
                }
                taken += count;
                if (handshake.status() == Handshake.Status.WAITING) {
                    mail.remove().run();
                }
            }
            fed += taken;
        }
        if (!mail.isEmpty()) {
            throw new AssertionError("the directory was asked while nobody waits");
        }
    }

    /** What the server says must be well-formed, whatever the client said. */
    private static void checkReplies(final Handshake handshake) {
        final ByteQueue out = handshake.out();
        final ByteBuffer replies = ByteBuffer.wrap(out.array(), out.head(), out.size());
        require(replies.getLong() == NbdProtocol.NBDMAGIC, "NBDMAGIC");
        require(replies.getLong() == NbdProtocol.IHAVEOPT, "IHAVEOPT");
        require(replies.getShort() == 3, "flags");
        while (replies.remaining() >= 20 && replies.getLong(replies.position()) == NbdProtocol.REP_MAGIC) {
            replies.position(replies.position() + 12);
            final int type = replies.getInt();
            final int length = replies.getInt();
            require(length >= 0 && length <= replies.remaining(), "length " + length);
            require(type < 0 || (type >= NbdProtocol.REP_ACK && type <= NbdProtocol.REP_META_CONTEXT), "type " + type);
            require(type != NbdProtocol.REP_ACK || length == 0, "ACK with data");
            replies.position(replies.position() + length);
        }
        if (replies.hasRemaining()) { // EXPORT_NAME's answer
            require(handshake.status() == Handshake.Status.FINISHED, "bytes behind the replies");
            require(replies.remaining() == 10 || replies.remaining() == 134, "bytes: " + replies.remaining());
        }
        if (handshake.status() == Handshake.Status.FINISHED) {
            require(handshake.negotiated().size() == VOLUME.size(), "size");
        }
    }

    private static void require(final boolean condition, final String what) {
        if (!condition) {
            throw new AssertionError("in the server's replies: " + what);
        }
    }
}
