package dev.fusedio.gateway.attachment;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The packaged service's block devices on a real kernel, by REST and by the programs that use disks. */
class AttachmentGuestIT {
    @ParameterizedTest
    @ValueSource(strings = "6.18")
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
}
