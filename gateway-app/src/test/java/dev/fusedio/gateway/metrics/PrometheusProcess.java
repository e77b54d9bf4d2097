package dev.fusedio.gateway.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A Prometheus that scrapes every other second. */
final class PrometheusProcess implements AutoCloseable {
    private static final long TOOL_SECONDS = 300;

    private final HttpClient http =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();
    private final Process process;
    private final String base;

    private PrometheusProcess(final Process process, final String base) {
        this.process = process;
        this.base = base;
    }

    /** Skips where Prometheus and promtool are not to be had. */
    static void requireInstalled() {
        for (final String tool : List.of("prometheus", "promtool")) {
            try {
                run(tool, "--version");
            } catch (final IOException e) {
                Assumptions.abort(tool + " is not installed (Debian's package prometheus): " + e.getMessage());
            } catch (final InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new AssertionError(e);
            }
        }
    }

    /** Runs promtool, which must succeed; gives what it prints. */
    static String promtool(final String... arguments) throws IOException, InterruptedException {
        final String[] command = new String[arguments.length + 1];
        command[0] = "promtool";
        System.arraycopy(arguments, 0, command, 1, arguments.length);
        final Outcome outcome = run(command);
        assertThat(outcome.status()).as(outcome.output()).isZero();
        return outcome.output();
    }

    static Outcome run(final String... command) throws IOException, InterruptedException {
        final Process tool =
                new ProcessBuilder(command).redirectErrorStream(true).start();
        final String output = new String(tool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(tool.waitFor(TOOL_SECONDS, TimeUnit.SECONDS)).isTrue();
        return new Outcome(tool.exitValue(), output);
    }

    static PrometheusProcess start(final Path directory, final List<String> targets) throws IOException {
        final int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        final Path configuration = Files.writeString(
                directory.resolve("prometheus.yml"), """
                global:
                  scrape_interval: 2s
                  scrape_timeout: 2s
                  evaluation_interval: 2s
                rule_files: [%s]
                scrape_configs:
                  - job_name: fused-gateway
                    metrics_path: /actuator/prometheus
                    static_configs:
                      - targets: %s
                """.formatted(MonitoringFiles.RULES.toRealPath(), targets));
        final String address = "127.0.0.1:" + port;
        final Process process = new ProcessBuilder(
                        "prometheus",
                        "--config.file=" + configuration,
                        "--storage.tsdb.path=" + directory.resolve("tsdb"),
                        "--web.listen-address=" + address)
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("prometheus.log").toFile())
                .start();
        return new PrometheusProcess(process, "http://" + address);
    }

    /** The result of an instant query; an empty array while Prometheus starts. */
    JsonNode query(final String expression) throws InterruptedException {
        final HttpRequest request = HttpRequest.newBuilder(URI.create(
                        base + "/api/v1/query?query=" + URLEncoder.encode(expression, StandardCharsets.UTF_8)))
                .timeout(Duration.ofSeconds(30))
                .build();
        final HttpResponse<String> response;
        try {
            response = http.send(request, HttpResponse.BodyHandlers.ofString());
        } catch (final IOException e) {
            assertThat(process.isAlive()).as("prometheus runs; %s", e).isTrue();
            return JsonMapper.shared().createArrayNode();
        }
        if (response.statusCode() == 503) { // it is starting
            return JsonMapper.shared().createArrayNode();
        }
        assertThat(response.statusCode())
                .as(expression + ": " + response.body())
                .isEqualTo(200);
        return JsonMapper.shared().readTree(response.body()).get("data").get("result");
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }

    /** How a tool ended. */
    record Outcome(int status, String output) {}
}
