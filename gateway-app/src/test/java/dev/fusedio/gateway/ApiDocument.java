package dev.fusedio.gateway;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.assertj.core.api.Assertions;
import org.springframework.http.HttpMethod;
import org.springframework.http.server.PathContainer;
import org.springframework.web.reactive.function.client.ExchangeFilterFunction;
import org.springframework.web.util.pattern.PathPattern;
import org.springframework.web.util.pattern.PathPatternParser;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** The committed description of the API, {@code docs/openapi.json}. */
public final class ApiDocument {
    /** As seen from the module's directory, where its tests run. */
    public static final Path FILE = Path.of("../docs/openapi.json");

    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS, SerializationFeature.INDENT_OUTPUT)
            .build();

    /** What any operation may be answered with; {@code default} tells of it. */
    private static final Set<String> EVERYWHERE = Set.of("500", "503");

    private ApiDocument() {}

    /** The one form that it is committed in: sorted by keys, indented. */
    public static String canonical(final String json) {
        return JSON.writeValueAsString(JSON.readValue(json, Object.class)) + "\n";
    }

    public static String committed() {
        try {
            return Files.exists(FILE) ? Files.readString(FILE) : "";
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Fails a request that is answered with a status that the committed description does not tell of its operation. */
    static ExchangeFilterFunction onlyDocumentedStatuses() {
        final Map<PathPattern, Map<String, Set<String>>> documented = documented();
        return (request, next) -> next.exchange(request)
                .doOnNext(answer -> requireDocumented(
                        documented,
                        request.method(),
                        request.url().getRawPath(),
                        Integer.toString(answer.statusCode().value())));
    }

    private static void requireDocumented(
            final Map<PathPattern, Map<String, Set<String>>> documented,
            final HttpMethod method,
            final String path,
            final String status) {
        final PathContainer container = PathContainer.parsePath(path);
        documented.entrySet().stream()
                .filter(entry -> entry.getKey().matches(container))
                .min(Map.Entry.comparingByKey(PathPattern.SPECIFICITY_COMPARATOR))
                .map(entry -> entry.getValue().get(method.name()))
                .ifPresent(statuses -> Assertions.assertThat(statuses)
                        .as("statuses that docs/openapi.json tells of %s %s", method, path)
                        .contains(EVERYWHERE.contains(status) ? "default" : status));
    }

    @SuppressWarnings("unchecked")
    private static Map<PathPattern, Map<String, Set<String>>> documented() {
        final Map<PathPattern, Map<String, Set<String>>> documented = new TreeMap<>();
        final String committed = committed();
        if (committed.isEmpty()) {
            return documented;
        }
        final Map<String, Object> document = JSON.readValue(committed, Map.class);
        ((Map<String, Map<String, Map<String, Object>>>) document.get("paths"))
                .forEach((path, operations) -> documented.put(
                        PathPatternParser.defaultInstance.parse(path),
                        operations.entrySet().stream()
                                .collect(Collectors.toMap(
                                        entry -> entry.getKey().toUpperCase(Locale.ROOT),
                                        entry -> ((Map<String, Object>)
                                                        entry.getValue().get("responses"))
                                                .keySet()))));
        return documented;
    }
}
