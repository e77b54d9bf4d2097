package dev.fusedio.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code helm test} runs, by this machine's bash; {@code ImageIT} runs it in the image. */
class ChartCheckIT {
    private static final String REQUIRED = "--gateway.security.authentication=required";

    @TempDir
    private Path folder;

    private Path pool;
    private Path errors;

    @Test
    void writesAndReadsAVolume() throws Exception {
        paths("plain");
        try (GatewayProcess gateway = GatewayProcess.start(pool, errors, REQUIRED)) {
            assertThat(check(gateway, Map.of())).isEqualTo("0 a volume was written and read over NBD and HTTP\n");
        }
    }

    @Test
    void behindTlsItDoesSoByTheCertificateOfTheChart() throws Exception {
        paths("tls");
        final ServerCertificate own = ServerCertificate.make(folder.resolve("own"));
        final ServerCertificate other = ServerCertificate.make(folder.resolve("other"));
        try (GatewayProcess gateway = GatewayProcess.start(
                pool,
                errors,
                REQUIRED,
                "--spring.ssl.bundle.pem.gateway.keystore.certificate=" + own.certificate(),
                "--spring.ssl.bundle.pem.gateway.keystore.private-key=" + own.key(),
                "--spring.ssl.bundle.pem.gateway.reload-on-update=true",
                "--server.ssl.bundle=gateway")) {
            assertThat(check(gateway, Map.of("GATEWAY_CERTIFICATE", Files.readString(own.certificate()))))
                    .isEqualTo("0 a volume was written and read over NBD and HTTPS\n");
            assertThat(check(gateway, Map.of("GATEWAY_CERTIFICATE", Files.readString(other.certificate()))))
                    .startsWith("1 ")
                    .contains("SSLHandshakeException", "FAILED: no answer to POST ");
        }
    }

    private void paths(final String name) {
        pool = folder.resolve(name);
        errors = folder.resolve(name + ".errors");
    }

    /** The exit status and all that it said. */
    private String check(final GatewayProcess gateway, final Map<String, String> more)
            throws IOException, InterruptedException {
        final Path said = folder.resolve("said");
        final ProcessBuilder check = new ProcessBuilder("bash", "../helm/fused-gateway/files/check.sh")
                .redirectErrorStream(true)
                .redirectOutput(said.toFile());
        check.environment()
                .putAll(Map.of(
                        "PATH", Path.of(System.getProperty("java.home"), "bin").toString(),
                        "GATEWAY_CLASSES", "target/classes",
                        "GATEWAY_HOST", "127.0.0.1",
                        "GATEWAY_REST_PORT", port(gateway.rest()),
                        "GATEWAY_NBD_PORT", port(gateway.nbd("any")),
                        "GATEWAY_TOKEN",
                                Files.readString(pool.resolve(".security/admin.token"))
                                        .strip()));
        check.environment().putAll(more);
        final Process running = check.start();
        assertThat(running.waitFor(120, TimeUnit.SECONDS)).isTrue();
        return running.exitValue() + " " + Files.readString(said);
    }

    private static String port(final String address) {
        return Integer.toString(URI.create(address).getPort());
    }
}
