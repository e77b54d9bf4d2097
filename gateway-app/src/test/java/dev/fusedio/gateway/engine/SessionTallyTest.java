package dev.fusedio.gateway.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SessionTallyTest {
    private final SessionTally tally = new SessionTally();

    @Test
    void addsTheEndedToTheLive() {
        tally.opened();
        tally.opened();
        tally.closed(session(1, 10), "the client disconnected");

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
        tally.closed(session(1, 12), "receive: ECONNRESET");
        assertThat(tally.with(List.of()).requests()).isEqualTo(12);
    }

    @ParameterizedTest
    @CsvSource({
        "the client disconnected, disconnected",
        "the client closed, closed",
        "the client closed in the middle of a write, closed",
        "receive: ECONNRESET, connection",
        "send: EPIPE, connection",
        "the client left replies unread for 30 s, stalled",
        "the client left a write without its payload for 30 s, stalled",
        "the session was idle for 5 s, idle",
        "ended by an operator, operator",
        "the server is shutting down, shutdown",
        "a request did not begin with the magic number, other"
    })
    void sortsReasonsIntoAFewKinds(final String reason, final String kind) {
        assertThat(SessionEnd.of(reason).text()).isEqualTo(kind);
    }

    private static NbdSession session(final long id, final long requests) {
        return new NbdSession(
                id, "v", "unix", 0, Instant.EPOCH, List.of(), 0, requests, requests * 10, requests * 100, requests * 2);
    }
}
