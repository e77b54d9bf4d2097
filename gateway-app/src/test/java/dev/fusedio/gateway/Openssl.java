package dev.fusedio.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;

/** The openssl program, which makes the tests' certificates. */
public final class Openssl {
    private static final Path PROGRAM = Path.of("/usr/bin/openssl");

    private Openssl() {}

    /** Skips the test where it is missing. */
    public static void assume() {
        Assumptions.assumeTrue(Files.isExecutable(PROGRAM), "openssl is not installed");
    }

    /** Runs it in a folder, and fails unless it succeeds. */
    public static void run(final Path folder, final String arguments) throws IOException, InterruptedException {
        final Path log = folder.resolve("openssl.log");
        final Process process = new ProcessBuilder((PROGRAM + " " + arguments).split(" ", -1))
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue())
                .as("openssl %s: %s", arguments, Files.readString(log))
                .isZero();
    }
}
