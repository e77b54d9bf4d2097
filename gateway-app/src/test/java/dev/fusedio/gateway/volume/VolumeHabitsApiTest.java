package dev.fusedio.gateway.volume;

import static org.assertj.core.api.Assertions.assertThat;

import com.jayway.jsonpath.JsonPath;
import dev.fusedio.gateway.ApiTest;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.test.web.reactive.server.WebTestClient.BodyContentSpec;
import org.springframework.test.web.reactive.server.WebTestClient.ResponseSpec;

/** Pages, labels, idempotent PUT, dry runs and conditional requests. */
class VolumeHabitsApiTest extends ApiTest {
    private static final String VOLUMES = "/api/v1/volumes";

    @Test
    void listsInPages() {
        for (int i = 0; i < 7; i++) {
            create("{\"name\": \"v%d\", \"size\": 512, \"backend\": \"memory\"}".formatted(i));
        }
        final List<String> names = new ArrayList<>();
        String token = "";
        int pages = 0;
        do {
            final String page = text(VOLUMES + "?limit=3" + (token.isEmpty() ? "" : "&pageToken=" + token));
            names.addAll(JsonPath.read(page, "$.items[*].name"));
            token = page.contains("nextPageToken") ? JsonPath.read(page, "$.nextPageToken") : "";
            pages++;
        } while (!token.isEmpty());

        assertThat(pages).isEqualTo(3);
        assertThat(names).containsExactly("v0", "v1", "v2", "v3", "v4", "v5", "v6");
        assertThat(text(VOLUMES)).doesNotContain("nextPageToken");
        final String first = text(VOLUMES + "?limit=3");
        problem(
                        send(
                                HttpMethod.GET,
                                VOLUMES + "?label=a&pageToken=" + JsonPath.<String>read(first, "$.nextPageToken"),
                                ""),
                        HttpStatus.BAD_REQUEST,
                        "invalid-request")
                .jsonPath("$.errors[0].field")
                .isEqualTo("pageToken");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "limit=0|limit|1",
                "limit=1001|limit|1000",
                "limit=ten|limit|whole number",
                "limit=99999999999|limit|whole number",
                "pageToken=x|pageToken|begin without it",
                "pageToken=|pageToken|begin without it",
                "label=|label|KEY",
                "label=-|label|KEY",
                "label=a%3D-|label|KEY"
            })
    void saysWhichParameterOfAListIsWrong(final String query, final String field, final String message) {
        if (query.equals("label=")) {
            send(HttpMethod.GET, VOLUMES + "?" + query, "").expectStatus().isOk(); // as if it were not there
            return;
        }
        problem(send(HttpMethod.GET, VOLUMES + "?" + query, ""), HttpStatus.BAD_REQUEST, "invalid-request")
                .jsonPath("$.errors[0].field")
                .isEqualTo(field)
                .jsonPath("$.errors[0].message")
                .value(String.class, text -> assertThat(text).contains(message));
    }

    @Test
    void labelsAreKeptMergedAndFilteredBy() {
        create("""
                {"name": "a", "size": 512, "labels": {"tier": "gold", "example.com/owner": "x", "none": null}}""");
        create("""
                {"name": "b", "size": 512, "labels": {"tier": "silver"}}""");
        create("""
                {"name": "c", "size": 512}""");

        assertThat(names("?label=tier=gold")).containsExactly("a");
        assertThat(names("?label=tier")).containsExactly("a", "b");
        assertThat(names("?label=tier&label=example.com/owner=x")).containsExactly("a");
        assertThat(names("?label=tier=gold&label=tier=silver")).isEmpty();
        send(HttpMethod.PATCH, VOLUMES + "/a", """
                {"labels": {"tier": "bronze", "example.com/owner": null, "new": ""}}""")
                .expectStatus()
                .isOk()
                .expectBody()
                .jsonPath("$.labels")
                .value(labels -> assertThat(labels.toString()).isEqualTo("{new=, tier=bronze}"));
        send(HttpMethod.PATCH, VOLUMES + "/a", """
                {"labels": {}}""")
                .expectBody()
                .jsonPath("$.labels.tier")
                .isEqualTo("bronze");
        assertThat(text(VOLUMES + "/c")).contains("\"labels\":{}");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{'-': 'x'}|labels.-|a key is",
                "{'a': 'b c'}|labels.a|a value is",
                "{'a': {}}|labels.a|text",
                "{'a': ['x']}|labels.a|text",
                "5|labels|",
                "['gold']|labels|"
            })
    void refusesLabelsThatAreNone(final String labels, final String field, final String message) {
        final String json = "{'name': 'x', 'size': 512, 'labels': " + labels + "}";
        problem(send(HttpMethod.POST, VOLUMES, json.replace('\'', '"')), HttpStatus.BAD_REQUEST, "invalid-request")
                .jsonPath("$.errors[0].field")
                .isEqualTo(field)
                .jsonPath("$.errors[0].message")
                .value(
                        String.class,
                        text -> assertThat(text)
                                .contains(Objects.requireNonNullElse(message, ""))
                                .doesNotContain("java"));
    }

    @Test
    void boundsTheNumberOfLabels() {
        create("{\"name\": \"x\", \"size\": 512, \"labels\": " + labels(0, 16) + "}");
        problem(
                        send(HttpMethod.PATCH, VOLUMES + "/x", "{\"labels\": " + labels(16, 1) + "}"),
                        HttpStatus.BAD_REQUEST,
                        "invalid-request")
                .jsonPath("$.errors[0].field")
                .isEqualTo("labels");
        problem(
                send(HttpMethod.POST, VOLUMES, "{\"name\": \"y\", \"size\": 512, \"labels\": " + labels(0, 17) + "}"),
                HttpStatus.BAD_REQUEST,
                "invalid-request");
    }

    @Test
    void putMakesOnceAndComparesAfterwards() {
        final String wish = """
                {"size": "1MiB", "description": "d", "labels": {"a": "b"}}""";
        send(HttpMethod.PUT, VOLUMES + "/x", wish)
                .expectStatus()
                .isCreated()
                .expectHeader()
                .location(VOLUMES + "/x")
                .expectHeader()
                .valueEquals("ETag", "\"1\"");
        send(HttpMethod.PUT, VOLUMES + "/x", wish)
                .expectStatus()
                .isOk()
                .expectHeader()
                .valueEquals("ETag", "\"1\"")
                .expectBody()
                .jsonPath("$.size")
                .isEqualTo(1 << 20);
        send(HttpMethod.PUT, VOLUMES + "/x", "{\"size\": 1048576}")
                .expectStatus()
                .isOk();
        problem(send(HttpMethod.PUT, VOLUMES + "/x", """
                                {"size": "2MiB", "readOnly": true, "labels": {}, "description": "d"}"""), HttpStatus.CONFLICT, "volume-exists")
                .jsonPath("$.errors[*].field")
                .value(fields -> assertThat(fields.toString()).isEqualTo("[\"size\",\"readOnly\",\"labels\"]"));
        problem(send(HttpMethod.PUT, VOLUMES + "/X", wish), HttpStatus.BAD_REQUEST, "invalid-request")
                .jsonPath("$.errors[0].field")
                .isEqualTo("name");
        problem(
                send(HttpMethod.PUT, VOLUMES + "/x", "{\"size\": 512, \"name\": \"x\"}"),
                HttpStatus.BAD_REQUEST,
                "invalid-request");
        problem(send(HttpMethod.PUT, VOLUMES + "/y", "{}"), HttpStatus.BAD_REQUEST, "invalid-request");
    }

    @Test
    void aDryRunAnswersAsItWouldBeAndDoesNothing() {
        dry(HttpMethod.POST, VOLUMES, "{\"name\": \"x\", \"size\": 512}", HttpStatus.CREATED)
                .jsonPath("$.name")
                .isEqualTo("x");
        dry(HttpMethod.PUT, VOLUMES + "/x", "{\"size\": 512}", HttpStatus.CREATED);
        assertThat(catalogue.volumes()).isEmpty();

        create("{\"name\": \"x\", \"size\": 1024}");
        dry(HttpMethod.PUT, VOLUMES + "/x", "{\"size\": 1024}", HttpStatus.OK);
        dry(HttpMethod.PATCH, VOLUMES + "/x", "{\"size\": 2048, \"name\": \"y\"}", HttpStatus.OK)
                .jsonPath("$.name")
                .isEqualTo("y")
                .jsonPath("$.size")
                .isEqualTo(2048)
                .jsonPath("$.revision")
                .isEqualTo(2);
        dry(HttpMethod.DELETE, VOLUMES + "/x", "", HttpStatus.NO_CONTENT);
        assertThat(text(VOLUMES + "/x")).contains("\"size\":1024").contains("\"revision\":1");
    }

    @Test
    void aDryRunRefusesWhatWouldBeRefused() {
        create("{\"name\": \"x\", \"size\": 1024}");
        create("{\"name\": \"y\", \"size\": 1024}");
        problem(
                send(HttpMethod.POST, VOLUMES + "?dryRun=true", "{\"name\": \"x\", \"size\": 512}"),
                HttpStatus.CONFLICT,
                "volume-exists");
        problem(
                send(HttpMethod.POST, VOLUMES + "?dryRun=true", "{\"name\": \"z\", \"size\": 513}"),
                HttpStatus.BAD_REQUEST,
                "invalid-request");
        problem(
                send(HttpMethod.PUT, VOLUMES + "/x?dryRun=true", "{\"size\": 512}"),
                HttpStatus.CONFLICT,
                "volume-exists");
        problem(
                send(HttpMethod.PATCH, VOLUMES + "/x?dryRun=true", "{\"size\": 512}"),
                HttpStatus.CONFLICT,
                "shrink-refused");
        problem(
                send(HttpMethod.PATCH, VOLUMES + "/x?dryRun=true", "{\"name\": \"y\"}"),
                HttpStatus.CONFLICT,
                "volume-exists");
        sessions.open("x");
        problem(
                send(HttpMethod.PATCH, VOLUMES + "/x?dryRun=true", "{\"name\": \"z\"}"),
                HttpStatus.CONFLICT,
                "volume-in-use");
        problem(send(HttpMethod.DELETE, VOLUMES + "/x?dryRun=true", ""), HttpStatus.CONFLICT, "volume-in-use");
        dry(HttpMethod.DELETE, VOLUMES + "/x", "", HttpStatus.NO_CONTENT, "&force=true");
        assertThat(sessions.sessions()).hasSize(1);
        problem(send(HttpMethod.DELETE, VOLUMES + "/z?dryRun=true", ""), HttpStatus.NOT_FOUND, "volume-not-found");
        problem(
                http.delete().uri(VOLUMES + "/x?dryRun=true").exchange(),
                HttpStatus.PRECONDITION_REQUIRED,
                "precondition-required");
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"1\"", "\"0\", \"1\"", "*"})
    void whatTheClientHasIsNotSentAgain(final String tags) {
        create("{\"name\": \"x\", \"size\": 1024}");
        http.get()
                .uri(VOLUMES + "/x")
                .header("If-None-Match", tags)
                .exchange()
                .expectStatus()
                .isEqualTo(tags.equals("*") ? HttpStatus.OK : HttpStatus.NOT_MODIFIED);
        send(HttpMethod.PATCH, VOLUMES + "/x", "{\"description\": \"new\"}")
                .expectStatus()
                .isOk();
        http.get()
                .uri(VOLUMES + "/x")
                .header("If-None-Match", "\"1\"")
                .exchange()
                .expectStatus()
                .isOk();
    }

    private BodyContentSpec dry(
            final HttpMethod method,
            final String path,
            final String json,
            final HttpStatus status,
            final String... query) {
        return send(method, path + "?dryRun=true" + String.join("", query), json)
                .expectStatus()
                .isEqualTo(status)
                .expectHeader()
                .valueEquals("Dry-Run", "true")
                .expectBody();
    }

    private List<String> names(final String query) {
        return JsonPath.read(text(VOLUMES + query), "$.items[*].name");
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

    private static String labels(final int first, final int count) {
        final List<String> labels = new ArrayList<>();
        for (int i = first; i < first + count; i++) {
            labels.add("\"k%d\": \"v\"".formatted(i));
        }
        return "{" + String.join(", ", labels) + "}";
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
