package dev.fusedio.clients;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.guest.Guest;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** {@code attach} as its users have it, on real kernels. */
class AttachGuestIT {
    private static final Pattern IN_MEMORY = Pattern.compile("in memory: (\\d+) times");

    @ParameterizedTest(name = "{0}, {1} (fault 17, on 6.12: direct writes of a killed server are waited for)")
    @CsvSource({"6.12, user-copy, user-copy", "6.18, registration, registration", "7, auto, auto-registration"})
    void aFileBecomesABlockDeviceThatOutlivesItsServer(final String kernel, final String asked, final String mechanism)
            throws Exception {
        final String said = Guest.run(kernel, AttachGuestIT.class, "attach_file.sh", asked);
        assertThat(said)
                .contains("2 queues, " + mechanism)
                .contains("file system: sound", "killed thrice: no error, no mismatch", "detached: nothing left")
                .contains(mechanism.equals("user-copy") ? "slow disk: taken over when its last write had ended" : "");
        assertThat(timesInMemory(said) > 0)
                .as("whether payload was in the process, with %s: %s", mechanism, said)
                .isEqualTo(mechanism.equals("user-copy"));
    }

    /**
     * Each kernel with one server, or with {@code fusedio.pairs=all} each with each; with {@code fusedio.turn}, any number, one
     * kernel of the three.
     */
    @ParameterizedTest
    @MethodSource("pairs")
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

    static Stream<Arguments> pairs() {
        final boolean all = System.getProperty("fusedio.pairs", "").equals("all");
        final Map<String, String> chosen = Map.of("6.12", "qemu-nbd", "6.18", "nbdkit", "7", "gateway");
        final List<String> kernels = List.of("6.12", "6.18", "7");
        final Integer turn = Integer.getInteger("fusedio.turn");
        return kernels.stream()
                .filter(kernel -> turn == null || kernels.indexOf(kernel) == Math.floorMod(turn, kernels.size()))
                .flatMap(kernel -> Stream.of("gateway", "nbdkit", "qemu-nbd")
                        .filter(peer -> all || peer.equals(chosen.get(kernel)))
                        .map(peer ->
                                Arguments.of(kernel, peer, kernel.equals("6.12") ? "user-copy" : "auto-registration")));
    }

    private static long timesInMemory(final String said) {
        final Matcher matcher = IN_MEMORY.matcher(said);
        assertThat(matcher.find()).as("the search of the memory in: %s", said).isTrue();
        return Long.parseLong(matcher.group(1));
    }
}
