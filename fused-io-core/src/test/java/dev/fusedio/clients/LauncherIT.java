package dev.fusedio.clients;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The launcher at the top of the source tree, with the jar that this build made. */
class LauncherIT {
    private static final int USAGE = 2;
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final Path LAUNCHER =
            Path.of("..", "gateway").toAbsolutePath().normalize();

    private final Tool gateway = Tool.at(LAUNCHER).with("GATEWAY_BUILD", "off");

    @TempDir
    Path folder;

    @BeforeEach
    void requireJar() throws IOException {
        final PathMatcher jar = FileSystems.getDefault().getPathMatcher("glob:target/fused-io-core-*.jar");
        try (Stream<Path> files = Files.list(Path.of("target"))) {
            assumeTrue(files.anyMatch(jar::matches), "there is no jar: the launcher is tested by ./mvnw verify");
        }
    }

    @Test
    void helpExplainsTheCommands() {
        assertThat(gateway.run("--help").succeeded().out())
                .startsWith("Usage: gateway")
                .contains("serve PATH", "test", "JAVA_HOME", "GATEWAY_JAVA_OPTS", "Exit status");
        assertThat(gateway.run("serve", "--help").succeeded().out()).contains("--nbd-port");
        assertThat(gateway.run("--version").succeeded().out()).matches("gateway \\d+\\.\\d+.*\\n");
    }

    @Test
    void wrongUsageIsExplained() {
        for (final String wrong : new String[] {"frobnicate", "--frobnicate", "-x"}) {
            assertThat(gateway.run(wrong).failedWith(USAGE).err())
                    .contains(wrong)
                    .contains("--help");
        }
        gateway.run("serve").failedWith(USAGE);
    }

    /** Through a symbolic link, from another folder, with a path relative to that one, and a space in it. */
    @Test
    void servesFromAnywhere() throws Exception {
        final Path link = Files.createSymbolicLink(folder.resolve("my gateway"), LAUNCHER);
        Images.sparse(folder.resolve("a volume.img"), 1 << 20);
        try (ServeProcess serve = ServeProcess.startWith(
                Tool.at(link).with("GATEWAY_BUILD", "off"), folder, "serve", "a volume.img", "--nbd-port", 0)) {
            assertThat(Tool.require("nbdinfo", "libnbd-bin")
                            .run("--size", serve.uri())
                            .succeeded()
                            .out())
                    .isEqualTo("1048576\n");
            serve.signal("TERM");
            assertThat(serve.await(LIMIT)).as("the signal reaches the server").contains(0);
        }
    }

    /** The cache is made at the first start and taken at the next, which has nothing to say about it. */
    @Test
    void secondStartsAreQuiet() throws Exception {
        gateway.run("--version").succeeded();
        assertThat(gateway.run("--version").succeeded().err()).isEmpty();
        try (Stream<Path> files = Files.list(Path.of("target"))) {
            assertThat(files.filter(file -> file.toString().endsWith(".aot"))).isNotEmpty();
        }
    }

    @Test
    void goesWithoutACacheWhenToldTo() {
        assertThat(gateway.with("GATEWAY_AOT", "off")
                        .run("--version")
                        .succeeded()
                        .err())
                .isEmpty();
    }

    @Test
    void passesOptionsToTheJavaMachine() {
        final Tool.Run run = gateway.with("GATEWAY_AOT", "off")
                .with("GATEWAY_JAVA_OPTS", "-XX:+UseParallelGC -Xlog:gc:stderr")
                .run("--version")
                .succeeded();
        assertThat(run.err()).contains("Using Parallel");
    }

    @Test
    void aJavaHomeThatIsTooOldIsPassedOver() throws IOException {
        final Path old = Files.createDirectories(folder.resolve("jdk-17/bin"));
        final Path java = Files.writeString(old.resolve("java"), "#!/bin/sh\necho the wrong one\n");
        Files.setPosixFilePermissions(java, PosixFilePermissions.fromString("rwxr-xr-x"));
        Files.writeString(folder.resolve("jdk-17/release"), "JAVA_VERSION=\"17.0.15\"\n");
        final Tool.Run run =
                gateway.with("JAVA_HOME", folder.resolve("jdk-17").toString()).run("--version");
        assertThat(run.out()).doesNotContain("the wrong one");
        assertThat(run.status() == 0 || run.err().contains("a JDK 25 or newer is needed"))
                .as("%s", run)
                .isTrue();
    }
}
