package dev.fusedio.gateway.engine;

import dev.fusedio.nbd.server.SessionEnd;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;

/** Adds up what sessions did, once each, when they end. Any thread. */
final class SessionTally {
    private final LongAdder opened = new LongAdder();
    private final AtomicLongArray ends = new AtomicLongArray(SessionEnd.values().length);
    private final Sum requests = new Sum();
    private final Sum errors = new Sum();
    private final Sum read = new Sum();
    private final Sum written = new Sum();

    void opened() {
        opened.increment();
    }

    void closed(final NbdSession last, final SessionEnd end) {
        ends.incrementAndGet(end.ordinal());
        requests.ended.add(last.requests());
        errors.ended.add(last.errors());
        read.ended.add(last.bytesRead());
        written.ended.add(last.bytesWritten());
    }

    /**
     * The totals.
     *
     * @param live the sessions that have not ended
     */
    SessionTotals with(final Collection<NbdSession> live) {
        final Map<String, Long> closed = new LinkedHashMap<>();
        for (final SessionEnd end : SessionEnd.values()) {
            closed.put(end.name().toLowerCase(Locale.ROOT), ends.get(end.ordinal()));
        }
        return new SessionTotals(
                opened.sum(),
                closed,
                requests.with(live.stream().mapToLong(NbdSession::requests).sum()),
                errors.with(live.stream().mapToLong(NbdSession::errors).sum()),
                read.with(live.stream().mapToLong(NbdSession::bytesRead).sum()),
                written.with(live.stream().mapToLong(NbdSession::bytesWritten).sum()));
    }

    /**
     * A session that is ending may be neither among the live nor added yet. The sum would then fall back for a moment,
     * which Prometheus takes for a restart: so it never does.
     */
    private static final class Sum {
        private final LongAdder ended = new LongAdder();
        private final AtomicLong shown = new AtomicLong();

        long with(final long live) {
            return shown.accumulateAndGet(ended.sum() + live, Math::max);
        }
    }
}
