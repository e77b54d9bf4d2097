package dev.fusedio.clients;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.guest.Guest;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The kernel's own nbd driver as a client, on real kernels. */
class KernelDriverGuestIT {
    @ParameterizedTest
    @ValueSource(strings = {"7"})
    void aFileSystemLivesOnAnExportAndOutlivesTheServersRestart(final String kernel) throws Exception {
        assertThat(Guest.run(kernel, KernelDriverGuestIT.class, "kernel_nbd.sh"))
                .contains(
                        "file system: sound",
                        "restart: attached again, what was written is there",
                        "backing file: sound");
    }
}
