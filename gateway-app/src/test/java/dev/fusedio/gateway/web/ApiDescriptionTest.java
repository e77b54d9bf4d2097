package dev.fusedio.gateway.web;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.gateway.ApiTest;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.springframework.core.ParameterizedTypeReference;

class ApiDescriptionTest extends ApiTest {
    @Test
    void describesEveryAddressAndTheOneFormOfProblems() {
        final Map<String, Object> api = http.mutate()
                .codecs(codecs -> codecs.defaultCodecs().maxInMemorySize(1 << 20))
                .build()
                .get()
                .uri("/v3/api-docs")
                .exchange()
                .expectStatus()
                .isOk()
                .expectBody(new ParameterizedTypeReference<Map<String, Object>>() {})
                .returnResult()
                .getResponseBody();

        assertThat(api.get("openapi").toString()).startsWith("3.1");
        assertThat(child(api, "paths"))
                .containsOnlyKeys(
                        "/api/v1/attachments",
                        "/api/v1/attachments/{id}",
                        "/api/v1/events",
                        "/api/v1/node",
                        "/api/v1/operations",
                        "/api/v1/operations/{id}",
                        "/api/v1/sessions",
                        "/api/v1/sessions/events",
                        "/api/v1/sessions/{id}",
                        "/api/v1/statistics",
                        "/api/v1/tokens",
                        "/api/v1/tokens/{name}",
                        "/api/v1/volumes",
                        "/api/v1/volumes/{name}",
                        "/api/v1/volumes/{name}/data",
                        "/api/v1/volumes/{name}/reopen",
                        "/api/v1/whoami");
        final Map<String, Object> schemas = child(child(api, "components"), "schemas");
        assertThat(schemas)
                .containsKeys(
                        "Problem",
                        "Volume",
                        "CreateVolume",
                        "ChangeVolume",
                        "Attachment",
                        "CreateAttachment",
                        "Operation",
                        "Event",
                        "NbdSession",
                        "Node",
                        "Statistics");
        assertThat(child(schemas, "RequestedSize")).containsKey("oneOf");
        final Map<String, Object> conflict =
                child(child(child(child(child(api, "paths"), "/api/v1/volumes"), "post"), "responses"), "409");
        assertThat(child(conflict, "content")).containsOnlyKeys("application/problem+json");
    }

    @Test
    void canBeBrowsed() {
        http.get().uri("/swagger-ui.html").exchange().expectStatus().is3xxRedirection();
        http.get().uri("/swagger-ui/index.html").exchange().expectStatus().isOk();
    }

    @Test
    void everyTypeOfProblemHasItsOwnCode() {
        assertThat(Arrays.stream(ProblemType.values()).map(ProblemType::code))
                .doesNotHaveDuplicates()
                .allMatch(code -> code.matches("[a-z-]+"));
        assertThat(ProblemType.VOLUME_NOT_FOUND.uri()).hasToString("urn:fusedio:problem:volume-not-found");
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> child(final Map<String, Object> parent, final String key) {
        assertThat(parent).containsKey(key);
        return (Map<String, Object>) parent.get(key);
    }
}
