package dev.fusedio.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The launcher at the top of the source tree, with the service's jar that this build made. */
class LauncherIT {
    private static final Path TARGET = Path.of("target").toAbsolutePath();

    @TempDir
    private Path folder;

    /** All jars of a reproducible build have the same date, so that can't be what tells a new one. */
    @Test
    void aNewBuildIsTakenUpAlthoughItsDateIsTheOldOnes() throws Exception {
        final Path jar = jar();
        startsUpToTheWrongSetting();
        final Path left = Files.writeString(TARGET.resolve("extracted/of-the-build-before"), "");
        startsUpToTheWrongSetting();
        assertThat(left)
                .as("what was unpacked is used as long as the jar is the same")
                .exists();

        final Path next = Files.copy(jar, TARGET.resolve("next.jar"));
        Files.setLastModifiedTime(next, Files.getLastModifiedTime(jar));
        Files.move(next, jar, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        startsUpToTheWrongSetting();
        assertThat(left).as("another jar was unpacked anew").doesNotExist();
    }

    private static Path jar() throws IOException {
        try (Stream<Path> files = Files.list(TARGET)) {
            final var jar = files.filter(file -> file.getFileName().toString().matches("gateway-app-.*\\.jar"))
                    .findFirst();
            assumeTrue(jar.isPresent(), "there is no jar: the launcher is tested by ./mvnw verify");
            return jar.orElseThrow();
        }
    }

    /** The shortest that the service can do, once the launcher has prepared it. */
    private void startsUpToTheWrongSetting() throws Exception {
        final Path errors = folder.resolve("errors");
        final ProcessBuilder launcher = new ProcessBuilder("../gateway", "--gateway.nbd.port=x")
                .redirectError(errors.toFile())
                .redirectOutput(ProcessBuilder.Redirect.DISCARD);
        launcher.environment().put("GATEWAY_BUILD", "off");
        launcher.environment().put("GATEWAY_AOT", "off");
        final Process process = launcher.start();
        assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
        assertThat(Files.readString(errors)).contains("gateway.nbd.port is 'x'");
        assertThat(process.exitValue()).isEqualTo(GatewayApplication.EXIT_USAGE);
    }
}
