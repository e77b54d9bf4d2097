package dev.fusedio.gateway.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.gateway.ApiTest;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

class ScrapeTest extends ApiTest {
    @Test
    void publishesTheCountersOfVolumesLoopsAndSessions() {
        create("{\"name\": \"v\", \"size\": 4096}");
        sessions.open("v");

        assertThat(scrape())
                .contains("fused_volume_operations_total{operation=\"read\",volume=\"v\"} 2.0")
                .contains("fused_volume_bytes_total{operation=\"read\",volume=\"v\"} 8192.0")
                .contains("fused_volume_errors_total{errno=\"ENOSPC\",operation=\"write\",volume=\"v\"} 1.0")
                .contains("fused_volume_latency_seconds_bucket{operation=\"read\",volume=\"v\",le=\"4.0E-6\"} 0")
                .contains("fused_volume_latency_seconds_bucket{operation=\"read\",volume=\"v\",le=\"8.0E-6\"} 2")
                .contains("fused_volume_latency_seconds_bucket{operation=\"read\",volume=\"v\",le=\"+Inf\"} 2")
                .contains("fused_volume_latency_seconds_sum{operation=\"read\",volume=\"v\"} 1.4E-5")
                .contains("fused_volume_in_flight{volume=\"v\"} 0.0")
                .contains("fused_volume_size_bytes{volume=\"v\"} 4096.0")
                .contains("fused_loop_busy_seconds_total{core=\"0\"} 1.5")
                .contains("fused_loop_submissions_total{core=\"0\"} 20.0")
                .contains("fused_loop_completions_total{core=\"0\"} 30.0")
                .contains("fused_loop_enters_total{core=\"0\"} 10.0")
                .contains("fused_loop_requests_total{core=\"0\"} 40.0")
                .contains("fused_loop_overflow_total{core=\"0\"} 1.0")
                .contains("fused_loop_enters_total{core=\"1\"} 0.0")
                .contains("fused_bytes_borrowed_total{core=\"0\"} 4096.0")
                .contains("fused_bytes_copied_total{core=\"0\"} 512.0")
                .contains("fused_memory_leased_bytes{core=\"0\"} 8192.0")
                .contains("fused_memory_slab_bytes{core=\"0\"} 1048576.0")
                .contains("fused_sessions 1.0")
                .contains("fused_negotiation_failures_total{reason=\"timeout\"} 3.0")
                .contains("fused_volumes 1.0")
                .contains("fused_volumes_damaged 0.0");
        assertThat(scrape()).contains("fused_volume_allocated_bytes{volume=\"v\"} 4096.0");
    }

    @Test
    void aVolumeThatIsGoneLeavesNoSeries() {
        create("{\"name\": \"gone\", \"size\": 4096}");
        assertThat(scrape()).contains("volume=\"gone\"");
        http.delete().uri("/api/v1/volumes/gone").exchange().expectStatus().isNoContent();
        assertThat(scrape()).doesNotContain("volume=\"gone\"");
    }

    @Test
    void prometheusFindsNothingToComplainOf() throws IOException, InterruptedException {
        final Process promtool;
        try {
            promtool = new ProcessBuilder("promtool", "check", "metrics")
                    .redirectErrorStream(true)
                    .start();
        } catch (final IOException e) {
            Assumptions.abort("promtool is not installed: " + e.getMessage());
            return;
        }
        create("{\"name\": \"v\", \"size\": 4096}");
        scrape();
        try (var input = promtool.outputWriter()) {
            input.write(scrape());
        }
        final List<String> complaints = promtool.inputReader().readAllLines();
        assertThat(promtool.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(complaints).isEmpty();
        assertThat(promtool.exitValue()).isZero();
    }

    private String scrape() {
        return http.mutate()
                .codecs(codecs -> codecs.defaultCodecs().maxInMemorySize(4 << 20))
                .build()
                .get()
                .uri("/actuator/prometheus")
                .exchange()
                .expectStatus()
                .isOk()
                .expectBody(String.class)
                .returnResult()
                .getResponseBody();
    }
}
