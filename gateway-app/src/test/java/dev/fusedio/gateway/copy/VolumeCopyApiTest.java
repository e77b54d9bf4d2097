package dev.fusedio.gateway.copy;

import static org.assertj.core.api.Assertions.assertThat;

import com.jayway.jsonpath.JsonPath;
import dev.fusedio.gateway.ApiTest;
import dev.fusedio.gateway.engine.InMemoryVolume;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.core.ParameterizedTypeReference;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.codec.ServerSentEvent;
import org.springframework.test.web.reactive.server.WebTestClient.BodyContentSpec;
import org.springframework.test.web.reactive.server.WebTestClient.ResponseSpec;
import reactor.core.scheduler.Schedulers;

class VolumeCopyApiTest extends ApiTest {
    private static final String VOLUMES = "/api/v1/volumes";
    private static final String OPERATIONS = "/api/v1/operations";
    private static final int SIZE = 1 << 20;

    private final byte[] content = new byte[SIZE];

    @BeforeEach
    void fill() {
        create("{\"name\": \"s\", \"size\": " + SIZE + ", \"description\": \"the source\"}");
        new Random(1).nextBytes(content);
        source().content(content);
    }

    @AfterEach
    void end() {
        dataPlane.names().forEach(name -> dataPlane.volume(name).release());
        Awaitility.await().atMost(PATIENCE).until(() -> {
            final List<String> ids = JsonPath.read(text(OPERATIONS), "$.items[*].id");
            ids.forEach(id -> send(HttpMethod.DELETE, OPERATIONS + "/" + id, ""));
            return ids.isEmpty();
        });
    }

    @Test
    void aCopyIsThereWhenItsOperationHasSucceeded() {
        final String begun = begin("{'name': 'c', 'copyOf': 's', 'labels': {'tier': 'gold'}, 'readOnly': true}");
        assertThat(JsonPath.<String>read(begun, "$.kind")).isEqualTo("volume-copy");
        assertThat(JsonPath.<String>read(begun, "$.volume")).isEqualTo("c");
        assertThat(JsonPath.<String>read(begun, "$.source")).isEqualTo("s");
        assertThat(JsonPath.<Integer>read(begun, "$.progress.totalBytes")).isEqualTo(SIZE);

        final String ended = ended(begun);

        assertThat(JsonPath.<String>read(ended, "$.state")).isEqualTo("succeeded");
        assertThat(JsonPath.<Integer>read(ended, "$.progress.doneBytes")).isEqualTo(SIZE);
        assertThat(ended).contains("createdAt", "startedAt", "finishedAt").doesNotContain("problem");
        assertThat(dataPlane.volume("c").content()).isEqualTo(content);
        assertThat(dataPlane.volume("c").flushes()).isPositive();
        final String copy = text(VOLUMES + "/c");
        assertThat(JsonPath.<Integer>read(copy, "$.size")).isEqualTo(SIZE);
        assertThat(JsonPath.<Boolean>read(copy, "$.readOnly")).isTrue();
        assertThat(JsonPath.<String>read(copy, "$.backend")).isEqualTo("file");
        assertThat(JsonPath.<String>read(copy, "$.description")).isEmpty();
        assertThat(dataPlane.volume("c").readOnly()).isTrue();
        assertThat(leftovers()).isEmpty();
        send(HttpMethod.DELETE, VOLUMES + "/s", "").expectStatus().isNoContent();
    }

    @Test
    void aCopyMayBeLargerAndInMemory() {
        ended(begin("{'name': 'c', 'copyOf': 's', 'size': '2MiB', 'backend': 'memory'}"));

        final byte[] copy = dataPlane.volume("c").content();
        assertThat(Arrays.copyOf(copy, SIZE)).isEqualTo(content);
        assertThat(Arrays.copyOfRange(copy, SIZE, 2 << 20)).containsOnly(0);
        assertThat(JsonPath.<String>read(text(VOLUMES + "/c"), "$.backend")).isEqualTo("memory");
        ended(begin("{'name': 'd', 'copyOf': 'c'}"));
        assertThat(JsonPath.<String>read(text(VOLUMES + "/d"), "$.backend")).isEqualTo("memory");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{'name': 'c', 'copyOf': 'S'}|400|invalid-request|copyOf|1 to 63 characters",
                "{'name': 'c', 'copyOf': ''}|400|invalid-request|copyOf|1 to 63 characters",
                "{'name': 'c', 'copyOf': 5}|400|invalid-request|copyOf|text",
                "{'name': 'c', 'copyOf': 'nobody'}|404|volume-not-found|copyOf|no volume 'nobody'",
                "{'copyOf': 's'}|400|invalid-request|name|needed",
                "{'name': 'c', 'copyOf': null}|400|invalid-request|size|needed",
                "{'name': 'c', 'copyOf': 's', 'size': 512}|400|invalid-request|size|not be below that of 's'",
                "{'name': 'c', 'copyOf': 's', 'size': 1048577}|400|invalid-request|size|multiple of 512",
                "{'name': 'c', 'copyOf': 's', 'size': '4096PiB'}|400|invalid-request|size|max-volume-size",
                "{'name': 'c', 'copyOf': 's', 'backend': 'tape'}|400|invalid-request|backend|file, memory",
                "{'name': 'c', 'copyOf': 's', 'backend': 'memory', 'directIo': true}|400|invalid-request|directIo|O_DIRECT",
                "{'name': 'c', 'copyOf': 's', 'labels': {'-': 'x'}}|400|invalid-request|labels.-|",
                "{'name': 's', 'copyOf': 's'}|409|volume-exists||"
            })
    void saysWhichFieldIsWrong(
            final String json, final int status, final String code, final String field, final String message) {
        for (final String query : List.of("", "?dryRun=true")) {
            final BodyContentSpec body = problem(
                    send(HttpMethod.POST, VOLUMES + query, json.replace('\'', '"')), HttpStatus.valueOf(status), code);
            if (field != null) {
                body.jsonPath("$.errors[0].field")
                        .isEqualTo(field)
                        .jsonPath("$.errors[0].message")
                        .value(String.class, text -> assertThat(text).contains(message == null ? "" : message));
            }
        }
        assertThat(dataPlane.names()).containsExactly("s");
        assertThat(text(OPERATIONS)).contains("\"items\":[]");
        assertThat(leftovers()).isEmpty();
        send(HttpMethod.DELETE, VOLUMES + "/s", "").expectStatus().isNoContent(); // nothing holds it
    }

    @Test
    void putKnowsNoCopies() {
        problem(
                        send(HttpMethod.PUT, VOLUMES + "/c", "{\"size\": 1048576, \"copyOf\": \"s\"}"),
                        HttpStatus.BAD_REQUEST,
                        "invalid-request")
                .jsonPath("$.errors[0].field")
                .isEqualTo("copyOf");
    }

    @Test
    void aDryRunCopiesNothing() {
        send(HttpMethod.POST, VOLUMES + "?dryRun=true", "{\"name\": \"c\", \"copyOf\": \"s\"}")
                .expectStatus()
                .isAccepted()
                .expectHeader()
                .valueEquals("Dry-Run", "true")
                .expectHeader()
                .doesNotExist("Location")
                .expectBody()
                .jsonPath("$.volume")
                .isEqualTo("c")
                .jsonPath("$.progress.totalBytes")
                .isEqualTo(SIZE);
        assertThat(text(OPERATIONS)).contains("\"items\":[]");
        assertThat(dataPlane.names()).containsExactly("s");
    }

    @Test
    void whileItRunsItsNameIsTakenAndItsSourceStays() {
        source().hold();
        final String begun = begin("{'name': 'c', 'copyOf': 's'}");

        problem(
                        send(HttpMethod.POST, VOLUMES, "{\"name\": \"c\", \"size\": 512}"),
                        HttpStatus.CONFLICT,
                        "volume-exists")
                .jsonPath("$.detail")
                .isEqualTo("A volume 'c' is being made.");
        problem(send(HttpMethod.PUT, VOLUMES + "/c", "{\"size\": 512}"), HttpStatus.CONFLICT, "volume-exists");
        problem(
                send(HttpMethod.POST, VOLUMES, "{\"name\": \"c\", \"copyOf\": \"s\"}"),
                HttpStatus.CONFLICT,
                "volume-exists");
        create("{\"name\": \"other\", \"size\": 512}");
        problem(send(HttpMethod.PATCH, VOLUMES + "/other", "{\"name\": \"c\"}"), HttpStatus.CONFLICT, "volume-exists");
        problem(send(HttpMethod.DELETE, VOLUMES + "/s?force=true", ""), HttpStatus.CONFLICT, "volume-in-use")
                .jsonPath("$.detail")
                .value(String.class, text -> assertThat(text).contains("the operation that copies it to 'c'"));
        problem(send(HttpMethod.PATCH, VOLUMES + "/s", "{\"name\": \"t\"}"), HttpStatus.CONFLICT, "volume-in-use");
        problem(send(HttpMethod.GET, VOLUMES + "/c", ""), HttpStatus.NOT_FOUND, "volume-not-found");
        send(HttpMethod.PATCH, VOLUMES + "/s", "{\"description\": \"x\"}")
                .expectStatus()
                .isOk();

        source().release();
        assertThat(JsonPath.<String>read(ended(begun), "$.state")).isEqualTo("succeeded");
    }

    @Test
    void aSourceThatIsWrittenMeanwhileFailsIt() {
        source().hold();
        final String begun = begin("{'name': 'c', 'copyOf': 's'}");
        Awaitility.await().atMost(PATIENCE).until(() -> source().inFlight() > 0);
        source().holdNoMore();
        source().write(0, ByteBuffer.wrap(new byte[512])).block(PATIENCE);
        source().release();

        final String ended = ended(begun);

        assertThat(JsonPath.<String>read(ended, "$.state")).isEqualTo("failed");
        assertThat(JsonPath.<String>read(ended, "$.problem.code")).isEqualTo("source-changed");
        assertThat(JsonPath.<String>read(ended, "$.problem.detail")).contains("'s' was written", "copy it again");
        assertNothingLeft();
        assertThat(JsonPath.<String>read(ended(begin("{'name': 'c', 'copyOf': 's'}")), "$.state"))
                .isEqualTo("succeeded");
    }

    @Test
    void aFailureOfTheStorageIsSaid() {
        source().hold();
        final String begun = begin("{'name': 'c', 'copyOf': 's'}");
        dataPlane.volume("c").fail("ENOSPC");
        source().release();

        final String ended = ended(begun);

        assertThat(JsonPath.<String>read(ended, "$.state")).isEqualTo("failed");
        assertThat(JsonPath.<String>read(ended, "$.problem.code")).isEqualTo("insufficient-storage");
        assertNothingLeft();
    }

    @Test
    void aVolumeThatCanNotBeOpenedIsNotBegun() {
        dataPlane.failNextOpen("EINVAL", "no O_DIRECT here");
        problem(
                send(HttpMethod.POST, VOLUMES, "{\"name\": \"c\", \"copyOf\": \"s\", \"directIo\": true}"),
                HttpStatus.BAD_REQUEST,
                "invalid-request");
        assertNothingLeft();
    }

    @Test
    void isCancelledOnceAndThenForgotten() {
        source().hold();
        final String begun = begin("{'name': 'c', 'copyOf': 's'}");
        final String path = OPERATIONS + "/" + JsonPath.read(begun, "$.id");

        send(HttpMethod.DELETE, path, "").expectStatus().isAccepted();

        assertThat(JsonPath.<String>read(ended(begun), "$.state")).isEqualTo("cancelled");
        assertNothingLeft();
        create("{\"name\": \"c\", \"size\": 512}");
        send(HttpMethod.DELETE, path, "").expectStatus().isNoContent();
        problem(send(HttpMethod.DELETE, path, ""), HttpStatus.NOT_FOUND, "operation-not-found");
        problem(send(HttpMethod.GET, path, ""), HttpStatus.NOT_FOUND, "operation-not-found");
    }

    @Test
    void oneTooManyIsToldToComeBack() {
        source().hold();
        begin("{'name': 'c', 'copyOf': 's'}");
        begin("{'name': 'd', 'copyOf': 's'}");
        for (final String query : List.of("", "?dryRun=true")) {
            final ResponseSpec refused = send(HttpMethod.POST, VOLUMES + query, "{\"name\": \"e\", \"copyOf\": \"s\"}");
            refused.expectHeader().valueEquals("Retry-After", "30");
            problem(refused, HttpStatus.SERVICE_UNAVAILABLE, "too-many-operations");
        }
        assertThat(dataPlane.names()).containsExactly("c", "d", "s");
    }

    @Test
    void operationsAreListedInPagesAndByState() {
        final String first = ended(begin("{'name': 'c', 'copyOf': 's'}"));
        source().hold();
        final String second = begin("{'name': 'd', 'copyOf': 's'}");

        final String page = text(OPERATIONS + "?limit=1");
        assertThat(JsonPath.<List<String>>read(page, "$.items[*].id"))
                .containsExactly(JsonPath.<String>read(first, "$.id"));
        final String token = JsonPath.read(page, "$.nextPageToken");
        assertThat(JsonPath.<List<String>>read(text(OPERATIONS + "?limit=1&pageToken=" + token), "$.items[*].id"))
                .containsExactly(JsonPath.<String>read(second, "$.id"));
        assertThat(JsonPath.<List<String>>read(text(OPERATIONS + "?state=running"), "$.items[*].volume"))
                .containsExactly("d");
        assertThat(JsonPath.<List<String>>read(text(OPERATIONS + "?state=failed"), "$.items[*].volume"))
                .isEmpty();
        for (final String wrong : List.of("state=RUNNING", "limit=0", "limit=1001", "pageToken=x")) {
            problem(send(HttpMethod.GET, OPERATIONS + "?" + wrong, ""), HttpStatus.BAD_REQUEST, "invalid-request")
                    .jsonPath("$.errors[0].field")
                    .isEqualTo(wrong.substring(0, wrong.indexOf('=')));
        }
        problem(
                send(HttpMethod.GET, OPERATIONS + "?state=running&pageToken=" + token, ""),
                HttpStatus.BAD_REQUEST,
                "invalid-request");
    }

    @Test
    void whatTheClientHasIsNotSentAgain() {
        final String path = OPERATIONS + "/" + JsonPath.read(ended(begin("{'name': 'c', 'copyOf': 's'}")), "$.id");
        final String etag = http.get()
                .uri(path)
                .exchange()
                .expectStatus()
                .isOk()
                .returnResult(Void.class)
                .getResponseHeaders()
                .getETag();
        http.get()
                .uri(path)
                .header("If-None-Match", etag)
                .exchange()
                .expectStatus()
                .isNotModified();
    }

    @Test
    void whoFollowsHearsOfItsBeginningAndItsEnd() {
        final List<ServerSentEvent<Map<String, Object>>> events = http.get()
                .uri("/api/v1/events?type=operation.changed&type=volume.created")
                .accept(MediaType.TEXT_EVENT_STREAM)
                .exchange()
                .returnResult(new ParameterizedTypeReference<ServerSentEvent<Map<String, Object>>>() {})
                .getResponseBody()
                .publishOn(Schedulers.boundedElastic())
                .doOnNext(event -> {
                    if (event.event() == null) { // the heartbeat that comes first
                        begin("{'name': 'c', 'copyOf': 's'}");
                    }
                })
                .filter(event -> event.event() != null)
                .takeUntil(event -> event.data().toString().contains("succeeded"))
                .collectList()
                .block(PATIENCE);

        assertThat(events.getFirst().data().toString()).contains("running", "volume-copy");
        assertThat(events).hasSizeBetween(3, 14);
        assertThat(events.get(events.size() - 2).event()).isEqualTo("volume.created");
    }

    private InMemoryVolume source() {
        return dataPlane.volume("s");
    }

    private String begin(final String json) {
        final var result = send(HttpMethod.POST, VOLUMES, json.replace('\'', '"'))
                .expectStatus()
                .isAccepted()
                .expectBody(String.class)
                .returnResult();
        final String body = Objects.requireNonNull(result.getResponseBody());
        assertThat(result.getResponseHeaders().getLocation())
                .hasToString(OPERATIONS + "/" + JsonPath.<String>read(body, "$.id"));
        return body;
    }

    private String ended(final String begun) {
        final String path = OPERATIONS + "/" + JsonPath.read(begun, "$.id");
        return Awaitility.await()
                .atMost(PATIENCE)
                .until(
                        () -> text(path),
                        body -> !JsonPath.<String>read(body, "$.state").equals("running"));
    }

    private void assertNothingLeft() {
        assertThat(dataPlane.names()).containsExactly("s");
        assertThat(leftovers()).isEmpty();
        problem(send(HttpMethod.GET, VOLUMES + "/c", ""), HttpStatus.NOT_FOUND, "volume-not-found");
    }

    private List<String> leftovers() {
        final Path pool =
                Objects.requireNonNull(catalogue.report().block(PATIENCE)).directory();
        try (Stream<Path> files = Files.list(pool)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.startsWith(".creating-"))
                    .toList();
        } catch (final IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private String text(final String path) {
        return Objects.requireNonNull(http.get()
                .uri(path)
                .exchange()
                .expectStatus()
                .isOk()
                .expectBody(String.class)
                .returnResult()
                .getResponseBody());
    }

    private ResponseSpec send(final HttpMethod method, final String path, final String json) {
        final var request = http.method(method).uri(path).header("If-Match", "*");
        return json.isEmpty()
                ? request.exchange()
                : request.contentType(MediaType.APPLICATION_JSON)
                        .bodyValue(json)
                        .exchange();
    }

    private static BodyContentSpec problem(final ResponseSpec response, final HttpStatus status, final String code) {
        return response.expectStatus()
                .isEqualTo(status)
                .expectHeader()
                .contentType(MediaType.APPLICATION_PROBLEM_JSON)
                .expectBody()
                .jsonPath("$.code")
                .isEqualTo(code);
    }
}
