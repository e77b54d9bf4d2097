package dev.fusedio.gateway.metrics;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.yaml.snakeyaml.Yaml;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The dashboards and alert rules that the repository ships. */
final class MonitoringFiles {
    static final Path DASHBOARDS = Path.of("..", "helm", "fused-gateway", "files", "dashboards");
    static final Path RULES = Path.of("..", "helm", "fused-gateway", "files", "rules", "fused-gateway.yaml");
    static final Path RULE_TESTS = Path.of("src", "test", "resources", "rules", "fused-gateway-test.yaml");
    static final Path DOCS = Path.of("..", "docs");

    private static final Pattern METRIC =
            Pattern.compile("\\b(?:fused|jvm|process|system|http_server|logback|scrape)_[a-z0-9_]+");
    private static final Pattern QUOTED = Pattern.compile("\"[^\"]*\"");

    private MonitoringFiles() {}

    /** Dashboards by file name. */
    static Map<String, JsonNode> dashboards() {
        try (Stream<Path> files = Files.list(DASHBOARDS)) {
            final Map<String, JsonNode> found = new java.util.TreeMap<>();
            files.forEach(file ->
                    found.put(file.getFileName().toString(), JsonMapper.shared().readTree(text(file))));
            return found;
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Every query of every panel. */
    static List<Query> queries() {
        final List<Query> queries = new ArrayList<>();
        dashboards()
                .values()
                .forEach(dashboard -> panels(dashboard)
                        .forEach(panel -> panel.path("targets")
                                .forEach(target -> queries.add(new Query(
                                        dashboard.get("uid").asString(),
                                        panel.get("id").asInt(),
                                        panel.get("title").asString(),
                                        target.get("expr").asString())))));
        return queries;
    }

    static List<JsonNode> panels(final JsonNode dashboard) {
        final List<JsonNode> panels = new ArrayList<>();
        dashboard.get("panels").forEach(panels::add);
        return panels;
    }

    /** The alert rules. */
    @SuppressWarnings("unchecked") // what the file holds; a wrong shape fails the test
    static List<Map<String, Object>> alerts() {
        final Map<String, Object> file = new Yaml().load(text(RULES));
        return ((List<Map<String, Object>>) file.get("groups"))
                .stream()
                        .flatMap(group -> ((List<Map<String, Object>>) group.get("rules")).stream())
                        .toList();
    }

    /** The names of metrics in an expression. */
    static Set<String> metrics(final String expression) {
        final Set<String> names = new TreeSet<>();
        METRIC.matcher(QUOTED.matcher(expression).replaceAll("\"\""))
                .results()
                .forEach(match -> names.add(match.group()));
        return names;
    }

    static String text(final Path file) {
        try {
            return Files.readString(file);
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A query, as a panel has it. */
    record Query(String dashboard, int panel, String title, String expression) {
        /** With values in the place of Grafana's variables. */
        String substituted(final String rateInterval) {
            return expression
                    .replace("$__rate_interval", rateInterval)
                    .replace("$job", ".+")
                    .replace("$instance", ".+")
                    .replace("$volume", ".+");
        }

        @Override
        public String toString() {
            return dashboard + " panel " + panel + " (" + title + "): " + expression;
        }
    }
}
