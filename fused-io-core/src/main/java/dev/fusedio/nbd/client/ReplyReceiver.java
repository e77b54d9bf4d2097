package dev.fusedio.nbd.client;

import dev.fusedio.fused.Direction;
import dev.fusedio.fused.FusedCommand;
import dev.fusedio.fused.RingSocket;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.ring.IoUring;
import dev.fusedio.ring.Sqe;
import dev.fusedio.sys.Errno;
import org.jspecify.annotations.Nullable;

/**
 * What a connection receives: replies header by header with the payload straight to its command's buffer, or many at once
 * while all that is awaited is small. One receive is under way at a time, or two that are linked. The loop's thread only.
 */
final class ReplyReceiver {
    /** {@link #onReceived}, {@link #onPayload}: go on, with {@link #parse} or {@link #arm}. */
    static final int RECEIVED = 1;

    /** {@link #onPayload}: more completions of it are to come. */
    static final int GOING_ON = 2;

    private final CoreLoop loop;
    private final RingSocket socket;
    private final RequestTable requests;
    private final ClientConnection.Owner owner;
    private final ReceiveBuffer buffer;
    private final ReplyParser parser;
    private final long headerData;
    private final long payloadData;
    private boolean headerArmed;
    private boolean bulkArmed;
    private boolean payloadArmed;
    private boolean draining;
    private boolean ended;

    /**
     * @param memory {@link ReceiveBuffer#BYTES} of native memory
     * @param headerData what the completions of receives to this memory carry
     * @param payloadData what those of receives to a command's buffer carry
     */
    ReplyReceiver(
            final CoreLoop loop,
            final RingSocket socket,
            final RequestTable requests,
            final ClientConnection.Owner owner,
            final ReplyParser.Listener listener,
            final ExportInfo export,
            final long memory,
            final long headerData,
            final long payloadData) {
        this.loop = loop;
        this.socket = socket;
        this.requests = requests;
        this.owner = owner;
        this.buffer = new ReceiveBuffer(memory);
        this.parser = new ReplyParser(loop, requests, listener, export, buffer);
        this.headerData = headerData;
        this.payloadData = payloadData;
    }

    /** Whether a receive is under way that takes whatever arrives, payload too. */
    boolean isBulk() {
        return bulkArmed;
    }

    /** Whether a receive is under way. */
    boolean isReceiving() {
        return headerArmed || payloadArmed;
    }

    /** Whether nothing more can be received. */
    boolean hasEnded() {
        return ended;
    }

    /** Receives nothing more, and drops what comes yet. */
    void end() {
        draining = true;
        ended = true;
    }

    /** Drops from now on what comes, and receives until the server's end. */
    void drain() {
        draining = true;
        arm();
    }

    /** Parses what has been received: what the server did that it mustn't, or null while it behaves. */
    @Nullable String parse() {
        parser.parse();
        return parser.violation();
    }

    /** Receives what comes next, unless a receive is under way. */
    void arm() {
        if (headerArmed || payloadArmed || ended) {
            return;
        }
        if (!draining && parser.payloadLeft() > 0) {
            receivePayload();
        } else {
            receiveHeader();
        }
    }

    private void receiveHeader() {
        // Bulk only where a reply is to come besides the one whose payload is being received: while it is armed no
        // read to a kernel's buffer is sent, and nothing but a reply ends it.
        final boolean awaitsReply = requests.awaited() > (payloadArmed ? 1 : 0);
        bulkArmed = draining || (requests.directReads() == 0 && awaitsReply && !owner.expectsLentReads());
        if (draining) {
            buffer.clear();
        }
        final long space = buffer.space();
        headerArmed = true;
        Sqe.recv(
                loop.driver().sqe(),
                socket.file().fd(),
                socket.file().sqeFlag(),
                space,
                parser.wanted(bulkArmed),
                0,
                headerData);
    }

    private void receivePayload() {
        final ClientRequest request = parser.payloadOwner();
        final FusedCommand command = request.command;
        if (command == null) {
            throw new IllegalStateException("payload without a command");
        }
        final boolean link = request.inMemory || socket.mechanism().receivesWhole();
        if (link) {
            loop.driver().reserve(2); // a chain doesn't span two submissions
        }
        payloadArmed = true;
        if (request.inMemory) {
            Sqe.prepare(
                    loop.driver().sqe(),
                    IoUring.OP_RECV,
                    socket.file().sqeFlag() | IoUring.SQE_IO_LINK,
                    0,
                    socket.file().fd(),
                    0,
                    command.address(parser.payloadAt()),
                    parser.payloadLeft(),
                    Sqe.MSG_WAITALL,
                    0,
                    payloadData);
        } else {
            request.transfer()
                    .start(
                            loop,
                            Direction.DEST,
                            socket,
                            command.kernelBuffer(),
                            parser.payloadAt(),
                            parser.payloadLeft(),
                            link,
                            payloadData);
        }
        if (link) {
            receiveHeader(); // begins in the kernel when the payload has come whole
        }
    }

    /**
     * Takes the completion of a payload's receive in.
     *
     * @return {@link #GOING_ON}, {@link #RECEIVED}, or the result that ended the stream: 0 or a negated error number
     */
    int onPayload(final int result, final int flags) {
        int outcome = result;
        if (!draining || parser.payloadLeft() > 0) {
            final ClientRequest request = parser.payloadOwner();
            if (!request.inMemory) {
                outcome = request.transfer().advance(loop, result, flags, payloadData);
                if (outcome == FusedCommand.PENDING) {
                    return GOING_ON;
                }
            }
        }
        payloadArmed = false;
        if (outcome > 0) {
            loop.countBorrowed(outcome);
            if (!draining) {
                parser.payloadReceived(outcome);
            }
            return RECEIVED;
        }
        return judge(outcome);
    }

    /**
     * Takes the completion of another receive in.
     *
     * @return {@link #RECEIVED}, or the result that ended the stream: 0 or a negated error number
     */
    int onReceived(final int result) {
        headerArmed = false;
        bulkArmed = false;
        if (result > 0) {
            if (!draining) {
                buffer.received(result);
            }
            return RECEIVED;
        }
        return judge(result);
    }

    /** Whether a result that brought nothing ended the stream. ECANCELED: the receive before it stopped short. */
    private int judge(final int result) {
        if (result == -Errno.EAGAIN || result == -Errno.EINTR || result == -Errno.ECANCELED) {
            return RECEIVED;
        }
        ended = true;
        return result;
    }
}
