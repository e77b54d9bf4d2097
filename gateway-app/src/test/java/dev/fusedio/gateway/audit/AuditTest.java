package dev.fusedio.gateway.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.gateway.ApiTest;
import dev.fusedio.gateway.config.GatewayProperties;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.http.HttpMethod;
import org.springframework.http.MediaType;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

class AuditTest extends ApiTest {
    @Autowired
    private GatewayProperties properties;

    @Test
    void everyChangeLeavesALine() {
        send(HttpMethod.POST, "/api/v1/volumes", "audit-1", "{\"name\": \"audited\", \"size\": \"1MiB\"}");
        send(HttpMethod.PATCH, "/api/v1/volumes/audited", "audit-2", "{\"description\": \"hush-hush\"}");
        send(HttpMethod.DELETE, "/api/v1/volumes/audited", "audit-3", null);
        send(HttpMethod.DELETE, "/api/v1/volumes/audited", "audit-4", null);
        http.get()
                .uri("/api/v1/volumes")
                .header("Authorization", "Bearer fgw_guessed-and-wrong")
                .header("X-Request-Id", "audit-5")
                .exchange()
                .expectStatus()
                .isUnauthorized();
        http.get().uri("/api/v1/volumes").header("X-Request-Id", "audit-6").exchange();

        assertThat(line("audit-1"))
                .containsEntry("who", "anonymous")
                .containsEntry("method", "POST")
                .containsEntry("resource", "/api/v1/volumes")
                .containsEntry("after", "\"1\"")
                .containsEntry("status", 201)
                .containsKeys("time", "from");
        assertThat(line("audit-2"))
                .containsEntry("before", "*")
                .containsEntry("after", "\"2\"")
                .containsEntry("status", 200);
        assertThat(line("audit-3")).containsEntry("status", 204).doesNotContainKey("problem");
        assertThat(line("audit-4")).containsEntry("status", 404).containsEntry("problem", "volume-not-found");
        assertThat(line("audit-5")).containsEntry("status", 401).doesNotContainKey("who");
        assertThat(log()).noneMatch(line -> line.contains("audit-6"));
        assertThat(String.join("\n", log())).doesNotContain("hush-hush", "guessed-and-wrong");
    }

    private void send(final HttpMethod method, final String path, final String id, final String body) {
        final var request = http.method(method)
                .uri(path)
                .header("X-Request-Id", id)
                .header("If-Match", "*")
                .contentType(MediaType.APPLICATION_JSON);
        (body == null ? request : request.bodyValue(body))
                .exchange()
                .expectHeader()
                .valueEquals("X-Request-Id", id);
    }

    private Map<String, Object> line(final String id) {
        return Awaitility.await()
                .until(
                        () -> log().stream()
                                .filter(line -> line.contains("\"" + id + "\""))
                                .map(AuditTest::parsed)
                                .toList(),
                        found -> found.size() == 1)
                .getFirst();
    }

    private static Map<String, Object> parsed(final String line) {
        return JsonMapper.shared().readValue(line, new TypeReference<>() {});
    }

    private List<String> log() {
        try {
            return Files.readAllLines(properties.pool().path().resolve(".security/audit.jsonl"));
        } catch (final IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
