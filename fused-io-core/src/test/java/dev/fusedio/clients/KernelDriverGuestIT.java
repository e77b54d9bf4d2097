package dev.fusedio.clients;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.guest.Guest;
import java.util.stream.Stream;
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

    static Stream<String> kernels() {
        return Stream.of(System.getProperty("fusedio.kernels", "7").split(",", -1));
    }
}
