package dev.fusedio.gateway.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.gateway.ApiTest;
import dev.fusedio.gateway.engine.SessionEvent;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.springframework.core.ParameterizedTypeReference;
import org.springframework.http.MediaType;
import org.springframework.http.codec.ServerSentEvent;

class SessionApiTest extends ApiTest {
    @Test
    void listsShowsAndEnds() {
        final long one = sessions.open("a");
        sessions.open("b");

        http.get()
                .uri("/api/v1/sessions")
                .exchange()
                .expectStatus()
                .isOk()
                .expectBody()
                .jsonPath("$.items.length()")
                .isEqualTo(2);
        http.get()
                .uri("/api/v1/sessions?volume=b")
                .exchange()
                .expectBody()
                .jsonPath("$.items.length()")
                .isEqualTo(1)
                .jsonPath("$.items[0].volume")
                .isEqualTo("b");
        http.get()
                .uri("/api/v1/sessions/" + one)
                .exchange()
                .expectBody()
                .jsonPath("$.peer")
                .isEqualTo("192.0.2.7:40000")
                .jsonPath("$.features[0]")
                .isEqualTo("STRUCTURED_REPLY")
                .jsonPath("$.inFlight")
                .isEqualTo(1)
                .jsonPath("$.bytesRead")
                .isEqualTo(4096)
                .jsonPath("$.openedAt")
                .isEqualTo("2026-01-02T03:04:05Z");
        http.delete().uri("/api/v1/sessions/" + one).exchange().expectStatus().isNoContent();
        http.delete()
                .uri("/api/v1/sessions/" + one)
                .exchange()
                .expectStatus()
                .isNotFound()
                .expectBody()
                .jsonPath("$.code")
                .isEqualTo("session-not-found");
        http.get().uri("/api/v1/sessions/" + one).exchange().expectStatus().isNotFound();
        http.get().uri("/api/v1/sessions/x").exchange().expectStatus().isBadRequest();
    }

    @Test
    void tellsOfSessionsAsTheyOpenAndClose() throws Exception {
        final var events = http.get()
                .uri("/api/v1/sessions/events")
                .accept(MediaType.TEXT_EVENT_STREAM)
                .exchange()
                .expectStatus()
                .isOk()
                .returnResult(new ParameterizedTypeReference<ServerSentEvent<SessionEvent>>() {})
                .getResponseBody()
                .filter(event -> event.event() != null) // heartbeats are comments
                .take(2)
                .collectList()
                .toFuture();
        final long[] id = new long[1];
        // The stream begins some time after its headers are here: until then nobody hears what happens.
        Awaitility.await().atMost(PATIENCE).until(() -> {
            if (id[0] == 0 || !events.isDone()) {
                id[0] = sessions.open("a");
                sessions.end(id[0]).block(PATIENCE);
            }
            return events.isDone();
        });

        assertThat(events.get(30, TimeUnit.SECONDS))
                .extracting(ServerSentEvent::event)
                .contains("opened", "closed");
    }
}
