package dev.fusedio.gateway;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.yaml.snakeyaml.Yaml;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * {@code docker-compose.yml} on a real engine. Its gateway and its Prometheus run on the host's network and free ports, where every engine
 * lets the test in; the rest is as the file says. Of Grafana only the file is checked: its image can't be made of packages.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ComposeIT {
    private static final Path FILE = Path.of("../docker-compose.yml");

    private final HttpClient http = HttpClient.newHttpClient();
    private final String compose = System.getenv().getOrDefault("GATEWAY_TEST_COMPOSE", "docker-compose");
    private final String project = "fused-test-" + ProcessHandle.current().pid();
    private int rest;
    private int prometheus;
    private Path override;

    @BeforeAll
    void up(@TempDir final Path directory) throws Exception {
        final Outcome version;
        try {
            version = run(List.of(compose, "version", "--short"));
        } catch (final IOException e) {
            Assumptions.abort("Docker Compose 2 is not installed: " + e.getMessage());
            return;
        }
        Assumptions.assumeTrue(version.output.startsWith("2."), "Compose 2 is needed, this is " + version.output);
        ImageContainer.assumeAvailable("gateway", "prometheus");
        rest = FreePort.find();
        prometheus = FreePort.find();
        override = directory.resolve("override.yml");
        Files.writeString(override, onTheHostsNetwork(FreePort.find()));
        final Outcome up = compose("up", "--detach", "--wait", "gateway", "prometheus");
        assertThat(up.status).as(up.output).isZero();
    }

    @AfterAll
    void down() throws Exception {
        if (override != null && Files.exists(override)) {
            final Outcome down = compose("down", "--volumes", "--timeout", "60");
            assertThat(down.status).as(down.output).isZero();
        }
    }

    @Test
    void prometheusScrapesTheGatewayByATokenThatNobodyHadToSet() {
        await().atMost(60, SECONDS)
                .untilAsserted(() -> assertThat(query("fused_ready")
                                .at("/data/result/0/value/1")
                                .asString())
                        .isEqualTo("1"));
        assertThat(get(rest, "/api/v1/volumes").statusCode()).isEqualTo(401);
    }

    @Test
    void prometheusHasTheAlertRules() throws Exception {
        final JsonNode groups = new JsonMapper()
                .readTree(get(prometheus, "/api/v1/rules").body())
                .at("/data/groups");
        final Map<String, List<?>> file =
                new Yaml().load(Files.readString(Path.of("../helm/fused-gateway/files/rules/fused-gateway.yaml")));
        assertThat(groups.size()).isPositive().isEqualTo(file.get("groups").size());
    }

    @Test
    void nothingIsPublishedBeyondThisMachineAndEveryMountedPathExists() throws Exception {
        final Outcome config = run(List.of(compose, "-f", FILE.toString(), "config", "--format", "json"));
        assertThat(config.status).as(config.output).isZero();
        final JsonNode services = new JsonMapper().readTree(config.output).get("services");
        assertThat(services.propertyNames()).containsExactlyInAnyOrder("secrets", "gateway", "prometheus", "grafana");
        for (final JsonNode service : services) {
            for (final JsonNode port : service.path("ports")) {
                assertThat(port.get("host_ip").asString()).isEqualTo("127.0.0.1");
            }
            for (final JsonNode mount : service.path("volumes")) {
                if (mount.get("type").asString().equals("bind")) {
                    assertThat(Path.of(mount.get("source").asString())).isDirectoryContaining("glob:**.{json,yaml}");
                }
            }
        }
    }

    /** What differs from the file; what Prometheus is to read is taken from it. */
    private String onTheHostsNetwork(final int management) throws IOException {
        final Map<String, Map<String, Map<String, String>>> file = new Yaml().load(Files.readString(FILE));
        final String scrapes = file.get("configs")
                .get("prometheus")
                .get("content")
                .replace("gateway:9090", "127.0.0.1:" + management)
                .replace("15s", "1s");
        return """
                services:
                  gateway:
                    network_mode: host
                    ports: !reset []
                    ulimits: { memlock: !override { soft: 8388608, hard: 8388608 } }
                    environment: { SERVER_PORT: "%d", MANAGEMENT_SERVER_PORT: "%d", GATEWAY_NBD_PORT: "%d", GATEWAY_ENGINE_MEMORY: 4MiB }
                  prometheus:
                    network_mode: host
                    ports: !reset []
                    command: [--config.file=/etc/prometheus/prometheus.yml, --storage.tsdb.path=/prometheus, "--web.listen-address=127.0.0.1:%d"]
                configs:
                  prometheus:
                    content: |
                %s""".formatted(rest, management, FreePort.find(), prometheus, scrapes.indent(6));
    }

    private JsonNode query(final String expression) {
        return new JsonMapper()
                .readTree(get(prometheus, "/api/v1/query?query=" + expression).body());
    }

    private HttpResponse<String> get(final int port, final String path) {
        try {
            return http.send(
                    HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
        } catch (final IOException e) {
            throw new AssertionError(e);
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    private Outcome compose(final String... arguments) throws IOException, InterruptedException {
        final List<String> command =
                new ArrayList<>(List.of(compose, "-f", FILE.toString(), "-f", override.toString(), "-p", project));
        command.addAll(List.of(arguments));
        return run(command);
    }

    private static Outcome run(final List<String> command) throws IOException, InterruptedException {
        final Process process =
                new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        final String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Outcome(process.waitFor(), output);
    }

    private record Outcome(int status, String output) {}
}
