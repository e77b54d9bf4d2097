package dev.fusedio.gateway.web;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.fusedio.gateway.ApiDocument;
import dev.fusedio.gateway.ApiTest;
import dev.fusedio.gateway.RawHttp;
import dev.fusedio.gateway.config.GatewayProperties;
import io.netty.util.ResourceLeakDetector;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.web.server.LocalServerPort;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Names that are none, in every place of every route where a name can stand. The routes are those of the API's
 * description: a new one is covered by itself.
 */
class HostileNamesTest extends ApiTest {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final JsonNode DOCUMENT = JSON.readTree(ApiDocument.committed());

    /** What would be seen if a path led out of the pool. */
    private static final String ESCAPED = "escaped";

    /** As they stand in a request's first line. */
    private static final List<String> IN_PATHS = List.of(
            "%00",
            "a%00",
            "a%00.json",
            "..",
            ".",
            "%2e%2e",
            "%2e",
            "..%2f..%2f" + ESCAPED,
            "%2e%2e%2f%2e%2e%2f" + ESCAPED,
            "..%252f..%252f" + ESCAPED,
            "a%2f" + ESCAPED,
            "a%252f" + ESCAPED,
            "%2f",
            "%2ftmp%2f" + ESCAPED,
            "..%5c" + ESCAPED,
            "..\\" + ESCAPED,
            "a;b=c",
            "a;name=b",
            "a%3bb=c",
            "..;",
            "..;%2f" + ESCAPED,
            ";",
            "A",
            ".hidden",
            "-",
            "%20",
            "a%20",
            "a+b",
            "%0a",
            "a%0d%0aX-Injected:%20yes",
            "%1b%5b31m",
            "%7f",
            "\u0001",
            "ü",
            "%c3%bc",
            "%f0%9f%92%be",
            "%e2%80%ae",
            "%ff",
            "%c0%ae%c0%ae",
            "%",
            "%zz",
            "%2",
            "a".repeat(64),
            "a".repeat(255),
            "a".repeat(256),
            "%61".repeat(255),
            "a".repeat(65_536));

    /** As they stand in a body, and decoded in a query. */
    private static final List<String> IN_BODIES = List.of(
            "\0",
            "a\0",
            "..",
            ".",
            "../../" + ESCAPED,
            "/tmp/" + ESCAPED,
            "a/../" + ESCAPED,
            "%2e%2e%2f" + ESCAPED,
            "..%252f" + ESCAPED,
            "..\\" + ESCAPED,
            "a;b",
            ".hidden",
            "-",
            " ",
            "a b",
            "\n",
            "a\n",
            "a\r\nX-Injected: yes",
            "\u001b[31m",
            "\u007f",
            "ü",
            "\uD83D\uDCBE",
            "\uD800",
            "\u202e",
            "\u2028",
            "a".repeat(254) + "!",
            "ü".repeat(255),
            "ü".repeat(256),
            "ü".repeat(65_536));

    @Autowired
    private GatewayProperties properties;

    @LocalServerPort
    private int port;

    private final ListAppender<ILoggingEvent> log = new ListAppender<>();
    private Set<String> before = Set.of();

    /** A route that takes something from its sender. */
    record Route(String method, String path, JsonNode operation) {
        @Override
        public String toString() {
            return method + " " + path;
        }

        Stream<JsonNode> parameters(final String in) {
            return operation
                    .path("parameters")
                    .valueStream()
                    .filter(parameter -> parameter.path("in").asString().equals(in));
        }

        JsonNode bodySchema() {
            return resolved(operation
                    .path("requestBody")
                    .path("content")
                    .path("application/json")
                    .path("schema"));
        }
    }

    static List<Route> routes() {
        return DOCUMENT.path("paths").properties().stream()
                .flatMap(path -> path.getValue().properties().stream()
                        .map(operation -> new Route(
                                operation.getKey().toUpperCase(Locale.ROOT), path.getKey(), operation.getValue())))
                .toList();
    }

    static List<Route> routesWithAVariable() {
        return routes().stream()
                .filter(route -> route.parameters("path").findAny().isPresent())
                .toList();
    }

    static List<Route> routesWithABody() {
        return routes().stream()
                .filter(route -> !route.bodySchema().isMissingNode())
                .toList();
    }

    static List<Route> routesWithAQuery() {
        return routes().stream()
                .filter(route -> route.parameters("query").findAny().isPresent())
                .toList();
    }

    @BeforeEach
    void watch() throws IOException {
        before = things();
        log.start();
        ((Logger) LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME)).addAppender(log);
    }

    @AfterEach
    void nothingWasMadeAndNothingWentWrong() throws IOException {
        ((Logger) LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME)).detachAppender(log);
        assertThat(things()).isEqualTo(before);
        assertThat(log.list)
                .filteredOn(event -> event.getLevel().isGreaterOrEqual(Level.WARN) || event.getThrowableProxy() != null)
                // tells late, and here, of what any test of this process and its clients did before
                .filteredOn(event -> !event.getLoggerName().equals(ResourceLeakDetector.class.getName()))
                .isEmpty();
    }

    @ParameterizedTest
    @MethodSource("routesWithAVariable")
    void inAPathTheyAreRefused(final Route route) throws IOException {
        final List<String> wrong = new ArrayList<>();
        for (final String name : IN_PATHS) {
            final String path = route.path().replaceAll("\\{[^}]+}", name.replace("\\", "\\\\"));
            final boolean isJson = !route.bodySchema().isMissingNode();
            final RawHttp answer = send(
                    route.method() + " " + path,
                    "If-Match: *\r\nContent-Type: " + (isJson ? "application/json" : "application/octet-stream"),
                    isJson ? JSON.writeValueAsString(soundBody(route.bodySchema())) : "");
            refusal(answer, !route.method().equals("HEAD")).ifPresent(what -> wrong.add(shown(name) + " " + what));
        }
        assertThat(wrong).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("routesWithABody")
    void inABodyTheyAreRefused(final Route route) throws IOException {
        final List<String> wrong = new ArrayList<>();
        for (final Map.Entry<String, JsonNode> property :
                route.bodySchema().path("properties").properties()) {
            final JsonNode schema = resolved(property.getValue());
            for (final String name : IN_BODIES) {
                for (final Object value : values(schema, name)) {
                    final Map<String, Object> body = soundBody(route.bodySchema());
                    if (property.getKey().equals("source")) {
                        body.remove("volume");
                    }
                    body.put(property.getKey(), value);
                    final RawHttp answer = send(
                            route.method() + " " + route.path().replaceAll("\\{[^}]+}", "no-such"),
                            "If-Match: *\r\nContent-Type: application/json",
                            JSON.writeValueAsString(body));
                    refusal(answer, true)
                            .ifPresent(what -> wrong.add(property.getKey() + "=" + shown(name) + " " + what));
                }
            }
        }
        assertThat(wrong).isEmpty();
    }

    /** What asks and does not name may be answered that there is nothing; but nothing may break. */
    @ParameterizedTest
    @MethodSource("routesWithAQuery")
    void inAQueryTheyBreakNothing(final Route route) throws IOException {
        final List<String> wrong = new ArrayList<>();
        for (final JsonNode parameter : route.parameters("query").toList()) {
            for (final String name : IN_BODIES) {
                final String query =
                        parameter.path("name").asString() + "=" + URLEncoder.encode(name, StandardCharsets.UTF_8);
                final RawHttp answer = send(
                        route.method() + " " + route.path().replaceAll("\\{[^}]+}", "no-such") + "?" + query,
                        "If-Match: *\r\nContent-Type: application/json",
                        route.bodySchema().isMissingNode()
                                ? ""
                                : JSON.writeValueAsString(soundBody(route.bodySchema())));
                if (answer.status() >= 300) {
                    refusal(answer, true).ifPresent(what -> wrong.add(shown(query) + " " + what));
                } else if (!route.method().equals("GET")) {
                    wrong.add(shown(query) + " was done: " + answer);
                }
            }
        }
        assertThat(wrong).isEmpty();
    }

    /** Comes again when it is told to: a transfer counts for a moment after it is answered. */
    private RawHttp send(final String start, final String headers, final String body) throws IOException {
        final String head = start + " HTTP/1.1\r\n" + headers + "\r\n";
        final byte[] content = body.getBytes(StandardCharsets.UTF_8);
        final long end = System.nanoTime() + PATIENCE.toNanos();
        RawHttp answer = RawHttp.send(port, head, content);
        while (answer.body().contains("too-many-transfers") && System.nanoTime() < end) {
            answer = RawHttp.send(port, head, content);
        }
        return answer;
    }

    /** What is wrong with a refusal. */
    private static Optional<String> refusal(final RawHttp answer, final boolean hasProblem) {
        if (answer.status() < 400 || answer.status() >= 500) {
            return Optional.of("was answered " + answer);
        }
        if (!hasProblem) {
            return Optional.empty();
        }
        if (!answer.type().startsWith("application/problem+json")) {
            return Optional.of("was answered without a problem: " + answer);
        }
        final String text = answer.body();
        return text.contains("\"code\"")
                        && text.contains("\"detail\"")
                        && !text.contains("Exception")
                        && !text.contains("java.")
                ? Optional.empty()
                : Optional.of("was answered with an unclear problem: " + answer);
    }

    /** The values of a property that hold {@code name}: none where it takes no text, or any. */
    private static List<Object> values(final JsonNode schema, final String name) {
        final String type = schema.path("type").asString("");
        if (type.equals("object") && schema.has("additionalProperties")) {
            return List.of(Map.of(name, "sound"), Map.of("sound", name));
        }
        final boolean isFree = schema.has("maxLength")
                && name.length() <= schema.path("maxLength").asInt();
        return type.equals("string") && !isFree ? List.of(name) : List.of();
    }

    /** What the route takes, if it is sound; of what it need not have only what tells which volume. */
    private static Map<String, Object> soundBody(final JsonNode schema) {
        final Map<String, Object> body = new LinkedHashMap<>();
        final Map<String, Object> sound =
                Map.of("name", "sound", "size", "4KiB", "role", "viewer", "volume", "no-such");
        sound.forEach((name, value) -> {
            if (schema.path("properties").has(name)) {
                body.put(name, value);
            }
        });
        return body;
    }

    private static JsonNode resolved(final JsonNode schema) {
        final String reference = schema.path("$ref").asString("");
        return reference.isEmpty() ? schema : DOCUMENT.at(reference.substring(1));
    }

    /** Everything that a request could have made. */
    private Set<String> things() throws IOException {
        final Path pool = properties.pool().path();
        final Set<String> things = new TreeSet<>();
        for (final Path place : List.of(
                pool, pool.resolve(".."), pool.resolve("../.."), Path.of("").toAbsolutePath())) {
            try (Stream<Path> files = Files.list(place.normalize())) {
                things.addAll(files.map(Path::toString)
                        .filter(name -> place.equals(pool) || name.contains(ESCAPED))
                        .collect(Collectors.toSet()));
            }
        }
        catalogue.volumes().forEach(volume -> things.add("volume " + volume.name()));
        attachments.attachments().forEach(attachment -> things.add("attachment " + attachment.id()));
        things.add(new String(
                http.get()
                        .uri("/api/v1/tokens")
                        .exchange()
                        .expectStatus()
                        .isOk()
                        .expectBody()
                        .returnResult()
                        .getResponseBodyContent(),
                StandardCharsets.UTF_8));
        return things;
    }

    private static String shown(final String name) {
        return name.length() > 60 ? name.substring(0, 60) + "… (" + name.length() + ")" : name;
    }
}
