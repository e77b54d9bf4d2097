package dev.fusedio.nbd.client;

import dev.fusedio.fused.FusedCommand;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Memory;
import dev.fusedio.volume.ExtentQuery;
import org.jspecify.annotations.Nullable;

/**
 * What comes from a server, judged in one place: every cookie, type, length and offset is checked before anything is done
 * by it. A server that lies costs its connection and nothing else.
 *
 * <p>Headers, and what else comes between payloads, are received to a buffer here. Payload goes to the buffer of its
 * command: by a receive of its own, or by a copy of what was received here with the headers.
 */
final class ReplyParser {
    /** Bytes of the receive buffer. */
    static final int BUFFER_BYTES = 64 << 10;

    /** Longest payload that is worth a copy, to receive many replies at once. */
    static final int COPY_BYTES = 8 << 10;

    private static final int MAX_DESCRIPTORS = 1 << 20;
    private static final int ERROR_BYTES = 6;
    private static final int OFFSET_BYTES = 8;
    private static final int HOLE_BYTES = 12;
    private static final int ERROR_BIT = 1 << 15;
    private static final long STATE_MASK = 3;

    /** Who the replies are for. */
    interface Requests {
        /** The request in flight that a cookie is of; null when there is none. */
        @Nullable RemoteRequest find(long cookie);

        /** A request's reply has ended; its error is in it. */
        void onReplied(RemoteRequest request);

        /** Fills a part of a buffer that is the kernel's with zeroes: 0 or a negated error number. */
        int fillHole(RemoteRequest request, int offset, int length);

        /** Text that came with an error. */
        void onErrorText(long address, int length);
    }

    private final CoreLoop loop;
    private final Requests requests;
    private final ExportInfo export;
    private final long buffer;
    private final int headerBytes;
    private int head;
    private int tail;
    private int needed;

    /* The chunk or simple reply whose rest is awaited. */
    private @Nullable RemoteRequest current;
    private boolean done;
    private int payloadAt;
    private int payloadLeft;
    private long descriptorsLeft;
    private @Nullable String violation;

    /** @param buffer {@link #BUFFER_BYTES} of native memory */
    ReplyParser(final CoreLoop loop, final Requests requests, final ExportInfo export, final long buffer) {
        this.loop = loop;
        this.requests = requests;
        this.export = export;
        this.buffer = buffer;
        this.headerBytes = switch (export.headers()) {
            case SIMPLE -> NbdProtocol.SIMPLE_REPLY_BYTES;
            case STRUCTURED -> NbdProtocol.CHUNK_BYTES;
            case EXTENDED -> NbdProtocol.EXTENDED_CHUNK_BYTES;
        };
    }

    // --- receiving ---------------------------------------------------------------------------------------------------

    /** Where the next bytes are to be received. */
    long space() {
        if (head == tail) {
            head = 0;
            tail = 0;
        } else if (head > 0) {
            Memory.copy(buffer + head, buffer, tail - head);
            tail -= head;
            head = 0;
        }
        return buffer + tail;
    }

    /**
     * How many bytes to receive there.
     *
     * @param bulk whether payload may be among them
     */
    int wanted(final boolean bulk) {
        if (bulk) {
            return BUFFER_BYTES - tail;
        }
        if (descriptorsLeft > 0) {
            final long bytes = descriptorsLeft * descriptorBytes() - (tail - head);
            return (int) Math.min(bytes, BUFFER_BYTES - tail);
        }
        // a chunk's header with the offset before its data, so that the next receive is the data's
        final int most = export.simple() ? headerBytes : headerBytes + OFFSET_BYTES;
        return Math.max(Math.max(most, needed) - (tail - head), 1);
    }

    /** Drops what has been received, for a connection that is only read to its end. */
    long discard() {
        head = 0;
        tail = 0;
        return buffer;
    }

    /** Bytes were received at {@link #space}. */
    void received(final int bytes) {
        tail += bytes;
    }

    /** Bytes of payload that are to come straight to the command's buffer; 0 when none are. */
    int payloadLeft() {
        return payloadLeft;
    }

    /** Where they go, in the command's buffer. */
    int payloadAt() {
        return payloadAt;
    }

    /** Whose they are. */
    RemoteRequest payloadOwner() {
        if (current == null || payloadLeft == 0) {
            throw new IllegalStateException("no payload is awaited");
        }
        return current;
    }

    /** Payload has arrived in the command's buffer. */
    void payloadReceived(final int bytes) {
        payloadAt += bytes;
        payloadLeft -= bytes;
        if (payloadLeft == 0) {
            endChunk();
        }
    }

    /** What the server did that it mustn't; null while it behaves. */
    @Nullable String violation() {
        return violation;
    }

    // --- judging -----------------------------------------------------------------------------------------------------

    /** Works through what has been received, up to a payload that is to be received elsewhere. */
    void parse() {
        while (violation == null && step()) {
            // until bytes are missing
        }
    }

    private boolean step() {
        if (payloadLeft > 0) {
            return copyPayload();
        }
        if (descriptorsLeft > 0) {
            return takeDescriptor();
        }
        if (!has(4)) {
            return false;
        }
        final int magic = Memory.getIntBe(buffer + head);
        if (magic == NbdProtocol.SIMPLE_REPLY_MAGIC && !export.extended()) {
            return has(NbdProtocol.SIMPLE_REPLY_BYTES) && simple();
        }
        final int expected = export.extended() ? NbdProtocol.EXTENDED_REPLY_MAGIC : NbdProtocol.STRUCTURED_REPLY_MAGIC;
        if (magic != expected || export.simple()) {
            return refuse("a reply has the wrong magic number");
        }
        return has(headerBytes) && chunk();
    }

    private boolean has(final int bytes) {
        needed = bytes;
        return tail - head >= bytes;
    }

    private boolean refuse(final String why) {
        violation = why;
        return false;
    }

    private boolean copyPayload() {
        final int bytes = Math.min(tail - head, payloadLeft);
        if (bytes == 0) {
            return false;
        }
        final RemoteRequest request = payloadOwner();
        final FusedCommand command = request.command;
        if (command == null || !request.inMemory) {
            throw new IllegalStateException("payload of a kernel's buffer was received with the headers");
        }
        Memory.copy(buffer + head, command.address(payloadAt), bytes);
        loop.countCopied(bytes);
        head += bytes;
        payloadReceived(bytes);
        return true;
    }

    private boolean simple() {
        final int error = Memory.getIntBe(buffer + head + 4);
        final RemoteRequest request = requests.find(Memory.getLongBe(buffer + head + 8));
        if (request == null) {
            return refuse("a reply has a cookie that no request has");
        }
        head += NbdProtocol.SIMPLE_REPLY_BYTES;
        current = request;
        done = true;
        if (error != 0) {
            request.error = error;
        } else if (request.query != null) {
            return refuse("a block status has no content");
        } else if (request.isRead()) {
            if (!export.simple()) {
                return refuse("a read was answered by a simple reply although structured ones were agreed on");
            }
            request.coverage().clear();
            request.coverage().add(0, (int) request.length);
            payloadAt = request.offset;
            payloadLeft = (int) request.length;
            return true;
        }
        endChunk();
        return true;
    }

    private boolean chunk() {
        final long at = buffer + head;
        final int flags = Memory.getShortBe(at + 4);
        final int type = Memory.getShortBe(at + 6) & 0xFFFF;
        final RemoteRequest request = requests.find(Memory.getLongBe(at + 8));
        if (request == null) {
            return refuse("a reply has a cookie that no request has");
        }
        final long length = export.extended() ? Memory.getLongBe(at + 24) : Memory.getIntBe(at + 16) & 0xFFFF_FFFFL;
        if (export.extended() && Memory.getLongBe(at + 16) != request.wirePosition()) {
            return refuse("a reply has another offset than its request");
        }
        if (length < 0) {
            return refuse("a chunk is longer than any can be");
        }
        final boolean last = (flags & NbdProtocol.REPLY_FLAG_DONE) != 0;
        if ((type & ERROR_BIT) != 0) {
            return error(request, type, length, last);
        }
        return switch (type) {
            case NbdProtocol.REPLY_TYPE_NONE -> none(request, length, last);
            case NbdProtocol.REPLY_TYPE_OFFSET_DATA -> data(request, length, last);
            case NbdProtocol.REPLY_TYPE_OFFSET_HOLE -> hole(request, length, last);
            case NbdProtocol.REPLY_TYPE_BLOCK_STATUS, NbdProtocol.REPLY_TYPE_BLOCK_STATUS_EXT ->
                status(request, type, length, last);
            default -> refuse("a chunk has an unknown type");
        };
    }

    private void begin(final RemoteRequest request, final boolean last, final int bytes) {
        current = request;
        done = last;
        head += bytes;
    }

    private boolean none(final RemoteRequest request, final long length, final boolean last) {
        if (length != 0 || !last) {
            return refuse("a chunk without content has content, or doesn't end its reply");
        }
        begin(request, true, headerBytes);
        endChunk();
        return true;
    }

    private boolean error(final RemoteRequest request, final int type, final long length, final boolean last) {
        final int fixed = ERROR_BYTES + (type == NbdProtocol.REPLY_TYPE_ERROR_OFFSET ? OFFSET_BYTES : 0);
        if (length < fixed || length > fixed + NbdProtocol.MAX_STRING) {
            return refuse("an error has an impossible length");
        }
        if (!has(headerBytes + (int) length)) {
            return false;
        }
        final long at = buffer + head + headerBytes;
        final int error = Memory.getIntBe(at);
        final int text = Memory.getShortBe(at + 4) & 0xFFFF;
        final boolean known = type == NbdProtocol.REPLY_TYPE_ERROR || type == NbdProtocol.REPLY_TYPE_ERROR_OFFSET;
        if (error == 0 || (known && text != length - fixed) || text > length - ERROR_BYTES) {
            return refuse("an error has no number, or its text another length than it says");
        }
        if (request.error == 0) {
            request.error = error;
        }
        if (text > 0) {
            requests.onErrorText(at + ERROR_BYTES, text);
        }
        begin(request, last, headerBytes + (int) length);
        endChunk();
        return true;
    }

    private boolean data(final RemoteRequest request, final long length, final boolean last) {
        if (!request.isRead()) {
            return refuse("data came for what isn't a read");
        }
        if (length <= OFFSET_BYTES || length - OFFSET_BYTES > request.length) {
            return refuse("data has more bytes than were asked for, or none");
        }
        if (!has(headerBytes + OFFSET_BYTES)) {
            return false;
        }
        final int bytes = (int) length - OFFSET_BYTES;
        final int at = cover(request, Memory.getLongBe(buffer + head + headerBytes), bytes);
        if (at < 0) {
            return false;
        }
        begin(request, last, headerBytes + OFFSET_BYTES);
        payloadAt = request.offset + at;
        payloadLeft = bytes;
        return true;
    }

    /** Notes that a part of a read has come: where in it, or -1 for what can't be. */
    private int cover(final RemoteRequest request, final long position, final long bytes) {
        final long at = position - request.position;
        if (position < request.position || at > request.length || bytes <= 0 || bytes > request.length - at) {
            refuse("data came for a range that wasn't asked for");
            return -1;
        }
        if (!request.coverage().add((int) at, (int) (at + bytes))) {
            refuse("data came twice for one range, or in too many pieces");
            return -1;
        }
        return (int) at;
    }

    private boolean hole(final RemoteRequest request, final long length, final boolean last) {
        if (!request.isRead() || length != HOLE_BYTES) {
            return refuse("a hole came for what isn't a read, or has the wrong length");
        }
        if (!has(headerBytes + HOLE_BYTES)) {
            return false;
        }
        final long chunk = buffer + head + headerBytes;
        final int bytes = Memory.getIntBe(chunk + OFFSET_BYTES);
        final int at = cover(request, Memory.getLongBe(chunk), bytes & 0xFFFF_FFFFL);
        final FusedCommand command = request.command;
        if (at < 0 || command == null) {
            return false;
        }
        if (request.inMemory) {
            Memory.zero(command.address(request.offset + at), bytes);
        } else if (requests.fillHole(request, request.offset + at, bytes) < 0 && request.error == 0) {
            request.error = Errno.EIO;
        }
        begin(request, last, headerBytes + HOLE_BYTES);
        endChunk();
        return true;
    }

    private int descriptorBytes() {
        return export.extended() ? 16 : 8;
    }

    private boolean status(final RemoteRequest request, final int type, final long length, final boolean last) {
        final boolean wide = type == NbdProtocol.REPLY_TYPE_BLOCK_STATUS_EXT;
        final int fixed = wide ? 8 : 4;
        if (request.query == null || request.statusCame || wide != export.extended()) {
            return refuse("a block status came that nobody asked for, twice, or in the other form");
        }
        final long descriptors = (length - fixed) / descriptorBytes();
        if (length <= fixed || (length - fixed) % descriptorBytes() != 0 || descriptors > MAX_DESCRIPTORS) {
            return refuse("a block status has an impossible length");
        }
        if (!has(headerBytes + fixed)) {
            return false;
        }
        final long at = buffer + head + headerBytes;
        if ((Memory.getIntBe(at) & 0xFFFF_FFFFL) != export.allocationContext()
                || (wide && (Memory.getIntBe(at + 4) & 0xFFFF_FFFFL) != descriptors)) {
            return refuse("a block status is of another context, or has another number of extents than it says");
        }
        begin(request, last, headerBytes + fixed);
        request.statusCame = true;
        descriptorsLeft = descriptors;
        return true;
    }

    private boolean takeDescriptor() {
        final RemoteRequest request = current;
        final ExtentQuery query = request == null ? null : request.query;
        if (request == null || query == null || !has(descriptorBytes())) {
            return false;
        }
        final long at = buffer + head;
        final long bytes = export.extended() ? Memory.getLongBe(at) : Memory.getIntBe(at) & 0xFFFF_FFFFL;
        final long state = export.extended() ? Memory.getLongBe(at + 8) : Memory.getIntBe(at + 4) & 0xFFFF_FFFFL;
        if (bytes <= 0) {
            return refuse("an extent has no length");
        }
        head += descriptorBytes();
        descriptorsLeft--;
        final long missing = request.length - request.covered;
        if (missing > 0 && !query.isFull()) {
            final long part = Math.min(bytes, missing); // the last one may be longer than what was asked for
            query.add(part, (int) (state & STATE_MASK));
            request.covered += part;
        }
        if (descriptorsLeft == 0) {
            endChunk();
        }
        return true;
    }

    private void endChunk() {
        final RemoteRequest request = current;
        current = null;
        if (request == null || !done) {
            return;
        }
        if (request.error == 0 && request.isRead() && !request.coverage().isComplete((int) request.length)) {
            refuse("a read's reply ended before all of its data had come");
        } else if (request.error == 0 && request.query != null && !request.statusCame) {
            refuse("a block status has no content");
        } else {
            requests.onReplied(request);
        }
    }
}
