package dev.fusedio.nbd.server;

import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.ring.SimulatedFile;
import dev.fusedio.ring.SimulatedSocket;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * A client at the far end of a simulated socket, and a model of its part of the disk. It never has two operations in
 * flight of which one changes what the other touches, so that the model knows what each must find.
 */
final class SimulatedClient {
    private static final int MOST_IN_FLIGHT = 24;

    private static final int[] TYPES = {0, 0, 0, 1, 1, 1, 3, 4, 5, 6, 6, 7, 99};

    @SuppressWarnings("ArrayRecordComponent") // a carrier, never compared
    private record Operation(int type, int flags, long offset, int length, byte[] data, List<long[]> flushes) {
        boolean changes() {
            return type == NbdProtocol.CMD_WRITE
                    || type == NbdProtocol.CMD_TRIM
                    || type == NbdProtocol.CMD_WRITE_ZEROES;
        }

        boolean meets(final long at, final long bytes) {
            return at < offset + length && offset < at + bytes;
        }
    }

    private final SplittableRandom random;
    private final SimulatedSocket socket;
    private final SimulatedFile file;
    private final Headers headers;
    private final boolean lossless;
    private final ReplyReader replies;
    private final int base;
    private final byte[] model;
    /** Bytes whose content a failed or trimming operation left open. */
    private final boolean[] unknown;

    private final Map<Long, Operation> inFlight = new LinkedHashMap<>();
    /** Acknowledged changes, position and length, that nothing has touched since. */
    private final List<long[]> acknowledged = new ArrayList<>();

    private byte[] outbox = new byte[0];
    private int outboxAt;
    private byte[] greeting = new byte[0];
    private int left;
    private long cookie;
    private boolean inTransmission;
    private boolean closing;
    private boolean vanished;
    private boolean reading = true;
    private int errors;
    private int answered;

    /**
     * @param base the first byte of this client's part of the disk
     * @param lossless whether every request must succeed
     */
    SimulatedClient(
            final SplittableRandom random,
            final SimulatedSocket socket,
            final SimulatedFile file,
            final int base,
            final int length,
            final int operations,
            final boolean lossless) {
        this.random = random;
        this.socket = socket;
        this.file = file;
        this.headers = Headers.values()[random.nextInt(3)];
        this.replies = new ReplyReader(headers);
        this.base = base;
        this.model = new byte[length];
        this.unknown = new boolean[length];
        this.left = operations;
        this.lossless = lossless;
        negotiate();
    }

    private void negotiate() {
        final List<byte[]> parts = new ArrayList<>();
        parts.add(Wire.bytes().u32(3).toArray());
        if (headers != Headers.SIMPLE) {
            parts.add(Wire.option(
                    headers.extended() ? NbdProtocol.OPT_EXTENDED_HEADERS : NbdProtocol.OPT_STRUCTURED_REPLY));
            parts.add(Wire.option(
                    NbdProtocol.OPT_SET_META_CONTEXT, Wire.contexts(TestServer.EXPORT, NbdProtocol.BASE_ALLOCATION)));
        }
        parts.add(Wire.option(NbdProtocol.OPT_GO, Wire.info(TestServer.EXPORT)));
        outbox = Wire.join(parts.toArray(byte[][]::new));
    }

    /** Bytes of the server's part of the handshake, all of which is known beforehand. */
    private int greetingBytes() {
        final int option = 20;
        final int selected = headers == Headers.SIMPLE ? 0 : option + option + 4 + 15 + option;
        return 18 + selected + option + 12 + option;
    }

    // --- what it does ------------------------------------------------------------------------------------------------

    /** One step: perhaps a new request, perhaps some bytes sent, perhaps some received. */
    void step() {
        receive();
        if (inTransmission && !closing && left > 0 && inFlight.size() < MOST_IN_FLIGHT && random.nextInt(3) > 0) {
            compose();
        }
        if (outboxAt < outbox.length && !socket.isReset() && random.nextInt(4) > 0) {
            final int part = random.nextInt(4) == 0
                    ? 1 + random.nextInt(Math.min(40, outbox.length - outboxAt))
                    : outbox.length - outboxAt;
            socket.write(Arrays.copyOfRange(outbox, outboxAt, outboxAt + part));
            outboxAt += part;
        }
        if (random.nextInt(200) == 0) {
            reading = !reading;
            socket.window(reading ? Integer.MAX_VALUE : random.nextInt(5000));
        }
        if (inTransmission && left == 0 && !closing && outboxAt == outbox.length && !socket.isReset()) {
            closing = true;
            if (random.nextBoolean()) {
                socket.write(Wire.request(headers.extended(), 0, NbdProtocol.CMD_DISC, 0, 0, 0));
            } else {
                socket.closeWrite();
            }
        }
        if (closing && !reading) {
            reading = true;
            socket.window(Integer.MAX_VALUE);
        }
        if (!lossless && !closing && socket.atEnd() && inFlight.size() == MOST_IN_FLIGHT) {
            vanish(); // cut by the server, and too many wait for an answer to send another and be reset
        }
    }

    /** Whether the server has closed, or the connection was lost. */
    boolean isOver() {
        return vanished || socket.isReset() || (closing && socket.atEnd());
    }

    /** Goes away without a word. */
    void vanish() {
        vanished = true;
        closing = true;
        outboxAt = outbox.length;
        if (random.nextBoolean()) {
            socket.reset();
        } else {
            socket.close();
        }
    }

    boolean isClosing() {
        return closing;
    }

    int answered() {
        return answered;
    }

    int errors() {
        return errors;
    }

    /** Fails when the connection ended in good order and something is missing. */
    void requireAllAnswered() {
        if (vanished || socket.isReset()) {
            return;
        }
        receive();
        if (!inFlight.isEmpty()) {
            throw new AssertionError(inFlight.size() + " requests were never answered: " + inFlight.values());
        }
        if (replies.unread() > 0) {
            throw new AssertionError("the stream ended within a reply");
        }
    }

    private void compose() {
        final int type = TYPES[random.nextInt(TYPES.length)];
        final int most =
                random.nextInt(model.length > 1 << 20 ? 4 : 30) == 0 ? model.length : Math.min(model.length, 9000);
        final int length = type == NbdProtocol.CMD_FLUSH ? 0 : 1 + random.nextInt(most);
        final int at = type == NbdProtocol.CMD_FLUSH ? -base : random.nextInt(model.length - length + 1);
        final boolean changes = type == 1 || type == 4 || type == 6;
        for (final Operation other : inFlight.values()) {
            if ((changes || other.changes()) && length > 0 && other.meets(base + at, length)) {
                return;
            }
        }
        left--;
        int flags = random.nextInt(4) == 0 && type != 99 ? NbdProtocol.CMD_FLAG_FUA : 0;
        if (type == NbdProtocol.CMD_WRITE_ZEROES && random.nextBoolean()) {
            flags |= NbdProtocol.CMD_FLAG_NO_HOLE;
        }
        if (type == NbdProtocol.CMD_READ && headers != Headers.SIMPLE && length < 2 << 20 && random.nextBoolean()) {
            flags |= NbdProtocol.CMD_FLAG_DF;
        }
        byte[] payload = new byte[0];
        if (type == NbdProtocol.CMD_WRITE) {
            payload = Patterns.random(random.nextLong(), length);
            flags |= headers.extended() && random.nextInt(4) > 0 ? NbdProtocol.CMD_FLAG_PAYLOAD_LEN : 0;
        }
        cookie++;
        final Operation operation = new Operation(
                type, flags, base + at, length, payload, type == 3 ? List.copyOf(acknowledged) : List.of());
        if (changes) {
            forget(operation);
        }
        inFlight.put(cookie, operation);
        replies.expect(cookie, type, flags, base + at, length);
        outbox = Wire.join(
                Arrays.copyOfRange(outbox, outboxAt, outbox.length),
                Wire.request(headers.extended(), flags, type, cookie, base + at, length),
                payload);
        outboxAt = 0;
    }

    /** What a change touches is durable by no earlier acknowledgement. */
    private void forget(final Operation change) {
        for (final Iterator<long[]> each = acknowledged.iterator(); each.hasNext(); ) {
            final long[] range = each.next();
            if (change.meets(range[0], range[1])) {
                range[1] = 0; // those who flush it see that, too
                each.remove();
            }
        }
    }

    private void receive() {
        byte[] bytes = socket.read();
        if (!inTransmission) {
            greeting = Wire.join(greeting, bytes);
            final int expected = greetingBytes();
            if (greeting.length < expected) {
                return;
            }
            inTransmission = true;
            bytes = Arrays.copyOfRange(greeting, expected, greeting.length);
        }
        replies.feed(bytes, 0, bytes.length);
        final Iterator<Map.Entry<Long, Operation>> all = inFlight.entrySet().iterator();
        while (all.hasNext()) {
            final Map.Entry<Long, Operation> entry = all.next();
            final Reply reply = replies.take(entry.getKey());
            if (reply != null) {
                all.remove();
                answered++;
                check(entry.getValue(), reply);
            }
        }
    }

    private void check(final Operation operation, final Reply reply) {
        final int from = (int) operation.offset - base;
        if (operation.type == 99 || (operation.type == 7 && headers == Headers.SIMPLE)) {
            require(reply.error() == 22, "not refused: " + operation);
            return;
        }
        if (reply.error() != 0) {
            errors++;
            require(!lossless, "failed with " + reply.error() + " " + reply.message() + ": " + operation);
            if (operation.changes()) {
                Arrays.fill(unknown, from, from + operation.length, true);
            }
            return;
        }
        switch (operation.type) {
            case NbdProtocol.CMD_READ -> {
                for (int i = 0; i < operation.length; i++) {
                    if (!unknown[from + i] && reply.data()[i] != model[from + i]) {
                        throw new AssertionError("wrong data at " + i + " for " + operation);
                    }
                }
            }
            case NbdProtocol.CMD_WRITE -> {
                System.arraycopy(operation.data, 0, model, from, operation.length);
                Arrays.fill(unknown, from, from + operation.length, false);
            }
            case NbdProtocol.CMD_WRITE_ZEROES -> {
                Arrays.fill(model, from, from + operation.length, (byte) 0);
                Arrays.fill(unknown, from, from + operation.length, false);
            }
            case NbdProtocol.CMD_TRIM -> Arrays.fill(unknown, from, from + operation.length, true);
            case NbdProtocol.CMD_FLUSH -> {
                for (final long[] range : operation.flushes) {
                    require(
                            range[1] == 0 || file.isDurable(range[0], (int) range[1]),
                            "not durable after a flush: " + Arrays.toString(range));
                }
            }
            default -> {
                // CACHE; and BLOCK_STATUS, which the reader has checked
            }
        }
        if (operation.changes() && operation.length > 0) {
            if ((operation.flags & NbdProtocol.CMD_FLAG_FUA) != 0) {
                require(
                        file.isDurable(operation.offset, operation.length),
                        "not durable in spite of FUA: " + operation);
            }
            acknowledged.add(new long[] {operation.offset, operation.length});
        }
    }

    private static void require(final boolean condition, final String what) {
        if (!condition) {
            throw new AssertionError(what);
        }
    }
}
