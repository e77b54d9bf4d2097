package dev.fusedio.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.marcnuri.helm.Helm;
import com.marcnuri.helm.TemplateCommand;
import io.kubernetes.client.openapi.models.V1ConfigMap;
import io.kubernetes.client.openapi.models.V1DaemonSet;
import io.kubernetes.client.openapi.models.V1NetworkPolicy;
import io.kubernetes.client.openapi.models.V1Pod;
import io.kubernetes.client.openapi.models.V1PodDisruptionBudget;
import io.kubernetes.client.openapi.models.V1Secret;
import io.kubernetes.client.openapi.models.V1Service;
import io.kubernetes.client.openapi.models.V1ServiceAccount;
import io.kubernetes.client.openapi.models.V1StatefulSet;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.yaml.snakeyaml.Yaml;

/** The Helm chart, rendered by Helm itself; each object is held against the model of Kubernetes. */
class ChartTest {
    private static final Path CHART = Path.of("../helm/fused-gateway");
    private static final Gson GSON = new Gson();
    private static final String KUBERNETES = "1.35.0";

    /** What each kind may have; an unknown or a missing field is refused. */
    private static final Map<String, Check> MODEL = Map.ofEntries(
            Map.entry("ConfigMap", V1ConfigMap::validateJsonElement),
            Map.entry("DaemonSet", V1DaemonSet::validateJsonElement),
            Map.entry("NetworkPolicy", V1NetworkPolicy::validateJsonElement),
            Map.entry("Pod", V1Pod::validateJsonElement),
            Map.entry("PodDisruptionBudget", V1PodDisruptionBudget::validateJsonElement),
            Map.entry("PrometheusRule", ChartTest::checkPrometheusRule),
            Map.entry("Secret", V1Secret::validateJsonElement),
            Map.entry("Service", V1Service::validateJsonElement),
            Map.entry("ServiceAccount", V1ServiceAccount::validateJsonElement),
            Map.entry("ServiceMonitor", ChartTest::checkServiceMonitor),
            Map.entry("StatefulSet", V1StatefulSet::validateJsonElement));

    /** The chart without its mark of hooks: rendering leaves those out, and they shall be checked as well. */
    private static Path chart;

    @BeforeAll
    static void makeHooksPlainObjects(@TempDir final Path directory) throws IOException {
        chart = directory.resolve("fused-gateway");
        try (Stream<Path> files = Files.walk(CHART)) {
            for (final Path file : files.filter(Files::isRegularFile).toList()) {
                final Path copy = chart.resolve(CHART.relativize(file).toString());
                Files.createDirectories(copy.getParent());
                Files.writeString(copy, Files.readString(file).replaceAll("helm\\.sh/hook", "example.org/hook"));
            }
        }
    }

    private interface Check {
        void accept(JsonElement object) throws IOException;
    }

    static Stream<Path> values() throws IOException {
        try (Stream<Path> files = Files.list(CHART.resolve("ci"))) {
            return Stream.concat(Stream.of(CHART.resolve("values.yaml")), files.sorted().toList().stream());
        }
    }

    @ParameterizedTest
    @MethodSource("values")
    void isAcceptedByLintAndByTheModelOfKubernetes(final Path values) throws IOException {
        assertThat(new Helm(CHART).lint().strict().call().isFailed()).isFalse();
        final List<JsonObject> objects = render(values);
        assertThat(objects).isNotEmpty();
        for (final JsonObject object : objects) {
            final String kind = object.get("kind").getAsString();
            assertThat(MODEL).containsKey(kind);
            MODEL.get(kind).accept(object);
        }
    }

    @Test
    void aMisspeltFieldIsNotAccepted() throws IOException {
        final JsonObject set = find(render(CHART.resolve("values.yaml")), "StatefulSet");
        set.getAsJsonObject("spec")
                .getAsJsonObject("template")
                .getAsJsonObject("spec")
                .addProperty("runetimeClass", "x");
        assertThatThrownBy(() -> V1StatefulSet.validateJsonElement(set)).hasMessageContaining("runetimeClass");
    }

    @Test
    void byItselfItPassesPodSecurityRestricted() throws IOException {
        final List<JsonObject> objects = render(CHART.resolve("values.yaml"));
        assertThat(objects).noneMatch(object -> kind("DaemonSet").test(object));
        assertRestricted(find(objects, "StatefulSet")
                .getAsJsonObject("spec")
                .getAsJsonObject("template")
                .getAsJsonObject("spec"));
        assertRestricted(find(objects, "Pod").getAsJsonObject("spec"));
    }

    @Test
    void theCheckTrustsTheCertificateOfTheGatewaysAndHasNoKey() throws IOException {
        assertThat(find(render(CHART.resolve("ci/everything-values.yaml")), "Pod")
                        .toString())
                .contains("{\"name\":\"certificate\",\"key\":\"tls.crt\"}")
                .doesNotContain("tls.key");
        assertThat(find(render(CHART.resolve("values.yaml")), "Pod").toString())
                .doesNotContain("\"name\":\"GATEWAY_CERTIFICATE\"");
    }

    @Test
    void eachPodHasAServiceOfItsOwn() throws IOException {
        final List<JsonObject> objects = render(CHART.resolve("ci/everything-values.yaml"));
        assertThat(objects.stream().filter(kind("Service")).map(ChartTest::name))
                .containsExactlyInAnyOrder("store-headless", "store-0", "store-1", "store-2");
        assertThat(objects.stream()
                        .filter(kind("Service"))
                        .map(service -> service.getAsJsonObject("spec")
                                .getAsJsonObject("selector")
                                .get("statefulset.kubernetes.io/pod-name"))
                        .filter(pod -> pod != null)
                        .map(JsonElement::getAsString))
                .containsExactlyInAnyOrder("store-0", "store-1", "store-2");
    }

    @Test
    void onlyTheNodePartIsPrivileged() throws IOException {
        for (final JsonObject object : render(CHART.resolve("ci/everything-values.yaml"))) {
            final boolean privileged = object.toString().contains("\"privileged\":true");
            assertThat(privileged)
                    .as(name(object))
                    .isEqualTo(name(object).equals("store-node")
                            && kind("DaemonSet").test(object));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "resorces.limits.cpu=1",
                "image.pullPolicy=Sometimes",
                "replicas=-1",
                "seccomp.mode=none",
                "seccomp.localhostProfile=../etc/passwd",
                "auth.enabled=false",
                "settings.Server=1",
                "oidc.issuerUri=http://plain.example",
                "metrics.serviceMonitor.interval=soon",
                "nodeAttach.statePath=relative",
            })
    void refusesValuesThatDoNotExistOrMeanNothing(final String value) {
        final TemplateCommand template = new Helm(CHART).template().withKubeVersion(KUBERNETES);
        final int sign = value.indexOf('=');
        template.set(value.substring(0, sign), value.substring(sign + 1));
        assertThatThrownBy(template::call).hasMessageContaining("values don't meet the specifications of the schema");
    }

    @Test
    void itsReadmeNamesEveryValueAndNoOther() throws IOException {
        final Set<String> paths = new TreeSet<>();
        leaves("", new Yaml().load(Files.readString(CHART.resolve("values.yaml"))), paths);
        final Set<String> named = new TreeSet<>();
        for (final String line : Files.readAllLines(CHART.resolve("README.md"))) {
            if (line.startsWith("| `")) {
                Pattern.compile("`([^`]+)`")
                        .matcher(line.substring(0, line.indexOf('|', 1)))
                        .results()
                        .forEach(match -> named.add(match.group(1)));
            }
        }
        final Set<String> covered = new TreeSet<>();
        for (final String path : paths) {
            assertThat(named).as(path).anyMatch(name -> path.equals(name) || path.startsWith(name + "."));
            named.stream()
                    .filter(name -> path.equals(name) || path.startsWith(name + "."))
                    .forEach(covered::add);
        }
        assertThat(covered).isEqualTo(named);
    }

    private static void leaves(final String prefix, final Object value, final Set<String> paths) {
        if (value instanceof final Map<?, ?> map && !map.isEmpty()) {
            map.forEach((key, inner) -> leaves(prefix.isEmpty() ? key.toString() : prefix + "." + key, inner, paths));
        } else {
            paths.add(prefix);
        }
    }

    private static void assertRestricted(final JsonObject pod) {
        final JsonObject security = pod.getAsJsonObject("securityContext");
        assertThat(security.get("runAsNonRoot").getAsBoolean()).isTrue();
        assertThat(security.getAsJsonObject("seccompProfile").get("type").getAsString())
                .isIn("Localhost", "RuntimeDefault");
        assertThat(pod.toString()).doesNotContain("hostPath", "hostNetwork", "hostPID", "hostIPC", "hostPort");
        for (final JsonElement container : pod.getAsJsonArray("containers")) {
            final JsonObject own = container.getAsJsonObject().getAsJsonObject("securityContext");
            assertThat(own.get("allowPrivilegeEscalation").getAsBoolean()).isFalse();
            assertThat(own.getAsJsonObject("capabilities")).hasToString("{\"drop\":[\"ALL\"]}");
        }
    }

    /** What the rule file has, unchanged: {@code AlertRulesIT} checks that file. */
    private static void checkPrometheusRule(final JsonElement object) throws IOException {
        final JsonObject rule = object.getAsJsonObject();
        assertThat(rule.get("apiVersion").getAsString()).isEqualTo("monitoring.coreos.com/v1");
        assertThat(rule.keySet()).isEqualTo(Set.of("apiVersion", "kind", "metadata", "spec"));
        assertThat(rule.get("spec"))
                .isEqualTo(GSON.toJsonTree(
                        new Yaml().<Object>load(Files.readString(CHART.resolve("files/rules/fused-gateway.yaml")))));
    }

    /** The operator's kind, as far as the chart uses it: its fields are written down here. */
    private static void checkServiceMonitor(final JsonElement object) {
        final JsonObject monitor = object.getAsJsonObject();
        assertThat(monitor.get("apiVersion").getAsString()).isEqualTo("monitoring.coreos.com/v1");
        assertThat(monitor.keySet()).isEqualTo(Set.of("apiVersion", "kind", "metadata", "spec"));
        final JsonObject spec = monitor.getAsJsonObject("spec");
        assertThat(spec.keySet()).isEqualTo(Set.of("selector", "endpoints"));
        for (final JsonElement endpoint : spec.getAsJsonArray("endpoints")) {
            assertThat(endpoint.getAsJsonObject().keySet())
                    .isSubsetOf("port", "path", "interval", "scheme", "authorization", "tlsConfig");
            assertThat(endpoint.getAsJsonObject()
                            .getAsJsonObject("authorization")
                            .keySet())
                    .isEqualTo(Set.of("type", "credentials"));
        }
    }

    private static List<JsonObject> render(final Path values) {
        final String text = new Helm(chart)
                .template()
                .withName("x")
                .withNamespace("storage")
                .withKubeVersion(KUBERNETES)
                .withValuesFile(values)
                // Without it the chart looks in the cluster for the secret of an earlier release, and there is none.
                .set("auth.existingSecret", "tokens")
                .call();
        return StreamSupport.stream(new Yaml().loadAll(text).spliterator(), false)
                .filter(document -> document != null)
                .map(document -> GSON.toJsonTree(document).getAsJsonObject())
                .toList();
    }

    private static JsonObject find(final List<JsonObject> objects, final String kind) {
        return objects.stream().filter(kind(kind)).findFirst().orElseThrow();
    }

    private static Predicate<JsonObject> kind(final String kind) {
        return object -> object.get("kind").getAsString().equals(kind);
    }

    private static String name(final JsonObject object) {
        return object.getAsJsonObject("metadata").get("name").getAsString();
    }
}
