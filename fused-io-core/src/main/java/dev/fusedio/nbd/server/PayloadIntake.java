package dev.fusedio.nbd.server;

import dev.fusedio.loop.CoreLoop;
import dev.fusedio.net.ReceiveWindow;
import dev.fusedio.sys.Memory;
import org.jspecify.annotations.Nullable;

/**
 * The payload of one write that goes through leased memory, segment by segment: what lies in the window is copied, the rest is
 * received straight into the request's buffer. The loop's thread only.
 */
final class PayloadIntake {
    private enum Step {
        /** Memory is needed for the next segment. */
        LEASING,
        /** There was none, and it is waited for. */
        AWAITING_MEMORY,
        /** Taken from the window as far as it goes, the rest is received directly. */
        FILLING,
        /** A receive into the request's buffer is in flight. */
        RECEIVING,
        /** The segment is being written; more payload follows. */
        WRITING
    }

    private final NbdConnection connection;
    private final CoreLoop loop;
    private final ReceiveWindow window;
    private @Nullable WriteRequest request;
    private Step step = Step.LEASING;

    PayloadIntake(final NbdConnection connection, final CoreLoop loop, final ReceiveWindow window) {
        this.connection = connection;
        this.loop = loop;
        this.window = window;
    }

    /** Whether a write's payload is what comes next on the wire. */
    boolean isActive() {
        return request != null;
    }

    /** Whether the kernel has the request's buffer. */
    boolean isReceiving() {
        return request != null && step == Step.RECEIVING;
    }

    /** Whether it can't come to its end without more bytes. */
    boolean lacksBytes() {
        final WriteRequest write = request;
        return step == Step.RECEIVING
                || (write != null && step != Step.WRITING && window.remaining() < write.unreceived());
    }

    /** Takes the next segment of a write. */
    void next(final WriteRequest write) {
        request = write;
        step = Step.LEASING;
    }

    /** Takes no more. */
    void end() {
        request = null;
    }

    /**
     * Goes on as far as it can.
     *
     * @param inputEnded whether nothing more is received
     * @return whether what comes next on the wire can be looked at
     */
    boolean go(final boolean inputEnded) {
        final WriteRequest write = request;
        if (write == null) {
            throw new IllegalStateException("there is no payload to take");
        }
        switch (step) {
            case AWAITING_MEMORY, RECEIVING, WRITING -> {
                return false;
            }
            case LEASING -> {
                if (!lease(write)) {
                    return false;
                }
            }
            case FILLING -> {
                // below
            }
        }
        final int part = Math.min(window.remaining(), write.receiveRemaining());
        if (part > 0) {
            Memory.copy(window.position(), write.receiveAddress(), part);
            loop.countCopied(part);
            window.advance(part);
            if (write.onPayload(part)) {
                onSegmentWhole(write);
                return true;
            }
        }
        if (!inputEnded) {
            step = Step.RECEIVING;
            window.releaseIfEmpty();
            connection.receivePayload(write.receiveAddress(), write.receiveRemaining());
        }
        return false;
    }

    private boolean lease(final WriteRequest write) {
        final boolean leased = write.leaseForPayload();
        step = leased ? Step.FILLING : Step.AWAITING_MEMORY;
        if (!leased) {
            loop.memory().await(write);
        }
        return leased;
    }

    /** There may be memory for the segment that is waited for. */
    void leaseAgain(final WriteRequest write) {
        if (write.equals(request) && step == Step.AWAITING_MEMORY && lease(write)) {
            connection.deferProcess();
        }
    }

    /** A receive into the request's buffer ended with {@code bytes}, 0 or more. */
    void onReceived(final int bytes) {
        final WriteRequest write = request;
        if (write == null) {
            throw new IllegalStateException("payload arrived for no request");
        }
        step = Step.FILLING;
        if (write.onPayload(bytes)) {
            onSegmentWhole(write);
        }
    }

    private void onSegmentWhole(final WriteRequest write) {
        if (write.expectsMorePayload()) {
            step = Step.WRITING;
        } else {
            request = null;
        }
        write.writeSegment();
    }

    /** No more bytes come: a write that waits for some ends without an answer. */
    void abandon() {
        final WriteRequest write = request;
        if (write != null && step != Step.WRITING) {
            request = null;
            if (step == Step.AWAITING_MEMORY) {
                loop.memory().forget(write);
            }
            write.abandon();
        }
    }
}
