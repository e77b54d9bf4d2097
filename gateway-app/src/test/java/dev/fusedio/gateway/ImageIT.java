package dev.fusedio.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import com.github.dockerjava.api.command.InspectImageResponse;
import com.github.dockerjava.api.model.ContainerConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.testcontainers.containers.Container.ExecResult;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.utility.DockerImageName;

/** The gateway's image on a real engine, attached to by real clients in a container of their own. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ImageIT {
    private static final long LARGEST = 250_000_000;
    private static final int EPERM = 1;

    private final String volume = "fused-gateway-test-" + UUID.randomUUID();
    private GenericContainer<?> client;

    @BeforeAll
    void images() throws Exception {
        ImageContainer.assumeAvailable("gateway", "client");
        client = new GenericContainer<>(DockerImageName.parse(ImageContainer.CLIENT_IMAGE))
                .withNetworkMode("host")
                .withCommand("sleep", "infinity");
        client.start();
    }

    @AfterEach
    void removeVolume() {
        ImageContainer.removeVolume(volume);
    }

    @AfterAll
    void stopClient() {
        if (client != null) {
            client.close();
        }
    }

    @Test
    void isSmallAndSaysHowItIsToBeRun() {
        final InspectImageResponse image = ImageContainer.image();
        final ContainerConfig config = Objects.requireNonNull(image.getConfig());
        assertThat(image.getSize()).isLessThan(LARGEST);
        assertThat(config.getUser()).isEqualTo("10001:10001");
        assertThat(config.getHealthcheck()).isNotNull();
        assertThat(config.getLabels())
                .containsKeys("org.opencontainers.image.version", "org.opencontainers.image.licenses");
    }

    @Test
    void realClientsAttachAndWhatTheyWroteOutlivesTheContainer() throws Exception {
        try (ImageContainer gateway = ImageContainer.start(volume)) {
            assertThat(gateway.log()).contains("Using AOT-linked classes: true");
            assertThat(inClient("nbdinfo", "--size", gateway.nbd("demo"))).isEqualTo("1073741824\n");
            inClient("qemu-io", "-f", "raw", "-c", "write -P 0x5a 1M 1M", "-c", "flush", gateway.nbd("demo"));
            assertThat(gateway.stop()).isEqualTo(128 + 15);
        }
        try (ImageContainer gateway = ImageContainer.start(volume)) {
            inClient("qemu-io", "-r", "-f", "raw", "-c", "read -P 0x5a 1M 1M", gateway.nbd("demo"));
            inClient("nbdcopy", gateway.nbd("demo"), "/tmp/copy");
            assertThat(inClient("sh", "-c", "head -c 2M /tmp/copy | tail -c 1M | tr -d Z | wc -c"))
                    .isEqualTo("0\n");
        }
    }

    @Test
    void stopsInOrderWhileAClientIsAtWork() throws Exception {
        try (ImageContainer gateway = ImageContainer.start(volume)) {
            inClient(
                    "sh",
                    "-c",
                    "nohup stdbuf -oL qemu-img bench -f raw -w -c 100000000 -d 16 -s 4096 " + gateway.nbd("demo")
                            + " >/tmp/bench 2>&1 & while ! grep -q Sending /tmp/bench; do sleep 0.1; done");
            assertThat(gateway.stop()).isEqualTo(128 + 15);
            assertThat(inClient("cat", "/tmp/bench")).contains("Failed request");
        }
    }

    @Test
    void itsUserHasNoPrivilegeAndItsFilesNoWriter() throws Exception {
        try (ImageContainer gateway = ImageContainer.start(volume)) {
            assertThat(gateway.shell("echo $UID; while read -r line; do echo \"$line\"; done </proc/1/status")
                            .getStdout())
                    .startsWith("10001\n")
                    .containsPattern("NoNewPrivs:\\s+1\\b")
                    .containsPattern("CapPrm:\\s+0+\\n")
                    .containsPattern("Seccomp:\\s+2\\b");
            assertThat(gateway.shell("echo >/opt/fused-gateway/gateway.jar").getExitCode())
                    .isNotZero();
        }
    }

    @Test
    void theChartsCheckPassesInIt() throws Exception {
        try (ImageContainer gateway = ImageContainer.start(volume)) {
            final ExecResult check = gateway.chartCheck("");
            assertThat(check.getStdout() + check.getStderr())
                    .isEqualTo("a volume was written and read over NBD and HTTP\n");
            assertThat(check.getExitCode()).isZero();
        }
    }

    @Test
    void theChartsCheckPassesInItBehindTls(@TempDir final Path folder) throws Exception {
        final ServerCertificate own = ServerCertificate.make(folder);
        final String certificate = Files.readString(own.certificate());
        final Map<String, String> tls = Map.of(
                "SPRING_SSL_BUNDLE_PEM_GATEWAY_KEYSTORE_CERTIFICATE",
                certificate,
                "SPRING_SSL_BUNDLE_PEM_GATEWAY_KEYSTORE_PRIVATEKEY",
                Files.readString(own.key()),
                "SERVER_SSL_BUNDLE",
                "gateway");
        try (ImageContainer gateway = ImageContainer.start(volume, tls)) {
            final ExecResult check = gateway.chartCheck(certificate);
            assertThat(check.getStdout() + check.getStderr())
                    .isEqualTo("a volume was written and read over NBD and HTTPS\n");
            assertThat(check.getExitCode()).isZero();
        }
    }

    @Test
    void whereIoUringIsRefusedItSaysSoOnce() throws Exception {
        try (ImageContainer gateway = ImageContainer.launch(volume, SeccompProfile.withoutIoUring(EPERM))) {
            assertThat(gateway.awaitExit()).isEqualTo(1);
            assertThat(gateway.log().lines().filter(line -> line.contains("gateway: ")))
                    .singleElement()
                    .asString()
                    .contains("io_uring_setup was refused (EPERM)", "--security-opt seccomp=FILE");
        }
    }

    private String inClient(final String... command) throws Exception {
        final ExecResult result = client.execInContainer(command);
        assertThat(result.getExitCode())
                .as("%s: %s%s", String.join(" ", command), result.getStdout(), result.getStderr())
                .isZero();
        return result.getStdout();
    }
}
