package dev.fusedio.gateway.attachment;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The packaged service's block devices on a real kernel, by REST and by the programs that use disks. */
class AttachmentGuestIT {
    /** Those of {@code fusedio.kernels}, from 6.18 on. */
    @ParameterizedTest
    @MethodSource("kernels")
    void aVolumeIsADiskThatOutlivesTheService(final String kernel) throws Exception {
        final String said = ServiceGuest.prepare("attachments-" + kernel).run(kernel, "attachments.sh");
        assertThat(said)
                .contains(
                        "disk: auto-registration, borrowed true, copied false",
                        "demo: user-copy, borrowed false, copied true",
                        "file system: sound",
                        "refused: all that would do harm",
                        "grown: 134217728",
                        "killed: taken over, no error, no mismatch",
                        "detached: nothing left",
                        "stopped: the attachment is kept");
    }

    static Stream<String> kernels() {
        return Stream.of(System.getProperty("fusedio.kernels", "6.18").split(",", -1));
    }
}
