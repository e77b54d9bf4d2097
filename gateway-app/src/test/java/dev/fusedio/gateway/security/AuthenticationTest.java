package dev.fusedio.gateway.security;

import static org.assertj.core.api.Assertions.assertThat;

import com.jayway.jsonpath.JsonPath;
import dev.fusedio.gateway.ApiTestApplication;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.web.server.LocalManagementPort;
import org.springframework.boot.webtestclient.autoconfigure.AutoConfigureWebTestClient;
import org.springframework.http.HttpMethod;
import org.springframework.http.MediaType;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import org.springframework.test.web.reactive.server.WebTestClient;

/** The API where callers must say who they are. */
@SpringBootTest(
        classes = ApiTestApplication.class,
        webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT,
        properties = {
            "gateway.demo.enabled=false",
            "gateway.security.authentication=required",
            "gateway.security.failures-per-minute=1000",
            "gateway.security.oidc.roles-claim=realm_access.roles",
            "gateway.security.oidc.role-mappings=storage-team=operator",
            "management.server.port=0"
        })
@AutoConfigureWebTestClient
class AuthenticationTest {
    private static final IdentityProvider PROVIDER = new IdentityProvider();
    private static Path pool;

    @Autowired
    private WebTestClient http;

    @LocalManagementPort
    private int managementPort;

    @DynamicPropertySource
    static void settings(final DynamicPropertyRegistry properties) {
        properties.add("gateway.pool.path", () -> pool);
        properties.add("gateway.security.oidc.issuer-uri", PROVIDER::issuer);
    }

    @BeforeAll
    static void makePool() throws IOException {
        pool = Files.createTempDirectory("pool");
    }

    @AfterAll
    static void end() {
        PROVIDER.close();
    }

    private static String secret(final String file) {
        try {
            return Files.readString(pool.resolve(".security").resolve(file)).strip();
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private WebTestClient.ResponseSpec get(final String path, final String token) {
        return http.get()
                .uri(path)
                .headers(headers -> headers.setBearerAuth(token))
                .exchange();
    }

    private String give(final String name, final String role) {
        final byte[] body = http.post()
                .uri("/api/v1/tokens")
                .headers(headers -> headers.setBearerAuth(secret("admin.token")))
                .contentType(MediaType.APPLICATION_JSON)
                .bodyValue("{\"name\": \"%s\", \"role\": \"%s\"}".formatted(name, role))
                .exchange()
                .expectStatus()
                .isCreated()
                .expectHeader()
                .valueEquals("Cache-Control", "no-store")
                .expectBody()
                .returnResult()
                .getResponseBody();
        return JsonPath.read(new String(body, java.nio.charset.StandardCharsets.UTF_8), "$.secret");
    }

    @Test
    void secretsAreMadeForTheirOwnerOnly() throws IOException {
        final Path directory = pool.resolve(".security");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(directory)))
                .isEqualTo("rwx------");
        for (final String file : List.of("admin.token", "metrics.token")) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(directory.resolve(file))))
                    .isEqualTo("rw-------");
            assertThat(secret(file)).startsWith("fgw_").hasSizeGreaterThan(40);
        }
        final String given = give("hashed", "viewer");
        assertThat(secret("tokens.json")).contains("hashed").doesNotContain(given);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(directory.resolve("tokens.json"))))
                .isEqualTo("rw-------");
    }

    @Test
    void withoutCredentialsOnlyHealthAndTheConsoleAnswer() {
        http.get()
                .uri("/api/v1/volumes")
                .exchange()
                .expectStatus()
                .isUnauthorized()
                .expectHeader()
                .valueEquals("WWW-Authenticate", "Bearer realm=\"fused-gateway\"")
                .expectHeader()
                .contentType(MediaType.APPLICATION_PROBLEM_JSON)
                .expectHeader()
                .exists("X-Request-Id")
                .expectBody()
                .jsonPath("$.code")
                .isEqualTo("unauthenticated")
                .jsonPath("$.requestId")
                .isNotEmpty();
        http.delete().uri("/api/v1/volumes/x").exchange().expectStatus().isUnauthorized();
        http.get().uri("/nowhere").exchange().expectStatus().isUnauthorized();
        http.get().uri("/v3/api-docs").exchange().expectStatus().isOk();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Bearer fgw_0000000000000000000000000000000000000000000",
                "Bearer x",
                "Basic YWRtaW46YWRtaW4=",
                "Bearer",
                "Bearer a.b.c",
                "bearer \u00e9\u00e9"
            })
    void wrongCredentialsAreRefused(final String credentials) {
        http.get()
                .uri("/api/v1/volumes")
                .header("Authorization", credentials)
                .exchange()
                .expectStatus()
                .isUnauthorized()
                .expectHeader()
                .valueEquals("WWW-Authenticate", "Bearer realm=\"fused-gateway\", error=\"invalid_token\"")
                .expectBody()
                .jsonPath("$.code")
                .isEqualTo("unauthenticated");
    }

    @Test
    void aTokenMayDoWhatItsRoleCovers() {
        final String viewer = give("viewer", "viewer");
        final String operator = give("operator", "operator");
        get("/api/v1/whoami", viewer)
                .expectStatus()
                .isOk()
                .expectBody()
                .json("{\"name\": \"viewer\", \"role\": \"viewer\", \"authentication\": \"token\"}");
        get("/api/v1/volumes", viewer).expectStatus().isOk();
        get("/api/v1/volumes/none/data", viewer).expectStatus().isForbidden();
        get("/api/v1/volumes/none/data", operator).expectStatus().isNotFound();
        get("/api/v1/tokens", operator)
                .expectStatus()
                .isForbidden()
                .expectBody()
                .jsonPath("$.code")
                .isEqualTo("forbidden")
                .jsonPath("$.detail")
                .value(detail -> assertThat((String) detail).contains("operator"));
        get("/api/v1/tokens", secret("admin.token")).expectStatus().isOk();
        get("/nowhere", secret("admin.token")).expectStatus().isNotFound();
        http.delete()
                .uri("/api/v1/volumes/none")
                .headers(headers -> {
                    headers.setBearerAuth(viewer);
                    headers.setIfMatch("*");
                })
                .exchange()
                .expectStatus()
                .isForbidden();
        http.delete()
                .uri("/api/v1/volumes/none")
                .headers(headers -> {
                    headers.setBearerAuth(operator);
                    headers.setIfMatch("*");
                })
                .exchange()
                .expectStatus()
                .isNotFound();
    }

    @Test
    void aTokenThatIsTakenAwayIsRefused() {
        final String token = give("short", "viewer");
        get("/api/v1/volumes", token).expectStatus().isOk();
        remove("short").expectStatus().isNoContent();
        get("/api/v1/volumes", token).expectStatus().isUnauthorized();
        remove("short").expectStatus().isNotFound();
        remove("bootstrap")
                .expectStatus()
                .isEqualTo(409)
                .expectBody()
                .jsonPath("$.code")
                .isEqualTo("token-needed");
    }

    private WebTestClient.ResponseSpec remove(final String name) {
        return http.delete()
                .uri("/api/v1/tokens/" + name)
                .headers(headers -> headers.setBearerAuth(secret("admin.token")))
                .exchange();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"name\": \"a b\", \"role\": \"viewer\"} | name",
                "{\"role\": \"viewer\"} | name",
                "{\"name\": \"a\", \"role\": \"root\"} | role",
                "{\"name\": \"a\"} | role",
                "{\"name\": \"a\", \"role\": \"viewer\", \"expiresAt\": \"2020-01-01T00:00:00Z\"} | expiresAt",
                "{\"name\": \"a\", \"role\": \"viewer\", \"admin\": true} | admin"
            })
    void aWishThatCanNotBeIsExplainedByField(final String body, final String field) {
        http.post()
                .uri("/api/v1/tokens")
                .headers(headers -> headers.setBearerAuth(secret("admin.token")))
                .contentType(MediaType.APPLICATION_JSON)
                .bodyValue(body)
                .exchange()
                .expectStatus()
                .isBadRequest()
                .expectBody()
                .jsonPath("$.errors[0].field")
                .isEqualTo(field);
    }

    @Test
    void aTokenEndsInTime() throws InterruptedException {
        final byte[] body = http.post()
                .uri("/api/v1/tokens")
                .headers(headers -> headers.setBearerAuth(secret("admin.token")))
                .contentType(MediaType.APPLICATION_JSON)
                .bodyValue("{\"name\": \"soon\", \"role\": \"viewer\", \"expiresAt\": \"%s\"}"
                        .formatted(Instant.now().plusSeconds(3)))
                .exchange()
                .expectStatus()
                .isCreated()
                .expectBody()
                .returnResult()
                .getResponseBody();
        final String token = JsonPath.read(new String(body, java.nio.charset.StandardCharsets.UTF_8), "$.secret");
        org.awaitility.Awaitility.await()
                .atMost(Duration.ofSeconds(30))
                .untilAsserted(
                        () -> get("/api/v1/volumes", token).expectStatus().isUnauthorized());
    }

    static Stream<Map<String, Object>> tokensThatAreNotAccepted() {
        return Stream.of(
                Map.of("exp", Date.from(Instant.now().minusSeconds(600))),
                Map.of("aud", List.of("another")),
                Map.of("iss", "http://127.0.0.1:1"),
                Map.of("nbf", Date.from(Instant.now().plusSeconds(600))));
    }

    @ParameterizedTest
    @org.junit.jupiter.params.provider.MethodSource("tokensThatAreNotAccepted")
    void aJsonWebTokenThatIsNotGoodIsRefused(final Map<String, Object> claims) {
        final Map<String, Object> all = new java.util.HashMap<>(claims);
        all.put("realm_access", Map.of("roles", List.of("admin")));
        get("/api/v1/volumes", PROVIDER.token(all)).expectStatus().isUnauthorized();
    }

    @Test
    void aJsonWebTokenHasTheHighestOfItsRoles() {
        final Map<String, Object> claims =
                Map.of("realm_access", Map.of("roles", List.of("viewer", "storage-team", "unknown")));
        get("/api/v1/whoami", PROVIDER.token(claims))
                .expectStatus()
                .isOk()
                .expectBody()
                .json("{\"name\": \"ada\", \"role\": \"operator\", \"authentication\": \"jwt\"}");
        get("/api/v1/tokens", PROVIDER.token(claims)).expectStatus().isForbidden();
        get("/api/v1/volumes", PROVIDER.forged(claims)).expectStatus().isUnauthorized();
        get("/api/v1/volumes", PROVIDER.token(Map.of()))
                .expectStatus()
                .isForbidden()
                .expectBody()
                .jsonPath("$.detail")
                .value(detail -> assertThat((String) detail).contains("realm_access.roles"));
    }

    @Test
    void theManagementPortHasTheSameRules() {
        final WebTestClient management = WebTestClient.bindToServer()
                .baseUrl("http://127.0.0.1:" + managementPort)
                .build();
        management.get().uri("/actuator/prometheus").exchange().expectStatus().isUnauthorized();
        management
                .get()
                .uri("/actuator/prometheus")
                .headers(headers -> headers.setBearerAuth(secret("metrics.token")))
                .exchange()
                .expectStatus()
                .isOk();
        management
                .get()
                .uri("/actuator/health/liveness")
                .exchange()
                .expectBody()
                .jsonPath("$.status")
                .exists()
                .jsonPath("$.components")
                .doesNotExist();
        management
                .get()
                .uri("/actuator/health")
                .headers(headers -> headers.setBearerAuth(secret("admin.token")))
                .exchange()
                .expectBody()
                .jsonPath("$.components.pool")
                .exists();
        get("/api/v1/volumes", secret("metrics.token")).expectStatus().isForbidden();
    }

    @Test
    void browsersAreToldToLoadNothingFromElsewhere() {
        http.method(HttpMethod.GET)
                .uri("/api/v1/volumes")
                .exchange()
                .expectHeader()
                .value(
                        "Content-Security-Policy",
                        policy -> assertThat(policy)
                                .contains("default-src 'self'", "frame-ancestors 'none'")
                                .doesNotContain("unsafe"))
                .expectHeader()
                .valueEquals("X-Content-Type-Options", "nosniff")
                .expectHeader()
                .valueEquals("Referrer-Policy", "no-referrer");
    }
}
