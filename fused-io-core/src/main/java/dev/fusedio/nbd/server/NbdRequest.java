package dev.fusedio.nbd.server;

import dev.fusedio.fused.Direction;
import dev.fusedio.fused.FusedCommand;
import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.nbd.wire.Rejection;
import dev.fusedio.nbd.wire.ReplyHeader;
import dev.fusedio.net.Outgoing;
import dev.fusedio.sys.Errno;
import dev.fusedio.volume.BackendLane;
import dev.fusedio.volume.VolumeOperation;
import org.jspecify.annotations.Nullable;

/**
 * One request from its header to its last reply byte: what all kinds share, and the replies. Payload moves in fused
 * commands of at most {@link dev.fusedio.loop.Slab#MAX_BLOCK} bytes, one after another, so that a request of any length
 * takes bounded memory. Pooled by its core's {@link NbdWorker}.
 */
abstract class NbdRequest extends Outgoing implements FusedCommand.Owner {
    private static final VolumeOperation[] OPERATIONS = {
        VolumeOperation.READ,
        VolumeOperation.WRITE,
        VolumeOperation.FLUSH, // DISC, which never becomes a request
        VolumeOperation.FLUSH,
        VolumeOperation.TRIM,
        VolumeOperation.CACHE,
        VolumeOperation.ZERO,
        VolumeOperation.EXTENTS
    };

    private final NbdWorker worker;
    private final FusedCommand command;
    private final long header;

    private @Nullable Transmission transmission;
    private int type;
    private int flags;
    private long cookie;
    private long offset;
    private long length;
    private int memory;
    private long begunAt;
    private int errno;
    private int headerBytes;
    private int payloadBytes;
    private boolean lastChunk;
    private boolean answered;

    /** @param header native memory of {@link ReplyHeader#MAX_BYTES} bytes */
    NbdRequest(final NbdWorker worker, final long header) {
        this.worker = worker;
        this.header = header;
        this.command = new FusedCommand(worker.loop(), this);
    }

    /**
     * Takes a header in.
     *
     * @param memoryBytes payload memory set aside for it, of the connection's share
     */
    final void open(
            final Transmission owner,
            final int requestFlags,
            final int requestType,
            final long requestCookie,
            final long requestOffset,
            final long requestLength,
            final int memoryBytes) {
        transmission = owner;
        flags = requestFlags;
        type = requestType;
        cookie = requestCookie;
        offset = requestOffset;
        length = requestLength;
        memory = memoryBytes;
        errno = 0;
        payloadBytes = 0;
        lastChunk = false;
        answered = false;
        begunAt = worker.loop().now();
        if (isKnown()) {
            owner.lane().counters().start();
        }
    }

    private boolean isKnown() {
        return type < OPERATIONS.length;
    }

    /** Carries the request out; it passed the edge, and payload is not to be waited for. */
    abstract void start();

    /** All secondaries that were issued have ended, the last of them just now or within the call that issued it. */
    @Override
    public void onSecondariesDone(final int firstError) {
        command.finish(firstError);
    }

    @Override
    public final void onFailure(final RuntimeException e) {
        if (transmission != null) {
            transmission.cut(SessionEnd.OTHER, "internal error");
        }
    }

    /** Takes the result of a backend's operation: it goes on, or has ended at once. */
    final void settle(final int result) {
        if (result != FusedCommand.PENDING) {
            onSecondariesDone(Math.min(result, 0));
        }
    }

    final NbdWorker worker() {
        return worker;
    }

    final FusedCommand command() {
        return command;
    }

    final Transmission transmission() {
        if (transmission == null) {
            throw new IllegalStateException("a request was used that isn't open");
        }
        return transmission;
    }

    final BackendLane backend() {
        return transmission().lane().backend();
    }

    final boolean isCut() {
        return transmission().isCut();
    }

    final boolean has(final int flag) {
        return (flags & flag) != 0;
    }

    final int type() {
        return type;
    }

    final long offset() {
        return offset;
    }

    final long length() {
        return length;
    }

    final int memory() {
        return memory;
    }

    /** Leases a buffer that this process fills; {@link #filled} follows. Returns its address, 0 without memory. */
    final long leaseToFill(final int bytes) {
        if (command.lease(bytes) < 0) {
            return 0;
        }
        if (command.borrow(Direction.DEST, 0, bytes) != 0) {
            throw new IllegalStateException("a fresh buffer could not be lent");
        }
        return command.address(0);
    }

    /** The buffer has its payload and can be read from. */
    final void filled() {
        command.giveBackNow(0);
        command.seal();
    }

    // --- replies -----------------------------------------------------------------------------------------------------

    final void replyResult(final int result) {
        if (result < 0) {
            reject(Rejection.ofBackend(-result));
        } else {
            replyDone();
        }
    }

    /** Answers that all went well; no payload. */
    final void replyDone() {
        final Negotiated negotiated = transmission().negotiated();
        if (negotiated.extended() || (negotiated.structured() && type == NbdProtocol.CMD_READ)) {
            headerBytes = ReplyHeader.none(header, negotiated.extended(), cookie, offset);
        } else {
            headerBytes = ReplyHeader.simple(header, 0, cookie);
        }
        queue(true);
    }

    /** Answers with an error. */
    final void reject(final Rejection rejection) {
        final Negotiated negotiated = transmission().negotiated();
        errno = rejection.errno();
        headerBytes = negotiated.structured()
                ? ReplyHeader.error(header, negotiated.extended(), cookie, offset, rejection)
                : ReplyHeader.simple(header, rejection.errno(), cookie);
        queue(true);
    }

    /** Whether its data has to come in one chunk, which is sent piece by piece all the same. */
    final boolean isUndivided() {
        return has(NbdProtocol.CMD_FLAG_DF) && transmission().negotiated().structured();
    }

    /** Queues a chunk of data: the command's buffer is lent to the send. */
    final void replyData(final long at, final int bytes, final boolean first, final boolean last) {
        final Negotiated negotiated = transmission().negotiated();
        if (isUndivided()) {
            headerBytes =
                    first ? ReplyHeader.data(header, negotiated.extended(), true, cookie, offset, at, (int) length) : 0;
        } else if (negotiated.structured()) {
            headerBytes = ReplyHeader.data(header, negotiated.extended(), last, cookie, offset, at, bytes);
        } else {
            headerBytes = first ? ReplyHeader.simple(header, 0, cookie) : 0;
        }
        queuePayload(bytes, last);
    }

    /** Queues a chunk that stands for zeroes. */
    final void replyHole(final long at, final int bytes, final boolean last) {
        headerBytes = ReplyHeader.hole(header, transmission().negotiated().extended(), last, cookie, offset, at, bytes);
        queue(last);
    }

    /** Queues a block status whose descriptors fill the command's buffer. */
    final void replyStatus(final int count, final int bytes) {
        headerBytes =
                ReplyHeader.blockStatus(header, transmission().negotiated().extended(), cookie, offset, count);
        queuePayload(bytes, true);
    }

    private void queuePayload(final int bytes, final boolean last) {
        if (command.borrow(Direction.SRC, 0, bytes) != 0) {
            throw new IllegalStateException("a filled buffer could not be lent to the send");
        }
        payloadBytes = bytes;
        queue(last);
    }

    private void queue(final boolean last) {
        lastChunk = last;
        if (isCut()) {
            onReplySent(false);
        } else {
            transmission().queue(this);
        }
    }

    @Override
    protected final long header() {
        return header;
    }

    @Override
    protected final int headerBytes() {
        return headerBytes;
    }

    @Override
    protected final int payloadBytes() {
        return payloadBytes;
    }

    @Override
    protected final long payload() {
        return command.address(0);
    }

    /** Whether the chunk that was queued last ends the reply. */
    final boolean isLastChunk() {
        return lastChunk;
    }

    /** Whether nothing may come between what was queued last and the next: a simple reply, or chunk, is one piece. */
    @Override
    protected final boolean isToBeContinued() {
        return !lastChunk && (isUndivided() || !transmission().negotiated().structured());
    }

    /** The chunk that was queued has left, or never will. */
    @Override
    protected final void onReplySent(final boolean delivered) {
        final int outcome = delivered ? 0 : -Errno.ECONNRESET;
        answered = delivered && lastChunk;
        if (payloadBytes > 0) {
            payloadBytes = 0;
            command.giveBackNow(outcome);
            command.finish(outcome); // goes on in onCommandComplete
        } else if (lastChunk || !delivered) {
            retire();
        } else {
            onChunkSent();
        }
    }

    /** A chunk without payload has left and is not the last. */
    void onChunkSent() {
        throw new IllegalStateException("this kind of request has one chunk only");
    }

    /** The reply failed after it had begun, in a form that can't say so: the connection must end. */
    final void failMidway(final int error) {
        errno = error;
        transmission()
                .cut(
                        SessionEnd.OTHER,
                        "a read failed after its reply had begun"); // specification, "Simple reply message"
        retire();
    }

    final void retire() {
        final Transmission owner = transmission();
        if (!answered && errno == 0) {
            errno = Errno.ECONNRESET; // given up: its client has gone
        }
        if (isKnown()) {
            owner.lane()
                    .counters()
                    .end(OPERATIONS[type].ordinal(), length, worker.loop().now() - begunAt, errno);
        }
        transmission = null;
        owner.onRequestEnd(this, errno);
    }
}
