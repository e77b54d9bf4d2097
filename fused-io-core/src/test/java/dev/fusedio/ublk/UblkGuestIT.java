package dev.fusedio.ublk;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.guest.Guest;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Volumes as block devices of real kernels: 6.12 copies, 6.18 and 7 lend. */
class UblkGuestIT {
    private static final String SCRIPT = "ublk.sh";

    @ParameterizedTest
    @CsvSource({"6.12, USER_COPY, ''", "7, AUTO_REGISTRATION, ''"})
    void aFileSystemAndItsChangesReachTheBackingFile(final String kernel, final String mechanism, final String option)
            throws Exception {
        assertThat(Guest.run(kernel, UblkGuestIT.class, SCRIPT, "volume", option))
                .contains(
                        " " + mechanism + " 2 why:",
                        "file system: sound",
                        "fio: verified",
                        "discard, zeroes, sync: seen at the backing file",
                        kernel.equals("6.12") ? "UBLK_F_UPDATE_SIZE (Linux 6.16)" : "grow: resized 301989888");
    }

    /** Those of {@code fusedio.kernels}, killed {@code fusedio.kills} times. */
    @ParameterizedTest
    @MethodSource("recoveryKernels")
    void killedOrUpgradedUnderLoadItLosesNothing(final String kernel) throws Exception {
        assertThat(Guest.run(kernel, UblkGuestIT.class, SCRIPT, "recovery", System.getProperty("fusedio.kills", "2")))
                .contains("nothing lost", "upgraded: nothing lost", "orphan: removed");
    }

    static Stream<String> recoveryKernels() {
        return Stream.of(System.getProperty("fusedio.kernels", "6.18").split(",", -1));
    }

    @ParameterizedTest
    @ValueSource(strings = {"6.18"})
    void limitsAndMistakesAreAnsweredClearlyAndRequestsAllocateNothing(final String kernel) throws Exception {
        assertThat(Guest.run(kernel, UblkGuestIT.class, SCRIPT, "edges+allocation"))
                .contains("edges: held", "allocation: ");
    }
}
