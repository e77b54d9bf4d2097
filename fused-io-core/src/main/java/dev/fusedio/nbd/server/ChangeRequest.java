package dev.fusedio.nbd.server;

import dev.fusedio.loop.MemoryQueue;
import dev.fusedio.loop.Slices;
import dev.fusedio.loop.Turn;
import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.nbd.wire.Rejection;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Memory;

/**
 * FLUSH, TRIM, CACHE and WRITE_ZEROES, which have no payload; and the answer to what is none of the known commands.
 * Where zeroes have to be written, they are written in slices that take turns with other connections; each begins in
 * a turn of its own and never in the callback of the one before.
 */
final class ChangeRequest extends NbdRequest implements MemoryQueue.Waiter, Turn {
    private enum Step {
        COMMAND,
        /** Zeroes are written because the backend has no quicker way. */
        ZEROES,
        /** FUA of a change that is not a write: the change is made durable after it. */
        DURABILITY
    }

    private Step step = Step.COMMAND;
    private long done;
    private int segment;

    ChangeRequest(final NbdWorker worker, final long header) {
        super(worker, header);
    }

    @Override
    void start() {
        if (length() == 0 && type() != NbdProtocol.CMD_FLUSH) {
            replyDone();
            return;
        }
        done = 0;
        step = Step.COMMAND;
        command().startWithoutBuffer();
        settle(
                switch (type()) {
                    case NbdProtocol.CMD_FLUSH -> backend().flush(command());
                    case NbdProtocol.CMD_CACHE ->
                        backend().cache(command(), offset(), (int) Math.min(length(), Integer.MAX_VALUE));
                    case NbdProtocol.CMD_TRIM -> backend().trim(command(), offset(), length());
                    case NbdProtocol.CMD_WRITE_ZEROES ->
                        backend().zero(command(), offset(), length(), !has(NbdProtocol.CMD_FLAG_NO_HOLE));
                    default -> throw new IllegalStateException("command " + type() + " passed the edge");
                });
    }

    @Override
    public void onCommandComplete(final int result) {
        if (isCut()) {
            retire();
            return;
        }
        switch (step) {
            case COMMAND -> onCommand(result);
            case ZEROES -> onZeroes(result);
            case DURABILITY -> replyResult(result);
        }
    }

    private void onCommand(final int result) {
        if (result == -Errno.EOPNOTSUPP && type() == NbdProtocol.CMD_WRITE_ZEROES) {
            if (has(NbdProtocol.CMD_FLAG_FAST_ZERO)) {
                reject(Rejection.NOT_FASTER);
            } else {
                worker().slices().add(this);
            }
        } else if (result == -Errno.EOPNOTSUPP && type() != NbdProtocol.CMD_FLUSH) {
            afterChange(0); // TRIM and CACHE are hints
        } else {
            afterChange(result);
        }
    }

    @Override
    public void onTurn() {
        if (!isCut()) {
            writeZeroes();
        } else if (command().isStarted()) { // it has leased memory that it waited for
            command().giveBackNow(-Errno.ECONNRESET);
            command().finish(-Errno.ECONNRESET);
        } else {
            retire();
        }
    }

    private void writeZeroes() {
        if (!command().isStarted() && !leaseForZeroes()) {
            return;
        }
        Memory.zero(command().address(0), segment);
        filled();
        step = Step.ZEROES;
        settle(backend().write(command(), 0, segment, offset() + done, false));
    }

    private boolean leaseForZeroes() {
        segment = (int) Math.min(length() - done, Slices.COPY_BYTES);
        if (leaseToFill(segment) == 0) {
            worker().loop().memory().await(this);
            return false;
        }
        return true;
    }

    @Override
    public void onMemory() {
        if (isCut()) {
            retire();
        } else if (leaseForZeroes()) {
            worker().slices().add(this); // as many may be served at once
        }
    }

    private void onZeroes(final int result) {
        done += segment;
        if (result < 0 || done == length()) {
            afterChange(result);
        } else {
            worker().slices().add(this);
        }
    }

    private void afterChange(final int result) {
        final boolean changes = type() == NbdProtocol.CMD_TRIM || type() == NbdProtocol.CMD_WRITE_ZEROES;
        if (result >= 0 && changes && has(NbdProtocol.CMD_FLAG_FUA)) {
            step = Step.DURABILITY;
            command().startWithoutBuffer();
            settle(backend().flush(command()));
        } else {
            replyResult(result);
        }
    }
}
