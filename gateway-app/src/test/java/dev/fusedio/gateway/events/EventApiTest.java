package dev.fusedio.gateway.events;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.gateway.ApiTest;
import dev.fusedio.gateway.engine.InMemoryVolume;
import dev.fusedio.gateway.engine.VolumeFailure;
import dev.fusedio.gateway.web.StreamLifetime;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.core.ParameterizedTypeReference;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.codec.ServerSentEvent;
import org.springframework.test.web.reactive.server.EntityExchangeResult;
import org.springframework.test.web.reactive.server.WebTestClient.ResponseSpec;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.test.StepVerifier;

class EventApiTest extends ApiTest {
    private static final ParameterizedTypeReference<ServerSentEvent<Map<String, Object>>> EVENTS =
            new ParameterizedTypeReference<>() {};
    private static final String PATH = "/api/v1/events";

    @Autowired
    private EventJournal journal;

    @Autowired
    private EventStreams streams;

    @Autowired
    private StreamLifetime lifetime;

    @Test
    void tellsOfVolumesAttachmentsAndSessions() {
        final String before = now();
        create("{\"name\": \"a\", \"size\": 4096}");
        patch("a", "{\"description\": \"new\"}");
        patch("a", "{\"name\": \"b\"}");
        final String attachment = attach("b");
        detach(attachment);
        final long session = sessions.open("b");
        sessions.end(session).block(PATIENCE);
        http.delete()
                .uri("/api/v1/volumes/b")
                .header("If-Match", "*")
                .exchange()
                .expectStatus()
                .isNoContent();

        final List<ServerSentEvent<Map<String, Object>>> events =
                after(before, "").take(8).collectList().block(PATIENCE);

        assertThat(events)
                .extracting(ServerSentEvent::event)
                .containsExactly(
                        "volume.created",
                        "volume.changed",
                        "volume.changed",
                        "attachment.created",
                        "attachment.deleted",
                        "session.opened",
                        "session.closed",
                        "volume.deleted");
        assertThat(events).extracting(ServerSentEvent::id).doesNotHaveDuplicates();
        final Map<String, Object> made =
                Objects.requireNonNull(events.getFirst().data());
        assertThat(made)
                .containsOnlyKeys("type", "time", "resource", "subject")
                .containsEntry("type", "volume.created")
                .containsEntry("resource", "/api/v1/volumes/a");
        assertThat(subject(events.get(0))).containsEntry("name", "a").containsEntry("revision", 1);
        assertThat(subject(events.get(1))).containsEntry("revision", 2).doesNotContainKey("previousName");
        assertThat(subject(events.get(2))).containsEntry("name", "b").containsEntry("previousName", "a");
        assertThat(subject(events.get(3)))
                .containsEntry("id", attachment)
                .containsEntry("volume", "b")
                .containsEntry("state", "live");
        assertThat(subject(events.get(4))).doesNotContainKey("state");
        assertThat(subject(events.get(5))).doesNotContainKey("reason").containsEntry("volume", "b");
        assertThat(subject(events.get(6))).containsEntry("reason", "ended by an operator");
        assertThat(subject(events.get(7)))
                .containsEntry("id", subject(events.getFirst()).get("id"));
    }

    @Test
    void followsFromNowOn() {
        create("{\"name\": \"a\", \"size\": 4096}");

        StepVerifier.create(stream("?type=volume.created", null))
                .assertNext(beat -> assertThat(beat.comment()).isEqualTo("heartbeat"))
                .then(() -> create("{\"name\": \"b\", \"size\": 4096}"))
                .assertNext(event -> assertThat(subject(event)).containsEntry("name", "b"))
                .thenCancel()
                .verify(PATIENCE);
    }

    @Test
    @DisplayName("fault 5: a failed write-back is an event")
    void aFailedWriteBackIsTold() {
        create("{\"name\": \"a\", \"size\": 4096}");

        StepVerifier.create(stream("?type=volume.failed", null))
                .assertNext(beat -> assertThat(beat.comment()).isEqualTo("heartbeat"))
                .then(() -> ((InMemoryVolume) catalogue.get("a").orDamaged().open())
                        .failWriteBack(new VolumeFailure("EIO", Instant.EPOCH)))
                .assertNext(event -> assertThat(subject(event)).containsEntry("name", "a"))
                .thenCancel()
                .verify(PATIENCE);
    }

    @Test
    void isResumedWhereItBrokeOff() {
        final String before = now();
        create("{\"name\": \"a\", \"size\": 4096}");
        create("{\"name\": \"b\", \"size\": 4096}");
        create("{\"name\": \"c\", \"size\": 4096}");
        final List<ServerSentEvent<Map<String, Object>>> all =
                after(before, "").take(3).collectList().block(PATIENCE);

        // the header is the newer of the two: a browser sends it with the address that it began with
        final List<ServerSentEvent<Map<String, Object>>> rest = stream(
                        "?after=" + before, all.getFirst().id())
                .filter(event -> event.event() != null)
                .take(2)
                .collectList()
                .block(PATIENCE);

        assertThat(rest).extracting(event -> subject(event).get("name")).containsExactly("b", "c");
    }

    @Test
    void picksTypes() {
        final String before = now();
        create("{\"name\": \"a\", \"size\": 4096}");
        patch("a", "{\"description\": \"new\"}");
        sessions.end(sessions.open("a")).block(PATIENCE);

        assertThat(after(before, "&type=session.closed&type=volume.changed")
                        .take(2)
                        .map(ServerSentEvent::event)
                        .collectList()
                        .block(PATIENCE))
                .containsExactly("volume.changed", "session.closed");
    }

    @Test
    void whatIsNotHeldAnyMoreIsGone() {
        final String before = now();
        for (int i = 0; i <= EventJournal.CAPACITY; i++) {
            journal.append(EventType.SESSION_OPENED, "/x", new EventSubject.OfSession(i, "x", "y", null));
        }

        problem("?after=" + before, null, HttpStatus.GONE, "events-gone");
        problem("", before, HttpStatus.GONE, "events-gone");
        problem(
                "?after=" + EventPlace.id(new EventJournal(Clock.systemUTC()), 0),
                null,
                HttpStatus.GONE,
                "events-gone");
    }

    @ParameterizedTest
    @CsvSource({
        "?after=x, , after",
        "?after=, , after",
        "'', x, Last-Event-ID",
        "?type=volume.made, , type",
        "?type=volume.created&type=VOLUME_CREATED, , type"
    })
    void saysWhatOfTheRequestIsWrong(final String query, final String header, final String field) {
        final byte[] body = problem(query, header, HttpStatus.BAD_REQUEST, "invalid-request");
        assertThat(new String(body, java.nio.charset.StandardCharsets.UTF_8)).contains("\"field\":\"" + field + "\"");
    }

    @Test
    void oneStreamTooManyIsToldToComeBack() {
        final Disposable.Composite open = Disposables.composite();
        try {
            for (int i = 0; i < EventStreams.LIMIT; i++) {
                open.add(
                        streams.follow(new EventPlace(journal.last()), Set.of()).subscribe());
            }
            get("", null).expectStatus().isEqualTo(503).expectHeader().valueEquals("Retry-After", "5");
        } finally {
            open.dispose();
        }
        assertThat(stream("", null).take(1).collectList().block(PATIENCE)).hasSize(1);
    }

    @Test
    void aStopEndsTheStreams() {
        try {
            StepVerifier.create(streams.follow(new EventPlace(journal.last()), Set.of()))
                    .expectNextCount(1)
                    .then(lifetime::stop)
                    .thenConsumeWhile(event -> true)
                    .expectComplete()
                    .verify(PATIENCE);
        } finally {
            lifetime.start();
        }
    }

    private String now() {
        return EventPlace.id(journal, journal.last());
    }

    private Flux<ServerSentEvent<Map<String, Object>>> after(final String id, final String query) {
        return stream("?after=" + id + query, null).filter(event -> event.event() != null);
    }

    private Flux<ServerSentEvent<Map<String, Object>>> stream(final String query, final String lastEventId) {
        return get(query, lastEventId)
                .expectStatus()
                .isOk()
                .expectHeader()
                .contentTypeCompatibleWith(MediaType.TEXT_EVENT_STREAM)
                .returnResult(EVENTS)
                .getResponseBody();
    }

    private byte[] problem(final String query, final String lastEventId, final HttpStatus status, final String code) {
        final EntityExchangeResult<byte[]> result = get(query, lastEventId)
                .expectStatus()
                .isEqualTo(status)
                .expectHeader()
                .contentType(MediaType.APPLICATION_PROBLEM_JSON)
                .expectBody()
                .jsonPath("$.code")
                .isEqualTo(code)
                .returnResult();
        return Objects.requireNonNull(result.getResponseBody());
    }

    private ResponseSpec get(final String query, final String lastEventId) {
        return http.get()
                .uri(PATH + query)
                .accept(MediaType.TEXT_EVENT_STREAM)
                .headers(headers -> {
                    if (lastEventId != null) {
                        headers.set("Last-Event-ID", lastEventId);
                    }
                })
                .exchange();
    }

    private void patch(final String volume, final String json) {
        http.patch()
                .uri("/api/v1/volumes/" + volume)
                .header("If-Match", "*")
                .contentType(MediaType.APPLICATION_JSON)
                .bodyValue(json)
                .exchange()
                .expectStatus()
                .isOk();
    }

    private String attach(final String volume) {
        return (String) http.post()
                .uri("/api/v1/attachments")
                .contentType(MediaType.APPLICATION_JSON)
                .bodyValue("{\"volume\": \"" + volume + "\"}")
                .exchange()
                .expectStatus()
                .isCreated()
                .expectBody(new ParameterizedTypeReference<Map<String, Object>>() {})
                .returnResult()
                .getResponseBody()
                .get("id");
    }

    private void detach(final String attachment) {
        http.delete()
                .uri("/api/v1/attachments/" + attachment)
                .header("If-Match", "*")
                .exchange()
                .expectStatus()
                .isNoContent();
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> subject(final ServerSentEvent<Map<String, Object>> event) {
        return (Map<String, Object>) Objects.requireNonNull(event.data()).get("subject");
    }
}
