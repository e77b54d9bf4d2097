package dev.fusedio.volume;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.sys.Errno;
import org.junit.jupiter.api.Test;

class VolumeCountersTest {
    private final VolumeCounters counters = new VolumeCounters();

    private static int place(final int errno) {
        for (int i = 0; i < VolumeCounters.ERRNOS.length; i++) {
            if (VolumeCounters.ERRNOS[i] == errno) {
                return i;
            }
        }
        throw new AssertionError(errno);
    }

    @Test
    void operationsAreCountedApart() {
        for (final VolumeOperation operation : VolumeOperation.values()) {
            for (int i = 0; i <= operation.ordinal(); i++) {
                counters.start();
                counters.end(operation.ordinal(), 512, 1000, 0);
            }
        }
        for (final VolumeOperation operation : VolumeOperation.values()) {
            final int index = operation.ordinal();
            assertThat(counters.operations(index)).isEqualTo(index + 1);
            assertThat(counters.bytes(index)).isEqualTo(512L * (index + 1));
            assertThat(counters.latency(index).count(0)).isEqualTo(index + 1);
        }
        assertThat(counters.inFlight()).isZero();
    }

    @Test
    void whatFailedHasNoBytes() {
        counters.start();
        counters.end(0, 4096, 10, Errno.ENOSPC);
        assertThat(counters.operations(0)).isEqualTo(1);
        assertThat(counters.bytes(0)).isZero();
        assertThat(counters.errors(0, place(Errno.ENOSPC))).isEqualTo(1);
        assertThat(counters.errors(1, place(Errno.ENOSPC))).isZero();
    }

    @Test
    void rareErrorsShareAPlace() {
        for (final int errno : new int[] {Errno.EBADF, Errno.EDQUOT, 4095}) {
            counters.start();
            counters.end(2, 0, 10, errno);
        }
        assertThat(counters.errors(2, VolumeCounters.ERRNOS.length - 1)).isEqualTo(3);
        for (int i = 0; i < VolumeCounters.ERRNOS.length - 1; i++) {
            assertThat(counters.errors(2, i)).isZero();
        }
    }

    @Test
    void whatHasBegunIsInFlight() {
        counters.start();
        counters.start();
        assertThat(counters.inFlight()).isEqualTo(2);
        counters.end(0, 1, 1, 0);
        assertThat(counters.inFlight()).isEqualTo(1);
    }
}
