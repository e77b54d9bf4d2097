package dev.fusedio.nbd.server;

import dev.fusedio.loop.Counters;
import dev.fusedio.nbd.wire.NbdProtocol;
import java.time.Instant;
import java.util.List;

/** What a session counts. Its loop's thread writes; any thread reads. */
final class SessionCounters {
    private static final int STARTED = 0;
    private static final int ENDED = 1;
    private static final int READ_BYTES = 2;
    private static final int WRITTEN_BYTES = 3;
    private static final int ERRORS = 4;

    private final Counters counters = new Counters(5);

    /** A request was taken from the wire. */
    void started() {
        counters.add(STARTED, 1);
    }

    /** A request was answered, or given up. */
    void ended(final int type, final long length, final int errno) {
        counters.add(ENDED, 1);
        if (errno != 0) {
            counters.add(ERRORS, 1);
        } else if (type == NbdProtocol.CMD_READ) {
            counters.add(READ_BYTES, length);
        } else if (type == NbdProtocol.CMD_WRITE) {
            counters.add(WRITTEN_BYTES, length);
        }
    }

    /** A session with its counts of this moment. Any thread. */
    SessionSnapshot snapshot(
            final long id,
            final String peer,
            final String volume,
            final int core,
            final Instant since,
            final List<String> features) {
        final long answered = counters.get(ENDED);
        return new SessionSnapshot(
                id,
                peer,
                volume,
                core,
                since,
                features,
                answered,
                Math.max(counters.get(STARTED) - answered, 0),
                counters.get(READ_BYTES),
                counters.get(WRITTEN_BYTES),
                counters.get(ERRORS));
    }
}
