package dev.fusedio.sys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import org.junit.jupiter.api.Test;

class SystemCallExceptionTest {
    @Test
    void saysWhatWasTriedAndWhyItFailed() {
        final SystemCallException failure = new SystemCallException("open /srv/disk.img", -Errno.ENOENT);
        assertThat(failure).hasMessage("open /srv/disk.img: No such file or directory (ENOENT)");
        assertThat(failure.errno()).isEqualTo(Errno.ENOENT);
    }

    @Test
    void resultsPassAndErrorsAreThrown() throws SystemCallException {
        assertThat(SystemCallException.check(0, "x")).isZero();
        assertThat(SystemCallException.check(1L << 40, "x")).isEqualTo(1L << 40);
        assertThatExceptionOfType(SystemCallException.class)
                .isThrownBy(() -> SystemCallException.check(-Errno.EACCES, "bind 10.0.0.1:10809"))
                .withMessage("bind 10.0.0.1:10809: Permission denied (EACCES)");
    }

    @Test
    void everyErrorNumberThatIsUsedHasItsKernelName() throws IllegalAccessException {
        for (final var field : Errno.class.getFields()) {
            final int number = field.getInt(null);
            assertThat(Errno.name(number)).isEqualTo(field.getName());
            assertThat(Errno.name(-number)).isEqualTo(field.getName());
            assertThat(Libc.describe(number)).doesNotStartWith("Unknown");
        }
        assertThat(Errno.name(4095)).isEqualTo("E4095");
    }
}
