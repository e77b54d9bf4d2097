package dev.fusedio.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The packaged gateway under the seccomp profile that is shipped, applied by the kernel. */
class SeccompProfileIT {
    @TempDir
    private Path directory;

    @BeforeEach
    void needsRunc() {
        RuncContainer.assumeAvailable();
    }

    @Test
    void theGatewayWorksUnderTheShippedProfile() throws Exception {
        final int http = FreePort.find();
        final int nbd = FreePort.find();
        final byte[] content = new byte[1 << 20];
        new Random(5).nextBytes(content);
        try (RuncContainer gateway = RuncContainer.start(
                directory.resolve("shipped"),
                SeccompProfile.shipped(),
                "--server.port=" + http,
                "--gateway.nbd.port=" + nbd)) {
            gateway.awaitReady();
            final URI data = URI.create("http://127.0.0.1:" + http + "/api/v1/volumes/demo/data");
            try (HttpClient client = HttpClient.newHttpClient();
                    IdleNbdClient attached = IdleNbdClient.connect("127.0.0.1:" + nbd, "demo")) {
                final HttpRequest put = HttpRequest.newBuilder(data)
                        .header("Content-Range", "bytes 0-" + (content.length - 1) + "/*")
                        .PUT(BodyPublishers.ofByteArray(content))
                        .build();
                assertThat(client.send(put, BodyHandlers.ofString()).statusCode())
                        .isEqualTo(204);
                assertThat(attached.read(512)).isEqualTo(Arrays.copyOf(content, 512));
            }
            assertThat(gateway.terminate()).isEqualTo(128 + 15);
        }
    }

    /** Docker's and containerd's default profiles answer EPERM, those of podman and CRI-O ENOSYS. */
    @ParameterizedTest
    @CsvSource({"1, EPERM", "38, ENOSYS"})
    void withoutIoUringItSaysOnOneLineWhatToAllow(final int errno, final String name) throws Exception {
        try (RuncContainer gateway = RuncContainer.start(
                directory.resolve("refused-" + errno),
                SeccompProfile.withoutIoUring(errno),
                "--server.port=0",
                "--gateway.nbd.port=0")) {
            assertThat(gateway.awaitExit()).isEqualTo(1);
            assertThat(gateway.errors().lines())
                    .singleElement()
                    .asString()
                    .startsWith("gateway: ")
                    .contains("io_uring_setup was refused (" + name + ")")
                    .contains("seccomp profile", "io_uring_setup, io_uring_enter and io_uring_register");
        }
    }
}
