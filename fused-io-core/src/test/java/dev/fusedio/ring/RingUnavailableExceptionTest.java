package dev.fusedio.ring;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.sys.Errno;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Each message names what to change. */
class RingUnavailableExceptionTest {
    private static final String PROFILE = "seccomp";

    @Test
    void theSysctlIsNamedWhenItForbidsAll() {
        assertThat(RingUnavailableException.explain(Errno.EPERM, "2"))
                .contains("EPERM", "kernel.io_uring_disabled is 2", "sysctl -w kernel.io_uring_disabled=0")
                .doesNotContain("io_uring_group", PROFILE);
    }

    @Test
    void theGroupIsNamedWhenTheSysctlForbidsOthers() {
        assertThat(RingUnavailableException.explain(Errno.EPERM, "1"))
                .contains("kernel.io_uring_disabled is 1", "kernel.io_uring_group")
                .doesNotContain(PROFILE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", ""})
    void theSeccompProfileIsNamedWhenTheSysctlAllows(final String disabled) {
        for (final int errno : new int[] {Errno.EPERM, Errno.EACCES}) {
            assertThat(RingUnavailableException.explain(errno, disabled))
                    .contains(Errno.name(errno), PROFILE, "io_uring_setup", "--security-opt", "Localhost")
                    .doesNotContain("io_uring_disabled");
        }
    }

    @Test
    void anOldKernelOrAHiddenCallIsNamed() {
        assertThat(RingUnavailableException.explain(Errno.ENOSYS, "0")).contains("ENOSYS", "6.1", PROFILE);
    }

    @Test
    void limitsAreNamed() {
        assertThat(RingUnavailableException.explain(Errno.ENOMEM, "0")).contains("ENOMEM", "ulimit -l", "LimitMEMLOCK");
        assertThat(RingUnavailableException.explain(Errno.EMFILE, "0")).contains("EMFILE", "ulimit -n");
    }

    @Test
    void anythingElseAsksForANewerKernel() {
        assertThat(RingUnavailableException.explain(Errno.EINVAL, "0")).contains("EINVAL", "Linux 6.1");
    }

    @Test
    void theErrorNumberMayBeNegated() {
        assertThat(RingUnavailableException.of(-Errno.ENOMEM))
                .hasMessage(RingUnavailableException.of(Errno.ENOMEM).getMessage())
                .hasMessageContaining("ENOMEM");
    }
}
