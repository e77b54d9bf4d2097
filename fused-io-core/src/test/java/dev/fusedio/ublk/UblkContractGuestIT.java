package dev.fusedio.ublk;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.guest.Guest;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What the contract of a block request's buffer forbids is refused: by the fused command before anything is issued, and
 * by real kernels when they are asked all the same.
 */
class UblkContractGuestIT {
    private static final List<String> WRITE_REFUSED = List.of(
            "WRITE, process, wrong direction: EINVAL",
            "WRITE, process, beyond by length: EFAULT",
            "WRITE, process, beyond by offset: EFAULT",
            "WRITE, process, beyond by both: EFAULT",
            "WRITE, process, an offset below zero: EFAULT",
            "WRITE, process, a length that overflows: EFAULT",
            "WRITE, process, nothing at its end: 0",
            "WRITE, process, read into it: EINVAL",
            "WRITE, process, receive into it: EINVAL");

    private static final List<String> WRITE_LENT = List.of(
            "WRITE, process, borrow all of it: 0",
            "WRITE, kernel, READ_FIXED into it: EFAULT",
            "WRITE, kernel, fixed, received into it: EFAULT",
            "WRITE, kernel, fixed, all of it: 12288",
            "WRITE, kernel, fixed, its last sector: 512",
            "WRITE, kernel, fixed, beyond by length: EFAULT",
            "WRITE, kernel, fixed, beyond by offset: EFAULT",
            "WRITE, kernel, fixed, beyond by both: EFAULT");

    private static final List<String> WRITE_COPIED = List.of(
            "WRITE, kernel, pread: 12288",
            "WRITE, kernel, pwrite: EACCES",
            "WRITE, kernel, pread beyond by length: LIMIT",
            "WRITE, kernel, pread at its end: 0",
            "WRITE, kernel, pread beyond its end: EINVAL");

    private static final List<String> FLUSH_REFUSED = List.of(
            "FLUSH, process, borrow to read: EINVAL",
            "FLUSH, process, borrow to write: EINVAL",
            "FLUSH, process, read into it: EINVAL",
            "FLUSH, process, write from it: EINVAL");

    private static final List<String> FLUSH_LENT = List.of(
            "FLUSH, kernel, READ_FIXED: EFAULT",
            "FLUSH, kernel, WRITE_FIXED: EFAULT",
            "FLUSH, kernel, REGISTER_IO_BUF: EINVAL");

    private static final List<String> FLUSH_COPIED = List.of(
            "FLUSH, kernel, pread: EINVAL", "FLUSH, kernel, pwrite: EINVAL", "FLUSH, kernel, pread of no tag: EINVAL");

    private static final List<String> READ_REFUSED = List.of(
            "READ, process, wrong direction: EINVAL",
            "READ, process, beyond by length: EFAULT",
            "READ, process, beyond by offset: EFAULT",
            "READ, process, beyond by both: EFAULT",
            "READ, process, an offset below zero: EFAULT",
            "READ, process, a length that overflows: EFAULT",
            "READ, process, nothing at its end: 0",
            "READ, process, write from it: EINVAL",
            "READ, process, send from it: EINVAL");

    private static final List<String> READ_LENT = List.of(
            "READ, process, borrow all of it: 0",
            "READ, kernel, WRITE_FIXED from it: EFAULT",
            "READ, kernel, fixed, sent from it: EFAULT",
            "READ, kernel, fixed, all of it: 12288",
            "READ, kernel, fixed, its last sector: 512",
            "READ, kernel, fixed, beyond by length: EFAULT",
            "READ, kernel, fixed, beyond by offset: EFAULT",
            "READ, kernel, fixed, beyond by both: EFAULT");

    private static final List<String> READ_COPIED = List.of(
            "READ, kernel, pread: EACCES",
            "READ, kernel, pwrite: 12288",
            "READ, kernel, pwrite beyond by length: LIMIT",
            "READ, kernel, pwrite at its end: 0",
            "READ, kernel, pwrite beyond its end: EINVAL");

    private static final List<String> DONE_REFUSED = List.of(
            "DONE, process, borrow to read: EINVAL",
            "DONE, process, borrow to write: EINVAL",
            "DONE, process, read into it: EINVAL",
            "DONE, process, write from it: EINVAL",
            "DONE, process, hold it: EINVAL");

    private static final List<String> DONE_LENT = List.of(
            "DONE, kernel, READ_FIXED: EFAULT",
            "DONE, kernel, WRITE_FIXED: EFAULT",
            "DONE, kernel, REGISTER_IO_BUF: EBUSY");

    private static final List<String> DONE_COPIED = List.of(
            "DONE, kernel, pread: EINVAL", "DONE, kernel, pwrite: EINVAL", "DONE, kernel, pread of no tag: EINVAL");

    /**
     * @param limit what a copy of 12800 bytes from or to a request of 12288 answers: before 7 the driver says that it has
     *     copied all, although it stops at the request's end
     */
    @ParameterizedTest
    @CsvSource({
        "6.12, 12800, user_copy",
        "6.18, 12800, registration auto_registration",
        "7, 12288, auto_registration registration user_copy"
    })
    void whatIsForbiddenIsRefused(final String kernel, final String limit, final String mechanisms) throws Exception {
        final List<String> expected = new ArrayList<>();
        for (final String mechanism : mechanisms.split(" ", -1)) {
            final boolean lends = !mechanism.equals("user_copy");
            expected.addAll(answers(lends, WRITE_REFUSED, WRITE_LENT, WRITE_COPIED));
            expected.addAll(answers(lends, FLUSH_REFUSED, FLUSH_LENT, FLUSH_COPIED));
            expected.addAll(answers(lends, READ_REFUSED, READ_LENT, READ_COPIED));
            expected.addAll(answers(lends, DONE_REFUSED, DONE_LENT, DONE_COPIED));
        }
        expected.replaceAll(line -> line.replace("LIMIT", limit));
        final String said = Guest.run(kernel, UblkContractGuestIT.class, "contract.sh", mechanisms.split(" ", -1));
        assertThat(said).doesNotContain("defect").contains("errors=0");
        assertThat(said.lines().filter(line -> line.contains(", process, ") || line.contains(", kernel, ")))
                .as("answers on Linux %s", kernel)
                .containsExactlyElementsOf(expected);
    }

    private static List<String> answers(
            final boolean lends, final List<String> refused, final List<String> lent, final List<String> copied) {
        final List<String> answers = new ArrayList<>(refused);
        if (lends) {
            answers.addAll(lent);
        }
        answers.addAll(copied);
        return answers;
    }
}
