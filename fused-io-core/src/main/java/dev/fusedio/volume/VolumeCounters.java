package dev.fusedio.volume;

import dev.fusedio.loop.Counters;
import dev.fusedio.sys.Errno;

/** What one core did to one volume: plain counts, written by its loop, read at scrape. */
public final class VolumeCounters {
    static final int OPERATIONS = VolumeOperation.values().length;

    /** Error numbers counted by themselves; all others share the last place. */
    static final int[] ERRNOS = {
        Errno.EPERM,
        Errno.EIO,
        Errno.ENOMEM,
        Errno.EINVAL,
        Errno.ENOSPC,
        Errno.EOVERFLOW,
        Errno.EOPNOTSUPP,
        Errno.ESHUTDOWN,
        0
    };

    private final Counters counts = new Counters(OPERATIONS * 2);
    private final Counters errors = new Counters(OPERATIONS * ERRNOS.length);
    private final Counters started = new Counters(1);
    private final Counters ended = new Counters(1);
    private final LatencyHistogram[] latencies = new LatencyHistogram[OPERATIONS];

    VolumeCounters() {
        for (int i = 0; i < OPERATIONS; i++) {
            latencies[i] = new LatencyHistogram();
        }
    }

    /** An operation begins. */
    public void start() {
        started.add(0, 1);
    }

    /**
     * An operation ended.
     *
     * @param operation a {@link VolumeOperation}'s ordinal
     * @param bytes the range's length
     * @param nanos from its arrival to its answer
     * @param error 0, or the error number, positive
     */
    public void end(final int operation, final long bytes, final long nanos, final int error) {
        ended.add(0, 1);
        counts.add(operation * 2, 1);
        if (error == 0) {
            counts.add(operation * 2 + 1, bytes);
        } else {
            errors.add(operation * ERRNOS.length + errorIndex(error), 1);
        }
        latencies[operation].record(nanos);
    }

    private static int errorIndex(final int error) {
        for (int i = 0; i < ERRNOS.length - 1; i++) {
            if (ERRNOS[i] == error) {
                return i;
            }
        }
        return ERRNOS.length - 1;
    }

    long operations(final int operation) {
        return counts.get(operation * 2);
    }

    long bytes(final int operation) {
        return counts.get(operation * 2 + 1);
    }

    long errors(final int operation, final int errorIndex) {
        return errors.get(operation * ERRNOS.length + errorIndex);
    }

    long inFlight() {
        final long done = ended.get(0); // first, so that the difference is never below zero
        return started.get(0) - done;
    }

    LatencyHistogram latency(final int operation) {
        return latencies[operation];
    }
}
