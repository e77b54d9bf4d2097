package dev.fusedio.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NbdLimitsTest {
    @Test
    void defaultsAreWhatTheDocumentsSay() {
        final NbdLimits limits = NbdLimits.defaults();
        assertThat(limits.handshakeTime()).isEqualTo(Duration.ofSeconds(10));
        assertThat(limits.payloadAdvertised()).isEqualTo(32 << 20);
        assertThat(limits.payloadAccepted()).isEqualTo(64 << 20);
        assertThat(limits.idleTime()).isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -1, Integer.MIN_VALUE, 1_000_001, Integer.MAX_VALUE})
    void countsOutOfRangeAreNamed(final int count) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Limits.counts(count, 1, 1))
                .withMessageStartingWith("connections: " + count + "; 1 to ");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Limits.counts(1, count, 1))
                .withMessageStartingWith("handshakes: " + count);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Limits.counts(1, 1, count))
                .withMessageStartingWith("options: " + count);
    }

    @Test
    void flowOutOfRangeIsNamed() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Limits.flow(0, 4096, 1))
                .withMessageStartingWith("requestsPerConnection");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Limits.flow(1, 4095, 1))
                .withMessageStartingWith("bytesPerConnection");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Limits.flow(1, 4096, 0))
                .withMessageStartingWith("requestsPerCore");
    }

    @Test
    void timesOutOfRangeAreNamed() {
        final Duration second = Duration.ofSeconds(1);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Limits.times(Duration.ZERO, second, second))
                .withMessageStartingWith("handshakeTime");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Limits.times(second, Duration.ofDays(2), second))
                .withMessageStartingWith("stallTime");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Limits.times(second, second, Duration.ofSeconds(-1)))
                .withMessageStartingWith("idleTime");
        assertThat(Limits.times(second, second, Duration.ZERO).idleTime()).isZero();
    }
}
