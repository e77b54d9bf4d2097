package dev.fusedio.gateway.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.gateway.GatewayProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** The dashboards against a real Prometheus that scrapes the real gateway, which works a little. */
class DashboardsIT {
    /** Needs the ublk driver: these panels are fed from what the same code writes for made-up attachments. */
    private static final String UBLK = "fused_attachment_";

    /** The panels that are about attachments, and no others. */
    private static final Set<String> FED =
            Set.of("fused-clients 15", "fused-clients 17", "fused-clients 18", "fused-clients 19", "fused-clients 20");

    private static final String PASSWORD = "changeit";
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final byte[] NOTHING = {};

    @TempDir
    static Path scratch;

    private static GatewayProcess gateway;
    private static AttachmentExposition attachments;
    private static PrometheusProcess prometheus;

    @BeforeAll
    static void start() throws IOException, InterruptedException {
        PrometheusProcess.requireInstalled();
        final Path keys = scratch.resolve("keys.p12");
        assertThat(PrometheusProcess.run(
                                Path.of(System.getProperty("java.home"), "bin", "keytool")
                                        .toString(),
                                "-genkeypair",
                                "-alias",
                                "web",
                                "-keyalg",
                                "EC",
                                "-dname",
                                "CN=gateway",
                                "-storetype",
                                "PKCS12",
                                "-storepass",
                                PASSWORD,
                                "-keystore",
                                keys.toString())
                        .status())
                .isZero();
        gateway = GatewayProcess.start(
                Files.createDirectory(scratch.resolve("pool")),
                scratch.resolve("errors"),
                "--spring.ssl.bundle.jks.web.keystore.location=file:" + keys,
                "--spring.ssl.bundle.jks.web.keystore.password=" + PASSWORD,
                "--spring.ssl.bundle.jks.web.keystore.type=PKCS12");
        // No file grows beyond 64 MiB from here on: writing there is how the volume comes by an error.
        assertThat(PrometheusProcess.run("prlimit", "--pid=" + gateway.pid(), "--fsize=67108864")
                        .status())
                .isZero();
        work();
        attachments = AttachmentExposition.start();
        prometheus = PrometheusProcess.start(scratch, List.of(gateway.httpAddress(), attachments.address()));
    }

    @AfterAll
    static void stop() {
        for (final AutoCloseable each : new AutoCloseable[] {prometheus, attachments, gateway}) {
            if (each != null) {
                try {
                    each.close();
                } catch (final Exception e) {
                    throw new AssertionError(e);
                }
            }
        }
    }

    @Test
    void everyQueryIsParsed() throws IOException, InterruptedException {
        final StringBuilder rules = new StringBuilder("groups:\n- name: queries\n  rules:\n");
        int number = 0;
        for (final MonitoringFiles.Query query : MonitoringFiles.queries()) {
            rules.append("  - record: panel:query:")
                    .append(number++)
                    .append("\n    expr: '")
                    .append(query.substituted("5m").replace("'", "''"))
                    .append("'\n");
        }
        final Path file = Files.writeString(scratch.resolve("queries.yaml"), rules.toString());
        PrometheusProcess.promtool("check", "rules", file.toString());
        assertThat(number).isGreaterThan(80);
    }

    @Test
    void everyMetricInDashboardsAndRulesExists() throws InterruptedException {
        final Set<String> used = new TreeSet<>();
        MonitoringFiles.queries().forEach(query -> used.addAll(MonitoringFiles.metrics(query.expression())));
        MonitoringFiles.alerts().forEach(alert -> used.addAll(MonitoringFiles.metrics((String) alert.get("expr"))));
        used.remove("scrape_duration_seconds"); // Prometheus's own

        final Set<String> missing = new TreeSet<>(used);
        missing.removeIf(name -> name.startsWith(UBLK));
        until(() -> {
            work();
            missing.removeAll(names(gateway.get("/actuator/prometheus")));
            return missing.isEmpty();
        });
        assertThat(missing).isEmpty();
        assertThat(names(attachments.exposition()))
                .containsAll(used.stream().filter(name -> name.startsWith(UBLK)).toList());
    }

    @Test
    void theDocumentedMetricsAreThoseThatThereAre() throws InterruptedException {
        final Set<String> real = new TreeSet<>();
        final Set<String> documented = documented();
        until(() -> {
            real.addAll(names(gateway.get("/actuator/prometheus")));
            real.removeIf(name -> !name.startsWith("fused_"));
            real.addAll(names(attachments.exposition()));
            real.removeIf(name -> name.matches("fused_volume_latency_seconds_(bucket|sum|count)"));
            real.add("fused_volume_latency_seconds");
            return real.equals(documented);
        });
        assertThat(real).isEqualTo(documented);
    }

    @Test
    void everyPanelHasData() throws InterruptedException {
        final List<MonitoringFiles.Query> empty = new ArrayList<>(MonitoringFiles.queries());
        final Set<String> fed = new TreeSet<>();
        until(() -> {
            work();
            final List<MonitoringFiles.Query> asked = List.copyOf(empty);
            empty.clear();
            for (final MonitoringFiles.Query query : asked) {
                if (!hasNumber(prometheus.query(query.substituted("20s")))) {
                    empty.add(query);
                } else if (query.expression().contains(UBLK)) {
                    fed.add(query.dashboard() + " " + query.panel());
                }
            }
            return empty.isEmpty();
        });
        assertThat(empty).isEmpty();
        assertThat(fed).isEqualTo(FED);
    }

    @Test
    void prometheusLoadsAndEvaluatesTheRules() throws InterruptedException {
        // asked once more it may be gone for a moment: a scrape that takes longer than a second has no series
        final boolean fired = until(() -> {
            work();
            return hasNumber(prometheus.query("ALERTS{alertname=\"FusedVolumeNoSpace\", alertstate=\"firing\"}"));
        });
        assertThat(fired).isTrue();
        // pending for a moment where the first scrapes of a cold service took too long
        assertThat(until(() -> prometheus
                        .query("ALERTS{alertname=\"FusedGatewayAbsent\"}")
                        .isEmpty()))
                .isTrue();
    }

    /** A session that reads, writes and fails to write; transfers that succeed and one that does not. */
    private static void work() throws InterruptedException {
        try {
            PrometheusProcess.run(
                    "qemu-io",
                    "-f",
                    "raw",
                    "-c",
                    "write 0 64k",
                    "-c",
                    "read 0 64k",
                    "-c",
                    "flush",
                    "-c",
                    "write 256M 4k",
                    gateway.nbd("demo"));
        } catch (final IOException e) {
            throw new AssertionError("qemu-io (Debian's package qemu-utils): " + e.getMessage(), e);
        }
        gateway.send("PUT", "/api/v1/volumes/demo/data", new byte[4096], "Content-Range", "bytes 0-4095/*");
        gateway.send("GET", "/api/v1/volumes/demo/data", NOTHING, "Range", "bytes=0-65535");
        gateway.send("GET", "/api/v1/volumes/none/data", NOTHING);
    }

    private static boolean hasNumber(final JsonNode result) {
        for (final JsonNode sample : result) {
            if (!sample.get("value").get(1).asString().equals("NaN")) {
                return true;
            }
        }
        return false;
    }

    private static Set<String> names(final String exposition) {
        return exposition
                .lines()
                .filter(line -> !line.startsWith("#") && !line.isBlank())
                .map(line -> line.split("[{ ]", 2)[0])
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** The names in the table of docs/monitoring.md. */
    private static Set<String> documented() {
        return MonitoringFiles.text(MonitoringFiles.DOCS.resolve("monitoring.md"))
                .lines()
                .filter(line -> line.startsWith("| `fused_"))
                .flatMap(line -> MonitoringFiles.metrics(line.split("\\|", -1)[1]).stream())
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** Whether it has come to hold in time. */
    private static boolean until(final Condition condition) throws InterruptedException {
        final long end = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.holds()) {
            if (System.nanoTime() > end) {
                return false;
            }
            TimeUnit.MILLISECONDS.sleep(500);
        }
        return true;
    }

    /** May wait. */
    @FunctionalInterface
    private interface Condition {
        boolean holds() throws InterruptedException;
    }
}
