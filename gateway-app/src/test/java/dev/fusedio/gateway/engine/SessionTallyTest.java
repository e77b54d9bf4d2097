package dev.fusedio.gateway.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.nbd.server.SessionEnd;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class SessionTallyTest {
    private final SessionTally tally = new SessionTally();

    @Test
    void addsTheEndedToTheLive() {
        tally.opened();
        tally.opened();
        tally.closed(session(1, 10), SessionEnd.DISCONNECTED);

        final SessionTotals totals = tally.with(List.of(session(2, 3)));

        assertThat(totals.opened()).isEqualTo(2);
        assertThat(totals.closed()).containsEntry("disconnected", 1L).containsEntry("idle", 0L);
        assertThat(totals.requests()).isEqualTo(13);
        assertThat(totals.bytesRead()).isEqualTo(130);
        assertThat(totals.bytesWritten()).isEqualTo(1300);
        assertThat(totals.errors()).isEqualTo(26);
    }

    @Test
    void neverFallsBackWhileASessionIsBetweenLiveAndEnded() {
        assertThat(tally.with(List.of(session(1, 10))).requests()).isEqualTo(10);
        assertThat(tally.with(List.of()).requests()).isEqualTo(10);
        tally.closed(session(1, 12), SessionEnd.CONNECTION);
        assertThat(tally.with(List.of()).requests()).isEqualTo(12);
    }

    private static NbdSession session(final long id, final long requests) {
        return new NbdSession(
                id, "v", "unix", 0, Instant.EPOCH, List.of(), 0, requests, requests * 10, requests * 100, requests * 2);
    }
}
