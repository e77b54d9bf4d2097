package dev.fusedio.clients;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.guest.Guest;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The kernel's own nbd driver as a client, on real kernels. */
class KernelDriverGuestIT {
    /** Those of {@code fusedio.kernels}. */
    @ParameterizedTest
    @MethodSource("kernels")
    void aFileSystemLivesOnAnExportAndOutlivesTheServersRestart(final String kernel) throws Exception {
        assertThat(Guest.run(kernel, KernelDriverGuestIT.class, "kernel_nbd.sh"))
                .contains(
                        "file system: sound",
                        "restart: attached again, what was written is there",
                        "backing file: sound");
    }

    @ParameterizedTest
    @MethodSource("kernels")
    @DisplayName("fault 26: the kernel's nbd driver sees no error when the server is restarted under load")
    void theDeviceOutlivesRestartsInOrder(final String kernel) throws Exception {
        final String restarts = System.getProperty("fusedio.restarts", "1");
        assertThat(Guest.run(kernel, KernelDriverGuestIT.class, "kernel_nbd_restarts.sh", restarts))
                .contains(restarts + " restarts under load", "no error");
    }

    static Stream<String> kernels() {
        return Stream.of(System.getProperty("fusedio.kernels", "7").split(",", -1));
    }
}
