package dev.fusedio.gateway.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

/** The conventions that Grafana's dashboard linter checks, and some of our own. */
class DashboardTest {
    private static final int GRID_WIDTH = 24;
    private static final Pattern RANGE = Pattern.compile("\\b(?:rate|irate|increase)\\(\\w+\\{[^}]*}\\[([^]]+)]");
    private static final Pattern COUNTER = Pattern.compile("(\\w+_(?:total|bucket|sum|count))\\{");
    private static final Pattern SELECTOR = Pattern.compile("\\{([^}]*)}");
    private static final Set<String> KINDS = Set.of("row", "timeseries", "stat", "table", "heatmap");

    static Stream<JsonNode> dashboards() {
        return MonitoringFiles.dashboards().values().stream();
    }

    @Test
    void thereAreFive() {
        assertThat(MonitoringFiles.dashboards().keySet())
                .containsExactlyInAnyOrder("overview.json", "volume.json", "clients.json", "cores.json", "jvm.json");
        assertThat(dashboards().map(dashboard -> dashboard.get("uid").asString()))
                .doesNotHaveDuplicates();
    }

    @ParameterizedTest
    @MethodSource("dashboards")
    void areProvisionedAsTheyAre(final JsonNode dashboard) {
        assertThat(dashboard.get("uid").asString()).matches("fused-[a-z]+");
        assertThat(dashboard.get("title").asString()).startsWith("Fused gateway / ");
        assertThat(dashboard.get("description").asString()).isNotBlank();
        assertThat(dashboard.get("editable").asBoolean()).isFalse();
        assertThat(dashboard.get("id").isNull()).isTrue();
        assertThat(dashboard.get("schemaVersion").asInt()).isEqualTo(39);
        assertThat(dashboard.get("graphTooltip").asInt()).isEqualTo(1);
        assertThat(dashboard.get("tags").get(0).asString()).isEqualTo("fused-gateway");
    }

    @ParameterizedTest
    @MethodSource("dashboards")
    void haveVariables(final JsonNode dashboard) {
        final Map<String, JsonNode> variables = new java.util.LinkedHashMap<>();
        dashboard
                .get("templating")
                .get("list")
                .forEach(each -> variables.put(each.get("name").asString(), each));

        assertThat(variables.keySet()).startsWith("datasource", "job", "instance");
        assertThat(variables.get("datasource").get("type").asString()).isEqualTo("datasource");
        assertThat(variables.get("datasource").get("query").asString()).isEqualTo("prometheus");
        variables.remove("datasource");
        assertThat(variables.values()).allSatisfy(variable -> {
            assertThat(variable.get("type").asString()).isEqualTo("query");
            assertThat(variable.get("datasource").get("uid").asString()).isEqualTo("${datasource}");
            assertThat(variable.get("multi").asBoolean()).isTrue();
            assertThat(variable.get("includeAll").asBoolean()).isTrue();
            assertThat(variable.get("refresh").asInt()).isEqualTo(2);
            assertThat(variable.get("definition").asString()).startsWith("label_values(fused_");
        });
        final String all = dashboard.toString();
        assertThat(all.contains("$volume")).isEqualTo(variables.containsKey("volume"));
    }

    @ParameterizedTest
    @MethodSource("dashboards")
    void panelsAreDescribed(final JsonNode dashboard) {
        final Set<Integer> ids = new HashSet<>();
        for (final JsonNode panel : MonitoringFiles.panels(dashboard)) {
            final String title = panel.get("title").asString();
            assertThat(title).isNotBlank();
            assertThat(ids.add(panel.get("id").asInt())).as("id of %s", title).isTrue();
            final String kind = panel.get("type").asString();
            assertThat(KINDS).contains(kind);
            if (kind.equals("row")) {
                continue;
            }
            assertThat(panel.get("description").asString()).as(title).endsWith(".");
            assertThat(panel.get("datasource").get("uid").asString()).as(title).isEqualTo("${datasource}");
            assertThat(panel.get("fieldConfig").get("defaults").get("unit").asString())
                    .as(title)
                    .isNotBlank();
            assertThat(panel.get("targets").isEmpty()).as(title).isFalse();
            if (kind.equals("timeseries")) {
                assertThat(panel.get("options").get("legend").get("showLegend").asBoolean())
                        .as(title)
                        .isTrue();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dashboards")
    void panelsDoNotOverlap(final JsonNode dashboard) {
        final Set<List<Integer>> taken = new HashSet<>();
        for (final JsonNode panel : MonitoringFiles.panels(dashboard)) {
            final JsonNode at = panel.get("gridPos");
            final int right = at.get("x").asInt() + at.get("w").asInt();
            assertThat(right).isLessThanOrEqualTo(GRID_WIDTH);
            for (int x = at.get("x").asInt(); x < right; x++) {
                for (int y = at.get("y").asInt();
                        y < at.get("y").asInt() + at.get("h").asInt();
                        y++) {
                    assertThat(taken.add(List.of(x, y)))
                            .as("%s at %d,%d", panel.get("title").asString(), x, y)
                            .isTrue();
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dashboards")
    void queriesChooseByVariablesAndRateCounters(final JsonNode dashboard) {
        for (final JsonNode panel : MonitoringFiles.panels(dashboard)) {
            final Set<String> references = new HashSet<>();
            for (final JsonNode target : panel.path("targets")) {
                final String query = target.get("expr").asString();
                assertThat(references.add(target.get("refId").asString()))
                        .as(query)
                        .isTrue();
                assertThat(target.get("datasource").get("uid").asString())
                        .as(query)
                        .isEqualTo("${datasource}");
                final List<String> selectors = new ArrayList<>();
                SELECTOR.matcher(query).results().forEach(match -> selectors.add(match.group(1)));
                assertThat(selectors)
                        .as(query)
                        .isNotEmpty()
                        .allSatisfy(
                                selector -> assertThat(selector).contains("job=~\"$job\"", "instance=~\"$instance\""));
                RANGE.matcher(query)
                        .results()
                        .forEach(match -> assertThat(match.group(1)).as(query).isEqualTo("$__rate_interval"));
                COUNTER.matcher(query)
                        .results()
                        .forEach(match -> assertThat(query)
                                .as("a counter without rate")
                                .containsPattern("(?:rate|increase)\\(" + match.group(1) + "\\{"));
                if (!panel.get("type").asString().equals("table")) {
                    assertThat(query).as("a query without aggregation").containsPattern("\\b(?:sum|min|max|avg)\\b");
                    assertThat(target.get("legendFormat").asString()).as(query).isNotBlank();
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dashboards")
    void ratiosAreMeasuredAsRatios(final JsonNode dashboard) {
        for (final JsonNode panel : MonitoringFiles.panels(dashboard)) {
            final JsonNode defaults = panel.path("fieldConfig").path("defaults");
            if (defaults.path("unit").asString("").equals("percentunit")) {
                defaults.path("thresholds")
                        .path("steps")
                        .forEach(step -> assertThat(step.get("value").isNull()
                                        || step.get("value").asDouble() <= 1)
                                .as(panel.get("title").asString())
                                .isTrue());
            }
            assertThat(defaults.path("unit").asString("")).isNotEqualTo("percent");
        }
    }
}
