package dev.fusedio.nbd.server;

import dev.fusedio.loop.Slab;
import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.nbd.wire.Rejection;
import dev.fusedio.net.ReceiveWindow;
import dev.fusedio.sys.Memory;
import dev.fusedio.volume.Volume;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The transmission phase of one connection: takes requests out of received bytes, many at a time, and starts them. A
 * request's payload is used where it was received if it is all there, else the rest of it is received straight into the
 * request's buffer.
 */
final class Transmission {
    /** Native bytes for a header that arrived in parts, and BLOCK_STATUS's payload behind it. */
    static final int CARRY_BYTES = 64;

    /** A receive after a write at least this long asks for little, so that payload isn't received beside its buffer. */
    private static final int BULK_BYTES = 32 << 10;

    private static final int BULK_RECEIVE_BYTES = 512;
    private static final int STATUS_PAYLOAD_BYTES = 12;

    /** Requests taken in one turn; the rest of what was received waits for the next. */
    private static final int REQUESTS_PER_TURN = 64;

    private final NbdConnection connection;
    private final NbdWorker worker;
    private final ReceiveWindow window;
    private final Negotiated negotiated;
    private final RequestEdge edge;
    private final Volume.Lane lane;
    private final NbdLimits limits;
    private final CarriedBytes header;
    private final PayloadIntake intake;
    private final long id;
    private final Instant since = Instant.now();
    private final SessionCounters counters = new SessionCounters();

    private int inFlight;
    private long memoryInFlight;
    private boolean stalled;
    private boolean ended;
    private boolean inputEnded;
    private boolean bulk;
    private @Nullable WriteRequest pinned;
    private @Nullable NbdRequest discarding;
    private Rejection discardReason = Rejection.IO_ERROR;
    private long discardLeft;

    /**
     * @param lane the volume's on this core, in use by the connection
     * @param carry native memory of {@link #CARRY_BYTES} bytes
     * @param id the session's
     */
    Transmission(
            final NbdConnection connection,
            final NbdWorker worker,
            final ReceiveWindow window,
            final Negotiated negotiated,
            final Volume.Lane lane,
            final NbdLimits limits,
            final long carry,
            final long id) {
        this.connection = connection;
        this.worker = worker;
        this.window = window;
        this.negotiated = negotiated;
        this.limits = limits;
        this.edge = new RequestEdge(negotiated, limits.payloadAccepted());
        this.header = new CarriedBytes(window, carry);
        this.intake = new PayloadIntake(connection, worker.loop(), window);
        this.id = id;
        this.lane = lane;
    }

    // --- bytes in ----------------------------------------------------------------------------------------------------

    /** Takes requests out of the window until it is empty or something is to be waited for. */
    void parse() {
        takeAll();
        if (inputEnded && !ended && isIncomplete()) {
            ended = true;
            if (!intake.isReceiving()) { // else when the kernel has let its buffer go
                abandon();
            }
        }
    }

    private void takeAll() {
        stalled = false;
        boolean more = true;
        int taken = 0;
        while (more && !ended && pinned == null && !connection.isCut()) {
            if (discarding != null) {
                more = discardSome(discarding);
            } else if (intake.isActive()) {
                more = intake.go(inputEnded);
            } else if (taken++ < REQUESTS_PER_TURN) {
                more = takeRequest();
            } else {
                connection.deferProcess();
                more = false;
            }
        }
    }

    /** Nothing more is received: when the last whole request has been taken out of the window, all has been. */
    void endInput() {
        inputEnded = true;
    }

    /** Whether what comes next can't without more bytes. */
    private boolean isIncomplete() {
        if (pinned != null || stalled) {
            return false;
        }
        if (intake.isActive()) {
            return intake.lacksBytes();
        }
        return discarding == null ? window.remaining() == 0 : window.remaining() < discardLeft;
    }

    /** Whether a receive into a buffer of the loop's is what comes next. */
    boolean wantsBytes() {
        return !ended && !stalled && pinned == null && !intake.isActive() && window.remaining() == 0;
    }

    /** How many bytes it should ask for; 0 for as many as fit. */
    int receiveBytes() {
        return bulk && discarding == null ? BULK_RECEIVE_BYTES : 0; // what is thrown away has no buffer to be saved for
    }

    /** Whether the window's memory is in use by a write. */
    boolean isPinned() {
        return pinned != null;
    }

    private boolean takeRequest() {
        final boolean extended = negotiated.extended();
        int headerBytes = negotiated.requestBytes();
        long at = header.contiguous(headerBytes);
        if (at == 0) {
            return false;
        }
        if (Memory.getIntBe(at) != (extended ? NbdProtocol.EXTENDED_REQUEST_MAGIC : NbdProtocol.REQUEST_MAGIC)) {
            connection.cut(SessionEnd.OTHER, "a request did not begin with the magic number");
            return false;
        }
        final int flags = Memory.getShortBe(at + 4) & 0xFFFF;
        final int type = Memory.getShortBe(at + 6) & 0xFFFF;
        final long cookie = Memory.getLongBe(at + 8);
        final long offset = Memory.getLongBe(at + 16);
        long length = extended ? Memory.getLongBe(at + 24) : Memory.getIntBe(at + 24) & 0xFFFF_FFFFL;
        if (type == NbdProtocol.CMD_DISC) {
            ended = true;
            connection.drain(SessionEnd.DISCONNECTED, "the client disconnected");
            return false;
        }
        long payloadBytes = edge.payloadBytes(flags, type, length);
        if (payloadBytes < 0) {
            connection.cut(SessionEnd.OTHER, "a request announced more payload than is accepted");
            return false;
        }
        // How many bytes are awaited here depends on the header alone: what was carried is never waited for, or judged,
        // anew.
        final boolean statusPayload = type == NbdProtocol.CMD_BLOCK_STATUS && payloadBytes == STATUS_PAYLOAD_BYTES;
        if (statusPayload) {
            at = header.contiguous(headerBytes + STATUS_PAYLOAD_BYTES);
            if (at == 0) {
                return false;
            }
        }
        Rejection rejection = edge.judge(flags, type, offset, length);
        if (statusPayload) {
            if (rejection == null) {
                // u64 effect length, u32 context id
                length = Memory.getLongBe(at + headerBytes);
                rejection = Memory.getIntBe(at + headerBytes + 8) == NbdProtocol.BASE_ALLOCATION_ID
                        ? edge.judgeStatusLength(offset, length)
                        : Rejection.BAD_PAYLOAD;
            }
            headerBytes += STATUS_PAYLOAD_BYTES;
            payloadBytes = 0;
        } else if (payloadBytes > 0 && type != NbdProtocol.CMD_WRITE && rejection == null) {
            rejection = Rejection.BAD_PAYLOAD;
        }
        final int memory = rejection == null ? memoryBytes(type, length) : 0;
        if (inFlight >= limits.requestsPerConnection() || (memoryInFlight > 0 && memoryInFlight + memory > share())) {
            stalled = true; // until one of this connection's own ends
            return false;
        }
        final NbdRequest request = worker.takeRequest(type);
        if (request == null) {
            stalled = true;
            connection.awaitWorker();
            return false;
        }
        header.consume(headerBytes);
        if (inFlight++ == 0) {
            worker.sharesMemory(1);
        }
        memoryInFlight += memory;
        counters.started();
        request.open(this, flags, type, cookie, offset, length, memory);
        begin(request, rejection, flags, (int) payloadBytes);
        return true;
    }

    /**
     * Payload memory that this connection may have in flight beyond its first request: never more than is left, so that
     * any number of clients that don't take their replies leaves some to the others.
     */
    private long share() {
        final Slab slab = worker.loop().slab();
        return Math.min(limits.bytesPerConnection(), slab.length() - slab.leased());
    }

    /** Payload memory that a request takes at most. */
    private static int memoryBytes(final int type, final long length) {
        return type == NbdProtocol.CMD_READ || type == NbdProtocol.CMD_WRITE
                ? (int) Math.min(length, Slab.MAX_BLOCK)
                : 0;
    }

    private void begin(
            final NbdRequest request, final @Nullable Rejection rejection, final int flags, final int payloadBytes) {
        bulk = payloadBytes >= BULK_BYTES;
        if (rejection != null) {
            if (payloadBytes > 0) {
                discard(request, payloadBytes, rejection);
            } else {
                request.reject(rejection);
            }
        } else if (payloadBytes > 0 && request instanceof WriteRequest write) {
            beginWrite(write, flags, payloadBytes);
        } else {
            request.start();
        }
    }

    private void beginWrite(final WriteRequest request, final int flags, final int payloadBytes) {
        if (window.remaining() >= payloadBytes
                && (flags & NbdProtocol.CMD_FLAG_FUA) == 0
                && lane.backend().writesInline()) {
            final long at = window.position();
            window.advance(payloadBytes);
            pinned = request;
            request.writeInPlace(at);
        } else {
            request.startPayload();
            intake.next(request);
        }
    }

    // --- payload -----------------------------------------------------------------------------------------------------

    /** A receive into the buffer of the request ended with {@code bytes}, 0 or more. */
    void onPayloadReceived(final int bytes) {
        intake.onReceived(bytes);
    }

    /** A segment was written and more payload follows. */
    void receiveNext(final WriteRequest request) {
        intake.next(request);
        connection.deferProcess();
    }

    /** There may be memory for the segment that is waited for. */
    void leaseAgain(final WriteRequest request) {
        intake.leaseAgain(request);
    }

    /** Payload of a request that has failed is to be read over; then it is answered. */
    void discard(final NbdRequest request, final long bytes, final Rejection reason) {
        intake.end();
        discarding = request;
        discardLeft = bytes;
        discardReason = reason;
        connection.deferProcess();
    }

    private boolean discardSome(final NbdRequest request) {
        final int part = (int) Math.min(discardLeft, window.remaining());
        window.advance(part);
        discardLeft -= part;
        if (discardLeft > 0) {
            return false;
        }
        discarding = null;
        request.reject(discardReason);
        return true;
    }

    /** A write that used the window's memory has ended. */
    void unpin(final WriteRequest request) {
        if (pinned == request) {
            pinned = null;
            connection.deferProcess();
        }
    }

    // --- requests out ------------------------------------------------------------------------------------------------

    /** A reply, or a chunk of one, is ready. */
    void queue(final NbdRequest reply) {
        connection.queue(reply);
    }

    /** No more bytes come: what waits for payload ends without an answer. */
    void abandon() {
        ended = true;
        intake.abandon();
        if (discarding != null) {
            final NbdRequest abandoned = discarding;
            discarding = null;
            abandoned.retire();
        }
    }

    /** A request's last byte has left, or it was given up. */
    void onRequestEnd(final NbdRequest request, final int errno) {
        if (--inFlight == 0) {
            worker.sharesMemory(-1);
        }
        memoryInFlight -= request.memory();
        worker.loop().countRequest();
        counters.ended(request.type(), request.length(), errno);
        worker.giveRequest(request);
        if (stalled || inFlight == 0) {
            connection.deferProcess();
        }
    }

    /** How much of {@code left} bytes a request should lease now. */
    int segment(final long left) {
        return worker.segment(left, connection.recent());
    }

    boolean isCut() {
        return connection.isCut();
    }

    void cut(final SessionEnd end, final String reason) {
        connection.cut(end, reason);
    }

    /** Requests taken from the wire and not answered. */
    int inFlight() {
        return inFlight;
    }

    /** How many of them, and of those that are received already, will be answered: 1 at least until all were taken. */
    int unanswered() {
        if (!ended) {
            return inFlight + 1;
        }
        return intake.isReceiving() ? inFlight - 1 : inFlight;
    }

    Negotiated negotiated() {
        return negotiated;
    }

    Volume.Lane lane() {
        return lane;
    }

    long id() {
        return id;
    }

    /** The connection it belongs to; its methods are for its loop's thread. */
    NbdConnection connection() {
        return connection;
    }

    /** Any thread. */
    SessionSnapshot snapshot() {
        return counters.snapshot(
                id, connection.peer(), negotiated.volume().name(), worker.loop().core(), since, negotiated.features());
    }
}
