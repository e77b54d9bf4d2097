package dev.fusedio.gateway.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.gateway.ApiTest;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
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
    void publishesTheNodeItsLimitsAndItsProtocols() {
        create("{\"name\": \"v\", \"size\": 4096}");
        final double transfers = value("fused_http_transfers_total{outcome=\"completed\"}");
        final double read = value("fused_protocol_bytes_total{direction=\"read\",protocol=\"http\"}");
        http.get().uri("/api/v1/volumes/v/data").exchange().expectStatus().isOk();
        http.get().uri("/api/v1/volumes/none/data").exchange().expectStatus().isNotFound();

        assertThat(scrape())
                .contains("fused_build_info{java=\"", "kernel=\"6.12.0\",version=\"")
                .contains("fused_ring_feature{feature=\"SINGLE_ISSUER\"} 1.0")
                .contains("fused_ring_feature{feature=\"REGISTER_BUFFERS\"} 0.0")
                .contains("fused_ring_running 1.0")
                .contains("fused_nbd_listeners 1.0")
                .contains("fused_memory_lock_limit_bytes 8388608.0")
                .contains("fused_memory_registered_bytes 0.0")
                .contains("fused_sessions_opened_total 3.0")
                .contains("fused_sessions_closed_total{reason=\"disconnected\"} 2.0")
                .contains("fused_sessions_limit 4096.0")
                .contains("fused_http_transfers_limit 2.0")
                .contains("fused_protocol_requests_total{protocol=\"nbd\"} 50.0")
                .contains("fused_protocol_errors_total{protocol=\"nbd\"} 4.0")
                .contains("fused_protocol_bytes_total{direction=\"read\",protocol=\"nbd\"} 8192.0")
                .contains("fused_protocol_bytes_total{direction=\"write\",protocol=\"nbd\"} 1024.0")
                .contains("fused_volumes_promised_bytes 4096.0");
        assertThat(value("fused_http_transfers_total{outcome=\"completed\"}")).isEqualTo(transfers + 1);
        assertThat(value("fused_http_transfers_total{outcome=\"failed\"}")).isPositive();
        assertThat(value("fused_protocol_errors_total{protocol=\"http\"}")).isPositive();
        assertThat(value("fused_protocol_bytes_total{direction=\"read\",protocol=\"http\"}"))
                .isEqualTo(read + 4096);
    }

    @Test
    void publishesWhatIsAskedNowAndThen() {
        await(() -> scrape().contains("fused_ready 1.0"));
        await(() -> scrape().contains("fused_devices_orphaned 0.0"));
        await(() -> value("fused_pool_size_bytes") > 0 && value("fused_pool_free_bytes") > 0);
        assertThat(value("fused_pool_free_bytes")).isLessThanOrEqualTo(value("fused_pool_size_bytes"));

        sessions.reset();
        await(() -> scrape().contains("fused_ready 0.0"));
    }

    @Test
    void aVolumeThatIsGoneLeavesNoSeries() {
        create("{\"name\": \"gone\", \"size\": 4096}");
        assertThat(scrape()).contains("volume=\"gone\"");
        http.delete()
                .uri("/api/v1/volumes/gone")
                .header("If-Match", "*")
                .exchange()
                .expectStatus()
                .isNoContent();
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

    private double value(final String series) {
        return scrape().lines()
                .filter(line -> line.startsWith(series + " "))
                .mapToDouble(line -> Double.parseDouble(line.substring(series.length() + 1)))
                .findFirst()
                .orElse(0);
    }

    private static void await(final BooleanSupplier condition) {
        final long end = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).isLessThan(end);
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
        }
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
