package dev.fusedio.gateway.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.yaml.snakeyaml.Yaml;

/** The alert rules, by Prometheus's own tool. */
class AlertRulesIT {
    @BeforeAll
    static void tools() {
        PrometheusProcess.requireInstalled();
    }

    @Test
    void promtoolFindsNothingToComplainOf() throws IOException, InterruptedException {
        PrometheusProcess.promtool("check", "rules", "--lint=all", MonitoringFiles.RULES.toString());
    }

    @Test
    void everyAlertFiresWhenItShouldAndOnlyThen() throws IOException, InterruptedException {
        assertThat(PrometheusProcess.promtool("test", "rules", MonitoringFiles.RULE_TESTS.toString()))
                .contains("SUCCESS");
    }

    @Test
    void theTestsNoticeAThresholdThatIsNeverReached(@TempDir final Path scratch)
            throws IOException, InterruptedException {
        final Path rules = Files.writeString(
                scratch.resolve("rules.yaml"),
                MonitoringFiles.text(MonitoringFiles.RULES).replace("[5m]) > 0.95", "[5m]) > 95"));
        final Path tests = Files.writeString(
                scratch.resolve("tests.yaml"),
                MonitoringFiles.text(MonitoringFiles.RULE_TESTS)
                        .replaceAll("rule_files:\n.*", "rule_files: [" + rules + "]"));
        assertThat(PrometheusProcess.run("promtool", "test", "rules", tests.toString())
                        .status())
                .isNotZero();
    }

    @Test
    @SuppressWarnings("unchecked") // what the file holds; a wrong shape fails the test
    void everyAlertHasATestOfBothKinds() {
        final Set<String> fires = new TreeSet<>();
        final Set<String> quiet = new TreeSet<>();
        final Map<String, Object> file = new Yaml().load(MonitoringFiles.text(MonitoringFiles.RULE_TESTS));
        for (final Map<String, Object> test : (List<Map<String, Object>>) file.get("tests")) {
            for (final Map<String, Object> check : (List<Map<String, Object>>) test.get("alert_rule_test")) {
                final List<?> expected = (List<?>) check.get("exp_alerts");
                (expected.isEmpty() ? quiet : fires).add((String) check.get("alertname"));
                assertThat((List<?>) test.get("input_series")).isNotEmpty();
            }
        }
        final Set<String> names = names();
        assertThat(names).isNotEmpty();
        assertThat(fires).isEqualTo(names);
        assertThat(quiet).isEqualTo(names);
    }

    @Test
    void everyAlertSaysWhatItIsAndWhatToDo() {
        final String runbooks = MonitoringFiles.text(MonitoringFiles.DOCS.resolve("runbooks.md"));
        for (final Map<String, Object> alert : MonitoringFiles.alerts()) {
            final String name = (String) alert.get("alert");
            assertThat(((Map<?, ?>) alert.get("labels")).get("severity"))
                    .as(name)
                    .isIn("critical", "warning", "info");
            final Map<?, ?> annotations = (Map<?, ?>) alert.get("annotations");
            assertThat((String) annotations.get("summary")).as(name).isNotBlank();
            assertThat((String) annotations.get("description")).as(name).endsWith(".");
            assertThat(annotations.get("runbook"))
                    .isEqualTo("docs/runbooks.md#" + name.toLowerCase(java.util.Locale.ROOT));
            assertThat(runbooks).containsPattern("(?m)^## " + name + "\n\\*[^*]+\\*.*\n\n.{60}");
        }
        assertThat(runbooks.lines().filter(line -> line.startsWith("## ")).map(line -> line.substring(3)))
                .containsExactlyInAnyOrderElementsOf(names());
    }

    private static Set<String> names() {
        return MonitoringFiles.alerts().stream()
                .map(alert -> (String) alert.get("alert"))
                .collect(Collectors.toCollection(TreeSet::new));
    }
}
