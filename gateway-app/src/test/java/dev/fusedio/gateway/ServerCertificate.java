package dev.fusedio.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;

/**
 * A certificate for a name that nothing here has, and its key, both PEM.
 *
 * @param certificate the certificate's file
 * @param key the key's file
 */
record ServerCertificate(Path certificate, Path key) {
    private static final Path OPENSSL = Path.of("/usr/bin/openssl");

    /** Makes one; skips the test where openssl is missing. */
    static ServerCertificate make(final Path folder) throws IOException, InterruptedException {
        Assumptions.assumeTrue(Files.isExecutable(OPENSSL), "openssl is not installed");
        Files.createDirectories(folder);
        final Process process = new ProcessBuilder((OPENSSL + " req -x509 -newkey rsa:2048 -nodes -days 2"
                                + " -subj /CN=storage.example -addext subjectAltName=DNS:storage.example"
                                + " -keyout tls.key -out tls.crt")
                        .split(" ", -1))
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("openssl.log").toFile())
                .start();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue())
                .as(Files.readString(folder.resolve("openssl.log")))
                .isZero();
        return new ServerCertificate(folder.resolve("tls.crt"), folder.resolve("tls.key"));
    }
}
