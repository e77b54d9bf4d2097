package dev.fusedio.clients;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.guest.Guest;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code attach} as its users have it, on real kernels. */
class AttachGuestIT {
    private static final Pattern IN_MEMORY = Pattern.compile("in memory: (\\d+) times");

    @ParameterizedTest
    @CsvSource({"6.12, user-copy, user-copy", "6.18, registration, registration", "7, auto, auto-registration"})
    void aFileBecomesABlockDeviceThatOutlivesItsServer(final String kernel, final String asked, final String mechanism)
            throws Exception {
        final String said = Guest.run(kernel, AttachGuestIT.class, "attach_file.sh", asked);
        assertThat(said)
                .contains("2 queues, " + mechanism)
                .contains("file system: sound", "killed thrice: no error, no mismatch", "detached: nothing left");
        assertThat(timesInMemory(said) > 0)
                .as("whether payload was in the process, with %s: %s", mechanism, said)
                .isEqualTo(mechanism.equals("user-copy"));
    }

    @ParameterizedTest
    @CsvSource({"6.12, qemu-nbd, user-copy", "6.18, nbdkit, auto-registration", "7, gateway, auto-registration"})
    void anExportBecomesABlockDeviceThatOutlivesTheServersRestart(
            final String kernel, final String peer, final String mechanism) throws Exception {
        final String said = Guest.run(kernel, AttachGuestIT.class, "attach_remote.sh", peer);
        assertThat(said)
                .contains("2 queues, " + mechanism)
                .contains(
                        "file system: sound",
                        peer.equals("nbdkit") ? "changes: reached the server as they were meant" : "",
                        "server killed under load: no error, no mismatch",
                        "detached: nothing left");
        assertThat(timesInMemory(said) > 0)
                .as("whether payload was in the process, with %s: %s", mechanism, said)
                .isEqualTo(mechanism.equals("user-copy"));
    }

    private static long timesInMemory(final String said) {
        final Matcher matcher = IN_MEMORY.matcher(said);
        assertThat(matcher.find()).as("the search of the memory in: %s", said).isTrue();
        return Long.parseLong(matcher.group(1));
    }
}
