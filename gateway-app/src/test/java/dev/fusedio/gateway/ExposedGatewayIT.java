package dev.fusedio.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole gateway where other machines could reach it: it asks who its callers are, without being told to. */
class ExposedGatewayIT {
    private static final byte[] NOTHING = {};
    private static final String VOLUMES = "/api/v1/volumes";
    private static final String EVERYWHERE = "--server.address=0.0.0.0";

    @TempDir
    private Path folder;

    private Path pool;
    private Path errors;

    @BeforeEach
    void paths() {
        pool = folder.resolve("pool");
        errors = folder.resolve("errors");
    }

    @Test
    void callersMustSayWhoTheyAreAndHaveNoEndOfGuesses() throws Exception {
        try (GatewayProcess gateway = GatewayProcess.start(pool, errors, EVERYWHERE)) {
            final String admin =
                    Files.readString(pool.resolve(".security/admin.token")).strip();
            assertThat(Files.readString(errors.resolveSibling("errors.out")))
                    .contains("server.address=0.0.0.0", "without TLS")
                    .containsOnlyOnce(admin);
            assertThat(status(gateway, "/actuator/health")).isEqualTo(200);
            assertThat(status(gateway, VOLUMES)).isEqualTo(401);
            assertThat(status(gateway, VOLUMES, "Authorization", "Bearer " + admin))
                    .isEqualTo(200);

            for (int guess = 0; guess < 10; guess++) {
                assertThat(status(gateway, VOLUMES, "Authorization", "Bearer fgw_guess" + guess))
                        .isIn(401, 429);
            }
            final HttpResponse<byte[]> bounded =
                    gateway.send("GET", VOLUMES, NOTHING, "Authorization", "Bearer fgw_guess");
            assertThat(bounded.statusCode()).isEqualTo(429);
            assertThat(bounded.headers().firstValueAsLong("Retry-After").orElse(0))
                    .isBetween(1L, 60L);
            assertThat(new String(bounded.body(), StandardCharsets.UTF_8)).contains("\"too-many-failures\"");

            final Path audit = pool.resolve(".security/audit.jsonl");
            Awaitility.await()
                    .atMost(Duration.ofSeconds(30))
                    .until(() -> Files.readString(audit).contains("\"status\":429"));
            assertThat(Files.readString(audit))
                    .contains("\"status\":401")
                    .doesNotContain(admin)
                    .doesNotContain("fgw_guess");
            assertThat(Files.readString(errors)).doesNotContain(admin);
        }
        try (GatewayProcess again = GatewayProcess.start(pool, errors, EVERYWHERE)) {
            final String admin =
                    Files.readString(pool.resolve(".security/admin.token")).strip();
            assertThat(Files.readString(errors.resolveSibling("errors.out"))).doesNotContain(admin);
            assertThat(status(again, VOLUMES, "Authorization", "Bearer " + admin))
                    .isEqualTo(200);
        }
    }

    @Test
    void aMountedSecretIsTheTokenAndIsReadAgain() throws Exception {
        final Path secret = Files.writeString(folder.resolve("secret"), "first-0123456789-0123456789-0123456789\n");
        try (GatewayProcess gateway =
                GatewayProcess.start(pool, errors, EVERYWHERE, "--gateway.security.admin-token-file=" + secret)) {
            assertThat(status(gateway, VOLUMES, "Authorization", "Bearer first-0123456789-0123456789-0123456789"))
                    .isEqualTo(200);
            assertThat(pool.resolve(".security/admin.token")).doesNotExist();
            Files.writeString(secret, "second-0123456789-0123456789-0123456789\n");
            // within 10 s; asked seldom, since a token that is not known yet counts as a wrong one
            Awaitility.await()
                    .atMost(Duration.ofSeconds(90))
                    .pollDelay(Duration.ofSeconds(11))
                    .pollInterval(Duration.ofSeconds(10))
                    .until(() ->
                            status(gateway, VOLUMES, "Authorization", "Bearer second-0123456789-0123456789-0123456789")
                                    == 200);
            assertThat(status(gateway, VOLUMES, "Authorization", "Bearer first-0123456789-0123456789-0123456789"))
                    .isEqualTo(401);
        }
    }

    @Test
    void secretsThatOthersCanReadOrThatCouldBeGuessedStopTheStart() throws Exception {
        final Path secrets = Files.createDirectories(folder.resolve("secrets"));
        final Path token = Files.writeString(secrets.resolve("admin.token"), "0".repeat(40));
        Files.setPosixFilePermissions(token, PosixFilePermissions.fromString("rw-r--r--"));
        assertRefused("chmod 600", "--gateway.security.path=" + secrets);
        final Path weak = Files.writeString(folder.resolve("weak"), "secret");
        assertRefused(
                "gateway.security.admin-token-file is '" + weak + "'", "--gateway.security.admin-token-file=" + weak);
        assertRefused(
                "gateway.security.metrics-token-file is '" + folder.resolve("none") + "'",
                "--gateway.security.metrics-token-file=" + folder.resolve("none"));
    }

    private void assertRefused(final String reason, final String setting) throws Exception {
        try (GatewayProcess gateway = GatewayProcess.launch(
                errors,
                EVERYWHERE,
                setting,
                "--gateway.pool.path=" + pool,
                "--server.port=0",
                "--gateway.nbd.port=0")) {
            assertThat(gateway.awaitExit(GatewayProcess.startSeconds())).isEqualTo(1);
            assertThat(gateway.errors().lines())
                    .singleElement()
                    .asString()
                    .startsWith("gateway: ")
                    .contains(reason);
        }
    }

    private static int status(final GatewayProcess gateway, final String path, final String... headers)
            throws IOException {
        return gateway.send("GET", path, NOTHING, headers).statusCode();
    }
}
