package dev.fusedio.nbd.wire;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.sys.Errno;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class RejectionTest {
    /** The numbers that the specification knows. */
    private static final Set<Integer> KNOWN = Set.of(
            Errno.EPERM,
            Errno.EIO,
            Errno.ENOMEM,
            Errno.EINVAL,
            Errno.ENOSPC,
            Errno.EOVERFLOW,
            Errno.EOPNOTSUPP,
            Errno.ESHUTDOWN);

    @ParameterizedTest
    @CsvSource({
        "28, 28", // ENOSPC
        "122, 28", // EDQUOT
        "27, 28", // EFBIG
        "1, 1", // EPERM
        "13, 1", // EACCES
        "30, 1", // EROFS
        "12, 12", // ENOMEM
        "22, 22", // EINVAL
        "95, 95", // EOPNOTSUPP
        "108, 108", // ESHUTDOWN
        "5, 5", // EIO
        "9, 5", // EBADF
        "104, 5", // ECONNRESET
        "121, 5", // EREMOTEIO
        "61, 5", // ENODATA
        "4095, 5"
    })
    void backendsErrorBecomesOneThatNbdKnows(final int error, final int onTheWire) {
        assertThat(Rejection.ofBackend(error).errno()).isEqualTo(onTheWire);
    }

    @Test
    void noErrorWhateverIsUnknownToNbd() {
        for (int error = 1; error < 4096; error++) {
            assertThat(KNOWN).contains(Rejection.ofBackend(error).errno());
        }
    }

    @ParameterizedTest
    @EnumSource(Rejection.class)
    void textsAreAsciiAndFitAHeader(final Rejection rejection) {
        assertThat(KNOWN).contains(rejection.errno());
        assertThat(new String(rejection.text(), StandardCharsets.ISO_8859_1)).matches("[ -~]+");
        assertThat(NbdProtocol.EXTENDED_CHUNK_BYTES + 6 + rejection.text().length)
                .isLessThanOrEqualTo(ReplyHeader.MAX_BYTES);
    }
}
