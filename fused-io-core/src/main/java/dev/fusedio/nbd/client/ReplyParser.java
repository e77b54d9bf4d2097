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
 * <p>Headers, and what else comes between payloads, are received to a {@link ReceiveBuffer}. Payload goes to the
 * buffer of its command: by a receive of its own, or by a copy of what was received with the headers.
 */
final class ReplyParser {
    /** Longest payload that is worth a copy, to receive many replies at once. */
    static final int COPY_BYTES = 8 << 10;

    private static final int ERROR_BYTES = 6;
    private static final int OFFSET_BYTES = 8;
    private static final int HOLE_BYTES = 12;
    private static final int ERROR_BIT = 1 << 15;

    /** Told what came. */
    interface Listener {
        /** A request's reply has ended; its error is in it. */
        void onReplied(ClientRequest request);

        /** Fills a part of a buffer that is the kernel's with zeroes: 0 or a negated error number. */
        int fillHole(ClientRequest request, int offset, int length);

        /** Text that came with an error. */
        void onErrorText(long address, int length);
    }

    private final CoreLoop loop;
    private final RequestTable requests;
    private final Listener listener;
    private final ExportInfo export;
    private final ReceiveBuffer buffer;
    private final BlockStatusReader status;
    private final int headerBytes;
    private int needed;

    /* The chunk or simple reply whose rest is awaited. */
    private @Nullable ClientRequest current;
    private boolean done;
    private int payloadAt;
    private int payloadLeft;
    private @Nullable String violation;

    ReplyParser(
            final CoreLoop loop,
            final RequestTable requests,
            final Listener listener,
            final ExportInfo export,
            final ReceiveBuffer buffer) {
        this.loop = loop;
        this.requests = requests;
        this.listener = listener;
        this.export = export;
        this.buffer = buffer;
        this.status = new BlockStatusReader(export);
        this.headerBytes = switch (export.headers()) {
            case SIMPLE -> NbdProtocol.SIMPLE_REPLY_BYTES;
            case STRUCTURED -> NbdProtocol.CHUNK_BYTES;
            case EXTENDED -> NbdProtocol.EXTENDED_CHUNK_BYTES;
        };
    }

    // --- receiving ---------------------------------------------------------------------------------------------------

    /**
     * How many bytes to receive into the buffer.
     *
     * @param bulk whether payload may be among them
     */
    int wanted(final boolean bulk) {
        if (bulk) {
            return buffer.room();
        }
        if (status.descriptorsLeft() > 0) {
            final long bytes = status.descriptorsLeft() * status.descriptorBytes() - buffer.available();
            return (int) Math.min(bytes, buffer.room());
        }
        // a chunk's header with the offset before its data, so that the next receive is the data's
        final int most = export.simple() ? headerBytes : headerBytes + OFFSET_BYTES;
        return Math.max(Math.max(most, needed) - buffer.available(), 1);
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
    ClientRequest payloadOwner() {
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
        if (status.descriptorsLeft() > 0) {
            return takeDescriptor();
        }
        if (!has(4)) {
            return false;
        }
        final int magic = Memory.getIntBe(buffer.front());
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
        return buffer.available() >= bytes;
    }

    private boolean refuse(final String why) {
        violation = why;
        return false;
    }

    private boolean copyPayload() {
        final int bytes = Math.min(buffer.available(), payloadLeft);
        if (bytes == 0) {
            return false;
        }
        final ClientRequest request = payloadOwner();
        final FusedCommand command = request.command;
        if (command == null || !request.inMemory) {
            throw new IllegalStateException("payload of a kernel's buffer was received with the headers");
        }
        Memory.copy(buffer.front(), command.address(payloadAt), bytes);
        loop.countCopied(bytes);
        buffer.consume(bytes);
        payloadReceived(bytes);
        return true;
    }

    private boolean simple() {
        final int error = Memory.getIntBe(buffer.front() + 4);
        final ClientRequest request = requests.find(Memory.getLongBe(buffer.front() + 8));
        if (request == null) {
            return refuse("a reply has a cookie that no request has");
        }
        buffer.consume(NbdProtocol.SIMPLE_REPLY_BYTES);
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
        final long at = buffer.front();
        final int flags = Memory.getShortBe(at + 4);
        final int type = Memory.getShortBe(at + 6) & 0xFFFF;
        final ClientRequest request = requests.find(Memory.getLongBe(at + 8));
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

    private void begin(final ClientRequest request, final boolean last, final int bytes) {
        current = request;
        done = last;
        buffer.consume(bytes);
    }

    private boolean none(final ClientRequest request, final long length, final boolean last) {
        if (length != 0 || !last) {
            return refuse("a chunk without content has content, or doesn't end its reply");
        }
        begin(request, true, headerBytes);
        endChunk();
        return true;
    }

    private boolean error(final ClientRequest request, final int type, final long length, final boolean last) {
        final int fixed = ERROR_BYTES + (type == NbdProtocol.REPLY_TYPE_ERROR_OFFSET ? OFFSET_BYTES : 0);
        if (length < fixed || length > fixed + NbdProtocol.MAX_STRING) {
            return refuse("an error has an impossible length");
        }
        if (!has(headerBytes + (int) length)) {
            return false;
        }
        final long at = buffer.front() + headerBytes;
        final int error = Memory.getIntBe(at);
        final int text = Memory.getShortBe(at + 4) & 0xFFFF;
        final boolean known = type == NbdProtocol.REPLY_TYPE_ERROR || type == NbdProtocol.REPLY_TYPE_ERROR_OFFSET;
        if (error == 0 || (known && text != length - fixed) || text > length - ERROR_BYTES) {
            return refuse("an error has no number, or its text another length than it says");
        }
        request.noteError(error);
        if (text > 0) {
            listener.onErrorText(at + ERROR_BYTES, text);
        }
        begin(request, last, headerBytes + (int) length);
        endChunk();
        return true;
    }

    private boolean data(final ClientRequest request, final long length, final boolean last) {
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
        final int at = cover(request, Memory.getLongBe(buffer.front() + headerBytes), bytes);
        if (at < 0) {
            return false;
        }
        begin(request, last, headerBytes + OFFSET_BYTES);
        payloadAt = request.offset + at;
        payloadLeft = bytes;
        return true;
    }

    /** Notes that a part of a read has come: where in it, or -1 for what can't be. */
    private int cover(final ClientRequest request, final long position, final long bytes) {
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

    private boolean hole(final ClientRequest request, final long length, final boolean last) {
        if (!request.isRead() || length != HOLE_BYTES) {
            return refuse("a hole came for what isn't a read, or has the wrong length");
        }
        if (!has(headerBytes + HOLE_BYTES)) {
            return false;
        }
        final long chunk = buffer.front() + headerBytes;
        final int bytes = Memory.getIntBe(chunk + OFFSET_BYTES);
        final int at = cover(request, Memory.getLongBe(chunk), bytes & 0xFFFF_FFFFL);
        final FusedCommand command = request.command;
        if (at < 0 || command == null) {
            return false;
        }
        if (request.inMemory) {
            Memory.zero(command.address(request.offset + at), bytes);
        } else if (listener.fillHole(request, request.offset + at, bytes) < 0) {
            request.noteError(Errno.EIO);
        }
        begin(request, last, headerBytes + HOLE_BYTES);
        endChunk();
        return true;
    }

    private boolean status(final ClientRequest request, final int type, final long length, final boolean last) {
        final String fault = status.check(request, type, length);
        if (fault != null) {
            return refuse(fault);
        }
        final int fixed = status.fixedBytes();
        if (!has(headerBytes + fixed)) {
            return false;
        }
        final String lie = status.begin(request, length, buffer.front() + headerBytes);
        if (lie != null) {
            return refuse(lie);
        }
        begin(request, last, headerBytes + fixed);
        return true;
    }

    private boolean takeDescriptor() {
        final ClientRequest request = current;
        final ExtentQuery query = request == null ? null : request.query;
        if (request == null || query == null || !has(status.descriptorBytes())) {
            return false;
        }
        final String fault = status.take(request, query, buffer.front());
        if (fault != null) {
            return refuse(fault);
        }
        buffer.consume(status.descriptorBytes());
        if (status.descriptorsLeft() == 0) {
            endChunk();
        }
        return true;
    }

    private void endChunk() {
        final ClientRequest request = current;
        current = null;
        if (request == null || !done) {
            return;
        }
        if (request.error == 0 && request.isRead() && !request.coverage().isComplete((int) request.length)) {
            refuse("a read's reply ended before all of its data had come");
        } else if (request.error == 0 && request.query != null && !request.statusCame) {
            refuse("a block status has no content");
        } else {
            listener.onReplied(request);
        }
    }
}
