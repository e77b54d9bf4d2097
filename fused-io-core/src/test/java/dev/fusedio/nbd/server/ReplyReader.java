package dev.fusedio.nbd.server;

import dev.fusedio.nbd.wire.NbdProtocol;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Reads a server's replies and accepts nothing that the specification doesn't allow: an {@link AssertionError} names
 * the first thing that is wrong.
 */
final class ReplyReader {
    private static final Set<Integer> ERRORS = Set.of(1, 5, 12, 22, 28, 75, 95, 108);
    private static final int REPLY_TYPE_ERROR_OFFSET = 32770;

    private final Headers headers;
    private final Map<Long, Pending> pending = new HashMap<>();
    private final Map<Long, Reply> finished = new HashMap<>();
    private byte[] buffer = new byte[64 << 10];
    private int filled;
    private int at;

    ReplyReader(final Headers headers) {
        this.headers = headers;
    }

    /** Says that a request was sent. {@code length} is its effect's, not its payload's. */
    void expect(final long cookie, final int type, final int flags, final long offset, final long length) {
        require(
                pending.put(cookie, new Pending(type, flags, offset, length)) == null,
                "the test reuses cookie",
                cookie);
    }

    /** Requests without a whole answer. */
    int outstanding() {
        return pending.size();
    }

    /** Bytes received of an answer that isn't whole. */
    int unread() {
        return filled - at;
    }

    /** The answer, once; null while it isn't whole. */
    @Nullable Reply take(final long cookie) {
        return finished.remove(cookie);
    }

    /** Takes what was received, in pieces of any size. */
    void feed(final byte[] bytes, final int offset, final int length) {
        if (filled + length > buffer.length) {
            final byte[] target =
                    filled - at + length > buffer.length / 2 ? new byte[2 * (filled - at + length)] : buffer;
            System.arraycopy(buffer, at, target, 0, filled - at);
            filled -= at;
            at = 0;
            buffer = target;
        }
        System.arraycopy(bytes, offset, buffer, filled, length);
        filled += length;
        while (readMessage()) {
            // one after another
        }
        if (at == filled) {
            at = 0;
            filled = 0;
        }
    }

    private boolean readMessage() {
        if (unread() < 4) {
            return false;
        }
        final ByteBuffer in = ByteBuffer.wrap(buffer, at, filled - at);
        final int magic = in.getInt();
        final boolean whole = switch (magic) {
            case NbdProtocol.SIMPLE_REPLY_MAGIC -> readSimple(in);
            case NbdProtocol.STRUCTURED_REPLY_MAGIC -> {
                require(headers == Headers.STRUCTURED, "a structured chunk under", headers);
                yield readChunk(in, NbdProtocol.CHUNK_BYTES);
            }
            case NbdProtocol.EXTENDED_REPLY_MAGIC -> {
                require(headers == Headers.EXTENDED, "an extended chunk under", headers);
                yield readChunk(in, NbdProtocol.EXTENDED_CHUNK_BYTES);
            }
            default -> throw new AssertionError("a reply begins with 0x" + Integer.toHexString(magic));
        };
        if (whole) {
            at = in.position();
        }
        return whole;
    }

    private boolean readSimple(final ByteBuffer in) {
        if (in.remaining() < NbdProtocol.SIMPLE_REPLY_BYTES - 4) {
            return false;
        }
        final int error = in.getInt();
        final long cookie = in.getLong();
        final Pending request = pending(cookie);
        require(headers != Headers.EXTENDED, "a simple reply under extended headers to", request);
        require(
                headers == Headers.SIMPLE || request.type != NbdProtocol.CMD_READ,
                "a simple reply under structured replies to",
                request);
        require(error != 0 || request.type != NbdProtocol.CMD_BLOCK_STATUS, "a block status without status", request);
        require(error == 0 || ERRORS.contains(error), "unknown error number", error);
        if (error == 0 && request.type == NbdProtocol.CMD_READ) {
            if (in.remaining() < request.length) {
                return false;
            }
            in.get(request.data);
            request.cover(request.offset, request.length);
        }
        request.error = error;
        request.chunks++;
        finish(cookie, request);
        return true;
    }

    private boolean readChunk(final ByteBuffer in, final int headerBytes) {
        if (in.remaining() < headerBytes - 4) {
            return false;
        }
        final int flags = in.getShort() & 0xFFFF;
        final int type = in.getShort() & 0xFFFF;
        final long cookie = in.getLong();
        final Pending request = pending(cookie);
        if (headers.extended()) {
            require(in.getLong() == request.offset, "a chunk's offset isn't the request's:", request);
        }
        final long length = headers.extended() ? in.getLong() : in.getInt() & 0xFFFF_FFFFL;
        require((flags & ~NbdProtocol.REPLY_FLAG_DONE) == 0, "unknown chunk flags", flags);
        require(length >= 0 && length <= (1 << 25) + 8, "a chunk's length is", length);
        if (in.remaining() < length) {
            return false;
        }
        final ByteBuffer payload = in.slice(in.position(), (int) length);
        in.position(in.position() + (int) length);
        request.chunks++;
        request.take(type, (flags & NbdProtocol.REPLY_FLAG_DONE) != 0, payload, headers);
        require(!payload.hasRemaining(), "bytes are left in a chunk of type " + type + ":", payload.remaining());
        if ((flags & NbdProtocol.REPLY_FLAG_DONE) != 0) {
            finish(cookie, request);
        }
        return true;
    }

    private Pending pending(final long cookie) {
        final Pending request = pending.get(cookie);
        if (request == null) {
            throw new AssertionError("an answer to cookie " + cookie + ", which is not outstanding");
        }
        return request;
    }

    private void finish(final long cookie, final Pending request) {
        pending.remove(cookie);
        finished.put(cookie, request.reply(headers));
    }

    private static void require(final boolean condition, final String what, final Object which) {
        if (!condition) {
            throw new AssertionError(what + " " + which);
        }
    }

    /** A request and what of its answer has come. */
    private static final class Pending {
        private final int type;
        private final int flags;
        private final long offset;
        private final long length;
        private final byte[] data;
        /** First byte to length. */
        private final TreeMap<Long, Long> covered = new TreeMap<>();

        private final List<Reply.Extent> extents = new ArrayList<>();
        private int error;
        private String message = "";
        private int chunks;
        private int contents;
        private int holes;

        Pending(final int type, final int flags, final long offset, final long length) {
            this.type = type;
            this.flags = flags;
            this.offset = offset;
            this.length = length;
            final boolean plausible = type == NbdProtocol.CMD_READ && length >= 0 && length <= 256 << 20;
            this.data = plausible ? new byte[(int) length] : new byte[0];
            Arrays.fill(data, (byte) 0x5A); // what no chunk fills is noticed
        }

        void take(final int chunk, final boolean done, final ByteBuffer payload, final Headers headers) {
            switch (chunk) {
                case NbdProtocol.REPLY_TYPE_NONE ->
                    require(done && payload.limit() == 0, "NONE that isn't the end, or isn't empty, for", this);
                case NbdProtocol.REPLY_TYPE_OFFSET_DATA -> takeData(payload);
                case NbdProtocol.REPLY_TYPE_OFFSET_HOLE -> takeHole(payload);
                case NbdProtocol.REPLY_TYPE_BLOCK_STATUS -> {
                    require(headers == Headers.STRUCTURED, "a compact block status under", headers);
                    takeStatus(payload, false);
                }
                case NbdProtocol.REPLY_TYPE_BLOCK_STATUS_EXT -> {
                    require(headers == Headers.EXTENDED, "an extended block status under", headers);
                    takeStatus(payload, true);
                }
                case NbdProtocol.REPLY_TYPE_ERROR -> takeError(payload, false);
                case REPLY_TYPE_ERROR_OFFSET -> takeError(payload, true);
                default -> throw new AssertionError("unknown chunk type " + chunk + " for " + this);
            }
        }

        private void takeData(final ByteBuffer payload) {
            require(type == NbdProtocol.CMD_READ, "data for", this);
            require(payload.remaining() >= 9, "a data chunk of length", payload.remaining());
            final long position = payload.getLong();
            final int count = payload.remaining();
            cover(position, count);
            payload.get(data, (int) (position - offset), count);
        }

        private void takeHole(final ByteBuffer payload) {
            require(type == NbdProtocol.CMD_READ, "a hole for", this);
            require(payload.remaining() == 12, "a hole chunk of length", payload.remaining());
            require((flags & NbdProtocol.CMD_FLAG_DF) == 0, "a hole in spite of DF for", this);
            final long position = payload.getLong();
            final long count = payload.getInt() & 0xFFFF_FFFFL;
            require(count != 0, "an empty hole for", this);
            cover(position, count);
            Arrays.fill(data, (int) (position - offset), (int) (position - offset + count), (byte) 0);
            holes++;
        }

        private void takeStatus(final ByteBuffer payload, final boolean extended) {
            require(type == NbdProtocol.CMD_BLOCK_STATUS, "a block status for", this);
            require(extents.isEmpty(), "a second block status of one context for", this);
            final int context = payload.getInt();
            require(context == NbdProtocol.BASE_ALLOCATION_ID, "a context that wasn't selected:", context);
            if (extended) {
                final int count = payload.getInt();
                require(payload.remaining() == 16L * count, "the descriptor count doesn't fit the length:", count);
            } else {
                require(payload.remaining() % 8 == 0, "half a descriptor in", payload.remaining());
            }
            require(payload.hasRemaining(), "a block status without descriptors for", this);
            long total = 0;
            while (payload.hasRemaining()) {
                final long bytes = extended ? payload.getLong() : payload.getInt() & 0xFFFF_FFFFL;
                final long state = extended ? payload.getLong() : payload.getInt() & 0xFFFF_FFFFL;
                require(bytes > 0, "a descriptor of length", bytes);
                require((state & ~3) == 0, "unknown bits in base:allocation:", state);
                require(total < length, "a descriptor wholly behind the request:", this);
                extents.add(new Reply.Extent(bytes, state));
                total += bytes;
            }
            if ((flags & NbdProtocol.CMD_FLAG_REQ_ONE) != 0) {
                require(extents.size() == 1 && total <= length, "more than was asked for with REQ_ONE for", this);
            }
        }

        private void takeError(final ByteBuffer payload, final boolean withOffset) {
            require(payload.remaining() >= 6, "an error chunk of length", payload.remaining());
            final int number = payload.getInt();
            require(ERRORS.contains(number), "unknown error number", number);
            final byte[] text = new byte[payload.getShort() & 0xFFFF];
            require(text.length <= 4096 && text.length <= payload.remaining(), "a text of length", text.length);
            payload.get(text);
            if (withOffset) {
                final long position = payload.getLong();
                require(position >= offset && position - offset < length, "an error outside the request at", position);
            }
            if (error == 0) {
                error = number;
                message = new String(text, StandardCharsets.UTF_8);
            }
        }

        private void cover(final long position, final long count) {
            if (count == 0) {
                return;
            }
            require(
                    position >= offset && count > 0 && position - offset <= length - count,
                    position + "+" + count + " is outside",
                    this);
            contents++;
            require((flags & NbdProtocol.CMD_FLAG_DF) == 0 || contents == 1, "fragments in spite of DF for", this);
            final Map.Entry<Long, Long> before = covered.floorEntry(position);
            final Map.Entry<Long, Long> after = covered.ceilingEntry(position);
            require(
                    (before == null || before.getKey() + before.getValue() <= position)
                            && (after == null || position + count <= after.getKey()),
                    position + "+" + count + " overlaps an earlier chunk of",
                    this);
            covered.put(position, count);
        }

        Reply reply(final Headers headers) {
            if (error == 0 && type == NbdProtocol.CMD_READ) {
                final long total =
                        covered.values().stream().mapToLong(Long::longValue).sum();
                require(total == length, "only " + total + " bytes came for", this);
            }
            require(
                    error != 0 || type != NbdProtocol.CMD_BLOCK_STATUS || !extents.isEmpty(),
                    "no block status came for",
                    this);
            require(error == 0 || headers == Headers.SIMPLE || !message.isEmpty(), "an error without a text for", this);
            return new Reply(error, message, data, List.copyOf(extents), chunks, holes);
        }

        @Override
        public String toString() {
            return "command " + type + " flags " + flags + " at " + Long.toUnsignedString(offset) + " length "
                    + Long.toUnsignedString(length);
        }
    }
}
