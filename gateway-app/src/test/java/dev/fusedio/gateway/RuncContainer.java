package dev.fusedio.gateway;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The packaged gateway in a container made by runc: a user of its own without capabilities, this machine's programs, libraries and
 * network, and a seccomp profile.
 */
final class RuncContainer implements AutoCloseable {
    private static final long START_SECONDS = 120;
    private static final int USER = 10001;
    private static final String POOL = "/var/lib/fused-gateway";
    private static final JsonMapper JSON = JsonMapper.shared();

    private final String name;
    private final Path state;
    private final Path output;
    private final Path errors;
    private final Process process;

    private RuncContainer(final Path bundle, final JsonNode seccomp, final String... settings) throws IOException {
        name = bundle.getFileName() + "-" + ProcessHandle.current().pid();
        state = Files.createDirectories(bundle.resolve("state"));
        output = bundle.resolve("out");
        errors = bundle.resolve("err");
        final Path pool = Files.createDirectories(bundle.resolve("pool"));
        Files.setAttribute(pool, "unix:uid", USER);
        Files.setAttribute(pool, "unix:gid", USER);
        Files.createDirectories(bundle.resolve("rootfs"));
        Files.writeString(
                bundle.resolve("config.json"),
                JSON.writeValueAsString(configuration(pool, seccomp, List.of(settings))));
        process = new ProcessBuilder("runc", "--root", state.toString(), "run", "--bundle", bundle.toString(), name)
                .redirectOutput(output.toFile())
                .redirectError(errors.toFile())
                .start();
        process.getOutputStream().close();
    }

    /** Starts the gateway in one; its files are kept in {@code bundle}, a folder of its own. */
    static RuncContainer start(final Path bundle, final JsonNode seccomp, final String... settings) throws IOException {
        return new RuncContainer(bundle, seccomp, settings);
    }

    /** Skips the test where no such container can be had. */
    static void assumeAvailable() {
        Assumptions.assumeTrue(
                Arrays.stream(System.getenv("PATH").split(":", -1))
                        .anyMatch(folder -> Files.isExecutable(Path.of(folder, "runc"))),
                "runc is not installed");
        Assumptions.assumeTrue("root".equals(System.getProperty("user.name")), "runc needs root here");
    }

    void awaitReady() throws IOException {
        final long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
        while (!output().contains("The gateway is ready.")) {
            if (!process.isAlive() || System.nanoTime() > end) {
                throw new AssertionError("the gateway did not start: " + errors() + output());
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
        }
    }

    String output() throws IOException {
        return Files.readString(output);
    }

    String errors() throws IOException {
        return Files.readString(errors);
    }

    /** SIGTERM; gives the exit status. */
    int terminate() throws IOException, InterruptedException {
        runc("kill", name, "TERM");
        return awaitExit();
    }

    int awaitExit() throws InterruptedException {
        if (!process.waitFor(START_SECONDS, TimeUnit.SECONDS)) {
            throw new AssertionError("the container still runs after " + START_SECONDS + " s");
        }
        return process.exitValue();
    }

    @Override
    public void close() throws IOException, InterruptedException {
        if (process.isAlive()) {
            runc("kill", name, "KILL");
            awaitExit();
        }
    }

    private void runc(final String... arguments) throws IOException, InterruptedException {
        final List<String> command = new ArrayList<>(List.of("runc", "--root", state.toString()));
        command.addAll(List.of(arguments));
        if (new ProcessBuilder(command).inheritIO().start().waitFor() != 0) {
            throw new AssertionError("failed: " + command);
        }
    }

    private static Map<String, Object> configuration(
            final Path pool, final JsonNode seccomp, final List<String> settings) throws IOException {
        final Path java = Path.of(System.getProperty("java.home"));
        final Path jar = packagedJar();
        final List<String> command = new ArrayList<>(List.of(
                java.resolve("bin/java").toString(),
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "-jar",
                jar.toString(),
                "--gateway.pool.path=" + POOL + "/pool",
                "--gateway.engine.memory=4MiB"));
        command.addAll(settings);
        final List<Map<String, Object>> mounts = new ArrayList<>(List.of(
                Map.of("destination", "/proc", "type", "proc", "source", "proc"),
                Map.of("destination", "/dev", "type", "tmpfs", "source", "tmpfs"),
                Map.of("destination", "/tmp", "type", "tmpfs", "source", "tmpfs", "options", List.of("mode=1777")),
                bind(pool, Path.of(POOL), "rw")));
        Stream.of(
                        "/usr",
                        "/bin",
                        "/lib",
                        "/lib64",
                        "/etc",
                        java.toString(),
                        jar.getParent().toString())
                .map(Path::of)
                .filter(Files::isDirectory)
                .forEach(folder -> mounts.add(bind(folder, folder, "ro")));
        return Map.of(
                "ociVersion",
                "1.0.2",
                "root",
                Map.of("path", "rootfs"),
                "mounts",
                mounts,
                "process",
                Map.of(
                        "args",
                        command,
                        "cwd",
                        "/",
                        "env",
                        List.of("LANG=C.UTF-8"),
                        "user",
                        Map.of("uid", USER, "gid", USER),
                        "noNewPrivileges",
                        true),
                "linux",
                Map.of(
                        "namespaces",
                        List.of(Map.of("type", "pid"), Map.of("type", "mount"), Map.of("type", "ipc")),
                        "seccomp",
                        seccomp));
    }

    private static Map<String, Object> bind(final Path source, final Path destination, final String mode) {
        return Map.of(
                "destination", destination.toString(),
                "type", "bind",
                "source", source.toString(),
                "options", List.of("rbind", mode));
    }

    /** What the build has packaged, which the integration tests come after. */
    private static Path packagedJar() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("target").toAbsolutePath())) {
            return files.filter(file -> file.getFileName().toString().matches("gateway-app-.*\\.jar"))
                    .findFirst()
                    .orElseThrow(() -> new AssertionError("no packaged gateway in target"));
        }
    }
}
