package dev.fusedio.gateway.volume;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.gateway.ApiTest;
import dev.fusedio.gateway.engine.InMemoryVolume;
import dev.fusedio.gateway.engine.VolumeFailure;
import java.net.URI;
import java.time.Instant;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.test.web.reactive.server.WebTestClient;
import org.springframework.test.web.reactive.server.WebTestClient.BodyContentSpec;
import org.springframework.test.web.reactive.server.WebTestClient.ResponseSpec;

class VolumeApiTest extends ApiTest {
    @Test
    void makesListsShowsAndRemoves() {
        post("""
                {"name": "one", "size": "10GiB", "description": "scratch"}""")
                .expectStatus()
                .isCreated()
                .expectHeader()
                .location("/api/v1/volumes/one")
                .expectHeader()
                .valueEquals("ETag", "\"1\"")
                .expectBody()
                .jsonPath("$.name")
                .isEqualTo("one")
                .jsonPath("$.state")
                .isEqualTo("available")
                .jsonPath("$.size")
                .isEqualTo(10_737_418_240L)
                .jsonPath("$.backend")
                .isEqualTo("file")
                .jsonPath("$.readOnly")
                .isEqualTo(false)
                .jsonPath("$.description")
                .isEqualTo("scratch")
                .jsonPath("$.sessions")
                .isEqualTo(0);
        create("""
                {"name": "a.memory-volume_1", "size": 1048576, "backend": "memory", "readOnly": true}""");

        http.get()
                .uri("/api/v1/volumes")
                .exchange()
                .expectStatus()
                .isOk()
                .expectBody()
                .jsonPath("$.items[*].name")
                .value(names -> assertThat(names.toString()).isEqualTo("[\"a.memory-volume_1\",\"one\"]"));
        get("one").expectStatus().isOk().expectHeader().valueEquals("ETag", "\"1\"");
        delete("/api/v1/volumes/one").expectStatus().isNoContent();
        problem(get("one"), HttpStatus.NOT_FOUND, "volume-not-found");
        problem(delete("/api/v1/volumes/one"), HttpStatus.NOT_FOUND, "volume-not-found");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{'name': '../x', 'size': 512}|name|1 to 63 characters",
                "{'name': 'A', 'size': 512}|name|1 to 63 characters",
                "{'size': 512}|name|needed",
                "{'name': 'x'}|size|needed",
                "{'name': 'x', 'size': null}|size|needed",
                "{'name': 'x', 'size': 513}|size|multiple of 512",
                "{'name': 'x', 'size': 0}|size|multiple of 512",
                "{'name': 'x', 'size': -512}|size|negative",
                "{'name': 'x', 'size': 1.5}|size|whole number",
                "{'name': 'x', 'size': true}|size|whole number",
                "{'name': 'x', 'size': 99999999999999999999}|size|whole number",
                "{'name': 'x', 'size': '10G'}|size|GiB",
                "{'name': 'x', 'size': '4096PiB'}|size|gateway.pool.max-volume-size",
                "{'name': 'x', 'size': 512, 'backend': 'tape'}|backend|file, memory",
                "{'name': 'x', 'size': 512, 'readOnly': 'perhaps'}|readOnly|true or false",
                "{'name': 'x', 'size': 512, 'colour': 'red'}|colour|unknown field",
                "{'name': {}, 'size': 512}|name|text",
                "{'name': 5, 'size': 512}|name|text",
                "{'name': 'x', 'size': 512, 'readOnly': 1}|readOnly|true or false",
                "{'name': 'x', 'size': 512, 'readOnly': 'true'}|readOnly|true or false",
                "{'name': 'x', 'size': 512, 'backend': 1}|backend|file, memory",
                "{'name': 'x', 'size': 512, 'description': true}|description|text",
                "{'name': 'x', 'size': [512]}|size|whole number",
                "{'name': '', 'size': 512}|name|1 to 63 characters",
                "{'name': 'x', 'size': 512, 'backend': 'memory', 'directIo': true}|directIo|O_DIRECT"
            })
    void saysWhichFieldIsWrongAndWhatIsAllowed(final String json, final String field, final String message) {
        problem(post(json.replace('\'', '"')), HttpStatus.BAD_REQUEST, "invalid-request")
                .jsonPath("$.errors[0].field")
                .isEqualTo(field)
                .jsonPath("$.errors[0].message")
                .value(String.class, text -> assertThat(text).contains(message).doesNotContain("dev.fusedio"))
                .jsonPath("$.instance")
                .isEqualTo("/api/v1/volumes");
        assertThat(catalogue.volumes()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"{|JSON", "[]|JSON object", "5|JSON object", "''|body"})
    void refusesABodyThatIsNoObject(final String body, final String message) {
        problem(post(body), HttpStatus.BAD_REQUEST, "invalid-request")
                .jsonPath("$.detail")
                .value(String.class, text -> assertThat(text).contains(message).doesNotContain("dev.fusedio"));
    }

    @Test
    void boundsTextsInTheBody() {
        problem(
                        post("{\"name\": \"" + "x".repeat(64) + "\", \"size\": 512}"),
                        HttpStatus.BAD_REQUEST,
                        "invalid-request")
                .jsonPath("$.errors[0].field")
                .isEqualTo("name");
        problem(
                        post("{\"name\": \"x\", \"size\": 512, \"description\": \"" + "x".repeat(1025) + "\"}"),
                        HttpStatus.BAD_REQUEST,
                        "invalid-request")
                .jsonPath("$.errors[0].field")
                .isEqualTo("description");
        problem(
                        post("{\"name\": \"x\", \"size\": \"" + "9".repeat(5000) + "\"}"),
                        HttpStatus.BAD_REQUEST,
                        "invalid-request")
                .jsonPath("$.errors[0].message")
                .value(String.class, text -> assertThat(text).hasSizeLessThan(400));
    }

    @Test
    void boundsTheBody() {
        problem(post("{\"name\": \"" + "x".repeat(200_000) + "\"}"), HttpStatus.CONTENT_TOO_LARGE, "content-too-large");
    }

    @Test
    void aNameIsTakenOnce() {
        create("""
                {"name": "one", "size": 512}""");
        problem(post("""
                        {"name": "one", "size": 512}"""), HttpStatus.CONFLICT, "volume-exists");
    }

    @Test
    void growsRenamesDescribesAndProtects() {
        create("""
                {"name": "one", "size": 4096}""");
        patch("one", "", "*", """
                {"name": "two", "size": "8KiB", "readOnly": true, "description": "d"}""")
                .expectStatus()
                .isOk()
                .expectHeader()
                .valueEquals("ETag", "\"2\"")
                .expectBody()
                .jsonPath("$.name")
                .isEqualTo("two")
                .jsonPath("$.size")
                .isEqualTo(8192)
                .jsonPath("$.readOnly")
                .isEqualTo(true)
                .jsonPath("$.description")
                .isEqualTo("d");
        problem(get("one"), HttpStatus.NOT_FOUND, "volume-not-found");
        assertThat(dataPlane.volume("two").readOnly()).isTrue();
        problem(patch("two", "", "*", """
                        {"size": 4096}"""), HttpStatus.CONFLICT, "shrink-refused");
        problem(patch("two", "", "*", """
                        {"backend": "memory"}"""), HttpStatus.BAD_REQUEST, "invalid-request");
    }

    @Test
    void changesOnlyTheRevisionThatWasMeant() {
        create("""
                {"name": "one", "size": 4096}""");
        final String json = """
                {"description": "x"}""";
        problem(patch("one", "", "\"7\"", json), HttpStatus.PRECONDITION_FAILED, "revision-mismatch");
        problem(patch("one", "", "nonsense", json), HttpStatus.PRECONDITION_FAILED, "revision-mismatch");
        patch("one", "", "\"1\"", json).expectStatus().isOk();
        patch("one", "", "*", json).expectStatus().isOk();
        patch("one", "", "W/\"3\", \"2\", \"3\"", json).expectStatus().isOk();
        problem(patch("one", "", "W/\"4\"", json), HttpStatus.PRECONDITION_FAILED, "revision-mismatch");
        problem(patch("one", "", null, json), HttpStatus.PRECONDITION_REQUIRED, "precondition-required")
                .jsonPath("$.detail")
                .value(
                        String.class,
                        text -> assertThat(text).contains("If-Match").contains("ETag"));
        problem(
                http.delete().uri("/api/v1/volumes/one").exchange(),
                HttpStatus.PRECONDITION_REQUIRED,
                "precondition-required");
        problem(
                http.delete()
                        .uri("/api/v1/volumes/one")
                        .header("If-Match", "\"1\"")
                        .exchange(),
                HttpStatus.PRECONDITION_FAILED,
                "revision-mismatch");
    }

    @Test
    @DisplayName(
            "fault 5: a failed write-back shows until the volume is reopened, which is refused while sessions have it")
    void aFailedVolumeIsReopened() {
        create("""
                {"name": "one", "size": 4096}""");
        final InMemoryVolume open =
                (InMemoryVolume) catalogue.get("one").orDamaged().open();
        open.failWriteBack(new VolumeFailure("EIO", Instant.EPOCH));
        get("one")
                .expectBody()
                .jsonPath("$.state")
                .isEqualTo("failed")
                .jsonPath("$.reason")
                .value(String.class, reason -> assertThat(reason).contains("EIO"));
        sessions.open("one");
        problem(reopen("one"), HttpStatus.CONFLICT, "volume-in-use")
                .jsonPath("$.detail")
                .value(
                        String.class,
                        detail -> assertThat(detail).contains("reopened").doesNotContain("force"));
        get("one").expectBody().jsonPath("$.state").isEqualTo("failed");
        sessions.endAll(open, java.time.Duration.ofSeconds(5)).block();

        reopen("one")
                .expectStatus()
                .isOk()
                .expectHeader()
                .valueEquals("ETag", "\"1\"")
                .expectBody()
                .jsonPath("$.state")
                .isEqualTo("available")
                .jsonPath("$.reason")
                .doesNotExist();
        assertThat(catalogue.get("one").orDamaged().open()).isNotSameAs(open);
        problem(reopen("two"), HttpStatus.NOT_FOUND, "volume-not-found");
    }

    private WebTestClient.ResponseSpec reopen(final String name) {
        return http.post().uri("/api/v1/volumes/{name}/reopen", name).exchange();
    }

    @Test
    void sessionsForbidRemovingAndRenaming() {
        create("""
                {"name": "one", "size": 4096}""");
        sessions.open("one");
        get("one").expectBody().jsonPath("$.sessions").isEqualTo(1);
        problem(delete("/api/v1/volumes/one"), HttpStatus.CONFLICT, "volume-in-use");
        problem(patch("one", "", "*", """
                        {"name": "two"}"""), HttpStatus.CONFLICT, "volume-in-use");
        patch("one", "?force=true", "*", """
                {"name": "two"}""").expectStatus().isOk();
        sessions.open("two");
        delete("/api/v1/volumes/two?force=true").expectStatus().isNoContent();
        assertThat(sessions.sessions()).isEmpty();
    }

    @Test
    void aFullDiskIs507() {
        create("""
                {"name": "one", "size": 4096}""");
        dataPlane.volume("one").fail("ENOSPC");
        problem(patch("one", "", "*", """
                        {"size": 8192}"""), HttpStatus.INSUFFICIENT_STORAGE, "insufficient-storage")
                .jsonPath("$.errno")
                .isEqualTo("ENOSPC");
        dataPlane.volume("one").fail(null);
    }

    @ParameterizedTest
    @CsvSource({
        "GET, /api/v1/nothing, 404, not-found",
        "GET, /nothing, 404, not-found",
        "PUT, /api/v1/volumes, 405, method-not-allowed",
        "GET, /api/v1/volumes/..%2Fx, 404, volume-not-found",
        "DELETE, /api/v1/volumes/A, 404, volume-not-found",
        "DELETE, /api/v1/volumes/a?force=perhaps, 400, invalid-request"
    })
    void everyErrorIsAProblem(final String method, final String path, final int status, final String code) {
        problem(
                http.method(HttpMethod.valueOf(method))
                        .uri(uri -> URI.create(uri.build() + path))
                        .header("If-Match", "*")
                        .exchange(),
                HttpStatus.valueOf(status),
                code);
    }

    @Test
    void answersNoOtherOrigin() {
        http.options()
                .uri("/api/v1/volumes")
                .header("Origin", "http://evil.example")
                .header("Access-Control-Request-Method", "DELETE")
                .exchange()
                .expectHeader()
                .doesNotExist("Access-Control-Allow-Origin");
    }

    private ResponseSpec post(final String json) {
        return http.post()
                .uri("/api/v1/volumes")
                .contentType(MediaType.APPLICATION_JSON)
                .bodyValue(json)
                .exchange();
    }

    private ResponseSpec get(final String name) {
        return http.get().uri("/api/v1/volumes/" + name).exchange();
    }

    private ResponseSpec delete(final String path) {
        return http.delete().uri(path).header("If-Match", "*").exchange();
    }

    private ResponseSpec patch(final String name, final String query, final String ifMatch, final String json) {
        return http.patch()
                .uri("/api/v1/volumes/" + name + query)
                .headers(headers -> {
                    if (ifMatch != null) {
                        headers.setIfMatch(ifMatch);
                    }
                })
                .contentType(MediaType.APPLICATION_JSON)
                .bodyValue(json)
                .exchange();
    }

    private static BodyContentSpec problem(final ResponseSpec response, final HttpStatus status, final String code) {
        return response.expectStatus()
                .isEqualTo(status)
                .expectHeader()
                .contentType(MediaType.APPLICATION_PROBLEM_JSON)
                .expectBody()
                .jsonPath("$.type")
                .isEqualTo("urn:fusedio:problem:" + code)
                .jsonPath("$.code")
                .isEqualTo(code)
                .jsonPath("$.status")
                .isEqualTo(status.value())
                .jsonPath("$.title")
                .isNotEmpty();
    }
}
