package dev.fusedio.nbd.client;

import dev.fusedio.fused.Direction;
import dev.fusedio.fused.FusedCommand;
import dev.fusedio.fused.RingSocket;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.ring.IoUring;
import dev.fusedio.ring.Sqe;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Memory;
import dev.fusedio.sys.SocketCalls;
import org.jspecify.annotations.Nullable;

/**
 * The requests that a connection sends at one time: a chain of linked sends, of which each starts when the one before
 * has gone whole. Two sends that aren't linked would mix their bytes. Headers, and payload that is in this process's
 * memory, are gathered; payload that is in the kernel's has a send of its own.
 */
final class SendChain {
    /** Requests that one chain carries at most. */
    static final int MAX_REQUESTS = 128;

    private static final int SEGMENTS = 16;
    private static final int IOVECS = 2 * MAX_REQUESTS;
    private static final int MSG_MORE = 0x8000;
    private static final int STAGED_BYTES = 32;
    private static final int VECTORS = SEGMENTS * SocketCalls.MSGHDR_BYTES;
    private static final int STAGING = VECTORS + IOVECS * SocketCalls.IOVEC_BYTES;

    /** Bytes of the native block that a chain works in. */
    static final int BLOCK_BYTES = STAGING + MAX_REQUESTS * STAGED_BYTES;

    /** A chain isn't made longer than this by adding another request: the first replies shouldn't wait for the last. */
    private static final long CHAIN_BYTES = 1 << 20;

    /** {@link #onCompletion}: more completions are to come. */
    static final int GOING_ON = 1;

    /** {@link #onCompletion}: all was sent. */
    static final int SENT = 0;

    private final CoreLoop loop;
    private final RingSocket socket;
    private final ExportInfo export;
    private final long block;
    private final int slot;
    private final int firstTag;

    private final @Nullable ClientRequest[] requests = new ClientRequest[MAX_REQUESTS];
    private int count;

    /* By segment: its request where its payload is the kernel's, else its vectors; and what is left of it. */
    private final @Nullable ClientRequest[] lent = new ClientRequest[SEGMENTS];
    private final int[] firstVector = new int[SEGMENTS];
    private final int[] endVector = new int[SEGMENTS];
    private final long[] left = new long[SEGMENTS];
    private int segments;
    private int vectors;
    private long total;
    private boolean full;

    private int inFlight;
    private int failure;

    /**
     * @param block {@link #BLOCK_BYTES} of native memory
     * @param slot gets the completions, tagged from {@code firstTag}
     */
    SendChain(
            final CoreLoop loop,
            final RingSocket socket,
            final ExportInfo export,
            final long block,
            final int slot,
            final int firstTag) {
        this.loop = loop;
        this.socket = socket;
        this.export = export;
        this.block = block;
        this.slot = slot;
        this.firstTag = firstTag;
    }

    /** Whether sends are in flight. */
    boolean isSending() {
        return inFlight > 0;
    }

    /** Whether another request may be added before {@link #submit}. */
    boolean hasRoom() {
        return !full && count < MAX_REQUESTS && segments + 2 <= SEGMENTS && total < CHAIN_BYTES;
    }

    boolean isEmpty() {
        return count == 0;
    }

    /** Adds a request, whose payload is on loan to it. */
    void add(final ClientRequest request) {
        final long header = block + STAGING + (long) count * STAGED_BYTES;
        final int bytes = request.compose(header, export);
        requests[count++] = request;
        request.sending = true;
        append(header, bytes);
        final FusedCommand command = request.command;
        if (command == null || !request.carries()) {
            return;
        }
        if (request.inMemory) {
            append(command.address(request.offset), request.length);
        } else {
            lent[segments] = request;
            left[segments] = request.length;
            segments++;
            total += request.length;
            full = !socket.mechanism().sendsWhole(); // nothing can be linked behind what may stop short
        }
        loop.countBorrowed(request.length);
    }

    private void append(final long address, final long bytes) {
        total += bytes;
        if (segments == 0 || lent[segments - 1] != null) {
            lent[segments] = null;
            firstVector[segments] = vectors;
            endVector[segments] = vectors;
            left[segments] = 0;
            segments++;
        }
        final int segment = segments - 1;
        left[segment] += bytes;
        if (endVector[segment] > firstVector[segment]) {
            final long last = vector(vectors - 1);
            if (Memory.getLong(last) + Memory.getLong(last + 8) == address) {
                Memory.putLong(last + 8, Memory.getLong(last + 8) + bytes);
                return;
            }
        }
        Memory.putLong(vector(vectors), address);
        Memory.putLong(vector(vectors) + 8, bytes);
        endVector[segment] = ++vectors;
    }

    private long vector(final int index) {
        return block + VECTORS + (long) index * SocketCalls.IOVEC_BYTES;
    }

    /** Sends what was added, or what is left of it. */
    void submit() {
        int first = 0;
        while (left[first] == 0) {
            first++;
        }
        loop.driver().reserve(segments - first); // a chain doesn't span two submissions
        failure = 0;
        for (int i = first; i < segments; i++) {
            final boolean link = i + 1 < segments;
            final ClientRequest request = lent[i];
            inFlight++;
            if (request == null) {
                submitGathered(i, link);
            } else {
                submitLent(i, request, link);
            }
        }
    }

    private void submitGathered(final int segment, final boolean link) {
        final long first = vector(firstVector[segment]);
        final int number = endVector[segment] - firstVector[segment];
        final int flags = socket.file().sqeFlag() | (link ? IoUring.SQE_IO_LINK : 0);
        final int msgFlags = Sqe.MSG_NOSIGNAL | Sqe.MSG_WAITALL | (link ? MSG_MORE : 0);
        final long userData = loop.userData(slot, firstTag + segment);
        final long sqe = loop.driver().sqe();
        if (number == 1) {
            final int length = (int) Memory.getLong(first + 8);
            Sqe.prepare(
                    sqe,
                    IoUring.OP_SEND,
                    flags,
                    0,
                    socket.file().fd(),
                    0,
                    Memory.getLong(first),
                    length,
                    msgFlags,
                    0,
                    userData);
            return;
        }
        /* struct msghdr, see GatheredSend of the server */
        final long header = block + (long) segment * SocketCalls.MSGHDR_BYTES;
        Memory.zero(header, SocketCalls.MSGHDR_BYTES);
        Memory.putLong(header + SocketCalls.MSG_IOV, first);
        Memory.putLong(header + SocketCalls.MSG_IOVLEN, number);
        Sqe.prepare(sqe, IoUring.OP_SENDMSG, flags, 0, socket.file().fd(), 0, header, 1, msgFlags, 0, userData);
    }

    private void submitLent(final int segment, final ClientRequest request, final boolean link) {
        final FusedCommand command = request.command;
        if (command == null) {
            throw new IllegalStateException("payload without a command");
        }
        request.transfer()
                .start(
                        loop,
                        Direction.SRC,
                        socket,
                        command.kernelBuffer(),
                        request.offset,
                        (int) request.length,
                        link,
                        loop.userData(slot, firstTag + segment));
    }

    /**
     * Takes a completion in.
     *
     * @return {@link #GOING_ON}, {@link #SENT}, or the negated error number for which the connection can't go on
     */
    int onCompletion(final int segment, final int result, final int flags) {
        final ClientRequest request = lent[segment];
        int outcome = result;
        if (request != null) {
            outcome = request.transfer().advance(loop, result, flags, loop.userData(slot, firstTag + segment));
            if (outcome == FusedCommand.PENDING) {
                return GOING_ON;
            }
            if (outcome > 0) {
                left[segment] = 0;
            }
        } else if (outcome > 0) {
            consume(segment, outcome);
        }
        inFlight--;
        final boolean passing = outcome == -Errno.EAGAIN || outcome == -Errno.EINTR || outcome == -Errno.ECANCELED;
        if (outcome <= 0 && !passing && failure == 0) {
            failure = outcome == 0 ? -Errno.EPIPE : outcome;
        }
        if (inFlight > 0) {
            return GOING_ON;
        }
        if (failure != 0) {
            return failure;
        }
        for (int i = 0; i < segments; i++) {
            if (left[i] > 0) { // one stopped short, and those behind it were cancelled
                submit();
                return GOING_ON;
            }
        }
        return SENT;
    }

    private void consume(final int segment, final int bytes) {
        if (bytes > left[segment]) {
            throw new IllegalStateException("a send of " + left[segment] + " bytes completed with " + bytes);
        }
        left[segment] -= bytes;
        long sent = bytes;
        while (sent > 0) {
            final long vector = vector(firstVector[segment]);
            final long length = Memory.getLong(vector + 8);
            if (sent < length) {
                Memory.putLong(vector, Memory.getLong(vector) + sent);
                Memory.putLong(vector + 8, length - sent);
                return;
            }
            sent -= length;
            firstVector[segment]++;
        }
    }

    /** How many requests it has. */
    int count() {
        return count;
    }

    /** Takes a request out of an ended chain; the last one empties it. */
    ClientRequest take(final int index) {
        final ClientRequest request = requests[index];
        if (request == null) {
            throw new IllegalStateException("a chain has no request " + index);
        }
        requests[index] = null;
        request.sending = false;
        return request;
    }

    /** Makes it ready for the next requests. */
    void clear() {
        for (int i = 0; i < segments; i++) {
            lent[i] = null;
            left[i] = 0;
        }
        count = 0;
        segments = 0;
        vectors = 0;
        total = 0;
        full = false;
    }
}
