package dev.fusedio.gateway.security;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.gateway.config.TestProperties;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Map;
import org.junit.jupiter.api.Test;

class FailureLimitTest {
    private final Ticking clock = new Ticking();
    private final FailureLimit limit =
            new FailureLimit(TestProperties.of(Map.of("gateway.security.failures-per-minute", "6")), clock);

    @Test
    void anAddressHasSoManyAttemptsAndGetsThemBackWithTime() throws Exception {
        final InetAddress one = InetAddress.getByName("192.0.2.1");
        for (int i = 0; i < 6; i++) {
            assertThat(limit.delay(one)).isZero();
            limit.failed(one);
        }
        assertThat(limit.delay(one)).isPositive().isLessThanOrEqualTo(Duration.ofSeconds(10));
        assertThat(limit.delay(InetAddress.getByName("192.0.2.2"))).isZero();
        clock.now = clock.now.plusSeconds(11);
        assertThat(limit.delay(one)).isZero();
        limit.failed(one);
        assertThat(limit.delay(one)).isPositive();
        clock.now = clock.now.plus(Duration.ofHours(1));
        for (int i = 0; i < 6; i++) {
            assertThat(limit.delay(one)).isZero();
            limit.failed(one);
        }
        assertThat(limit.delay(one)).isPositive();
    }

    @Test
    void anIpv6NetworkCountsAsOne() throws Exception {
        for (int i = 0; i < 6; i++) {
            limit.failed(InetAddress.getByName("2001:db8::" + i));
        }
        assertThat(limit.delay(InetAddress.getByName("2001:db8::ffff"))).isPositive();
        assertThat(limit.delay(InetAddress.getByName("2001:db8:0:1::1"))).isZero();
    }

    @Test
    void remembersABoundedNumberOfAddresses() throws UnknownHostException {
        for (int i = 0; i < FailureLimit.MAX_ADDRESSES + 100; i++) {
            limit.failed(InetAddress.getByAddress(new byte[] {10, (byte) (i >> 16), (byte) (i >> 8), (byte) i}));
        }
        assertThat(limit.remembered()).isEqualTo(FailureLimit.MAX_ADDRESSES);
    }

    private static final class Ticking extends Clock {
        private Instant now = Instant.parse("2026-01-01T00:00:00Z");

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(final ZoneId zone) {
            return this;
        }

        @Override
        public Instant instant() {
            return now;
        }
    }
}
