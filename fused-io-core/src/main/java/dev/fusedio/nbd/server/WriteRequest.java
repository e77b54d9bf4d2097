package dev.fusedio.nbd.server;

import dev.fusedio.fused.Direction;
import dev.fusedio.fused.FusedCommand;
import dev.fusedio.loop.MemoryQueue;
import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.nbd.wire.Rejection;
import dev.fusedio.sys.Errno;

/**
 * WRITE: from where the payload was received straight to the backend if it is all there, else segment by segment through
 * leased memory into which the rest is received.
 */
final class WriteRequest extends NbdRequest implements MemoryQueue.Waiter {
    private long done;
    private int segment;
    private int received;
    private boolean abandoned;

    WriteRequest(final NbdWorker worker, final long header) {
        super(worker, header);
    }

    /** A write of no bytes; others have payload to wait for. */
    @Override
    void start() {
        replyDone();
    }

    /** Payload is to come. */
    void startPayload() {
        abandoned = false;
        done = 0;
        segment = 0;
        received = 0;
    }

    /** Writes from received bytes, which must stay as they are until {@link Transmission#unpin}. */
    void writeInPlace(final long address) {
        abandoned = false;
        done = 0;
        segment = (int) length();
        command().provide(address, segment, Direction.SRC);
        settle(backend().write(command(), 0, segment, offset(), false));
    }

    /** Leases memory for the next part of the payload. False when there is none now. */
    boolean leaseForPayload() {
        segment = transmission().segment(length() - done);
        received = 0;
        return leaseToFill(segment) != 0;
    }

    /** Where the next payload byte goes. */
    long receiveAddress() {
        return command().address(received);
    }

    /** Payload bytes that the present segment lacks. */
    int receiveRemaining() {
        return segment - received;
    }

    /** Payload arrived; true when the segment is whole. */
    boolean onPayload(final int bytes) {
        received += bytes;
        return received == segment;
    }

    /** Payload bytes of the whole write that have not arrived. Not while a segment is being written. */
    long unreceived() {
        return length() - done - received;
    }

    /** Whether more payload follows the present segment. */
    boolean expectsMorePayload() {
        return done + segment < length();
    }

    /** The segment is whole: it is written. */
    void writeSegment() {
        filled();
        settle(backend().write(command(), 0, segment, offset() + done, has(NbdProtocol.CMD_FLAG_FUA)));
    }

    /** Payload was to come and will not: the write is not carried out, and not answered. */
    void abandon() {
        abandoned = true;
        final FusedCommand command = command();
        if (command.isStarted()) {
            command.giveBackNow(-Errno.ECONNRESET);
            command.finish(-Errno.ECONNRESET);
        } else {
            retire();
        }
    }

    @Override
    public void onMemory() {
        if (isCut()) {
            retire();
        } else {
            transmission().leaseAgain(this);
        }
    }

    @Override
    public void onCommandComplete(final int result) {
        transmission().unpin(this);
        if (isCut() || abandoned) {
            retire();
            return;
        }
        done += segment;
        received = 0;
        final long unread = length() - done;
        if (unread == 0) {
            replyResult(result);
        } else if (result < 0) {
            transmission().discard(this, unread, Rejection.ofBackend(-result));
        } else {
            transmission().receiveNext(this);
        }
    }
}
