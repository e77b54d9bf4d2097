package dev.fusedio.volume;

import dev.fusedio.fused.FusedCommand;
import dev.fusedio.sys.Errno;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;

/**
 * Remembers that storage has lost what it had acknowledged, for all that use the volume.
 *
 * <p>The kernel tells of a failed write-back once for an open file (lib/errseq.c; fsync(2):
 * EIO, ENOSPC, EDQUOT) and takes the pages for clean afterwards, so the next flush of whoever succeeds although data is
 * missing. Here the first failure stays: until the volume is opened again no flush and no durable write succeeds.
 *
 * <p>One latch goes with one opened backend. Any thread; {@link #review} neither locks nor allocates.
 */
public final class FailureLatch implements FusedCommand.Review {
    private final AtomicInteger errno = new AtomicInteger();
    private final IntConsumer listener;

    /** Nothing has failed, and nobody else is told when something does. */
    public FailureLatch() {
        this(error -> {});
    }

    /**
     * Nothing has failed.
     *
     * @param listener is given the error number, positive, of the first failure, once; on the thread that found it,
     *     perhaps a loop's, so it must not block
     */
    public FailureLatch(final IntConsumer listener) {
        this.listener = listener;
    }

    /** The first failure's error number, positive; 0 as long as nothing failed. */
    public int errno() {
        return errno.get();
    }

    /** Whether something failed. */
    public boolean isSet() {
        return errno.get() != 0;
    }

    /**
     * Judges the end of a flush or a durable write.
     *
     * @param outcome zero or more, or a negated error number; {@link FusedCommand#PENDING} passes
     * @return {@code outcome}; -EIO for a success that came after a failure, because the kernel told somebody else of
     *     what may be missing here
     */
    @Override
    public int review(final int outcome) {
        if (outcome == FusedCommand.PENDING) {
            return outcome;
        }
        if (outcome >= 0) {
            return isSet() ? -Errno.EIO : outcome;
        }
        if (saysLost(outcome)) {
            fail(-outcome);
        }
        return outcome;
    }

    /** Whether a sync that ended so says that data is lost, and not that the call was wrong or can't be made. */
    static boolean saysLost(final int outcome) {
        return outcome == -Errno.EIO || outcome == -Errno.ENOSPC || outcome == -Errno.EDQUOT;
    }

    /**
     * Something failed.
     *
     * @param error the error number, positive
     */
    public void fail(final int error) {
        if (errno.get() == 0 && errno.compareAndSet(0, error)) {
            listener.accept(error);
        }
    }
}
