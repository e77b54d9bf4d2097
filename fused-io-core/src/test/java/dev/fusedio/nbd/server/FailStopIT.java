package dev.fusedio.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.fusedio.loop.CoreLoop;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** What clients see of a core loop's end. */
class FailStopIT {
    private static final int SESSIONS = 8;
    private static final int BYTES = 4096;

    @Test
    @DisplayName("fault 3: a dead loop's sessions end, the others go on, and no new connection is given to it")
    void theOtherLoopsServe() throws Exception {
        final TestServer server = TestServer.memory();
        final List<CoreLoop> loops = server.loops().loops();
        assumeTrue(loops.size() > 1, "skipped: this needs two processors");
        final List<WireClient> sessions = new ArrayList<>();
        for (int i = 0; i < SESSIONS; i++) {
            sessions.add(server.open(Headers.STRUCTURED));
        }
        // a client may have its answer to GO before the server has heard that it was sent
        TestServer.await("all are sessions", () -> server.server().sessions().size() == SESSIONS);
        final CoreLoop broken = loops.getLast(); // the first one accepts
        assertThat(broken.execute(() -> {
                    throw new StackOverflowError();
                }))
                .isTrue();
        server.loops().awaitFailure();
        final int left = SESSIONS - SESSIONS / loops.size();
        TestServer.await(
                "the dead loop's sessions are gone", () -> server.ended().size() == SESSIONS - left);
        assertThat(server.server().sessions()).hasSize(left);

        assertThat(server.ended())
                .hasSize(SESSIONS - left)
                .allSatisfy(ended -> assertThat(ended.reason()).contains("core loop"));
        for (int i = 0; i < SESSIONS; i++) {
            try (WireClient fresh = server.open(Headers.STRUCTURED)) {
                fresh.read(0, BYTES);
            }
        }
        for (final WireClient session : sessions) {
            session.close();
        }
        server.server().close(); // comes to its end, although a loop takes nothing more
        assertThat(server.server().snapshot().connections()).isZero();
        server.loops().close();
    }
}
