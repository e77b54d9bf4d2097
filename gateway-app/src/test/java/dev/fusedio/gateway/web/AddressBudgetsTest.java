package dev.fusedio.gateway.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import org.junit.jupiter.api.Test;

class AddressBudgetsTest {
    private final Ticking clock = new Ticking();
    private final AddressBudgets budgets = new AddressBudgets(6, clock);

    @Test
    void anAddressHasSoMuchAndGetsItBackWithTime() throws Exception {
        final InetAddress one = InetAddress.getByName("192.0.2.1");
        for (int i = 0; i < 6; i++) {
            assertThat(budgets.delay(one)).isZero();
            assertThat(budgets.take(one)).isTrue();
        }
        assertThat(budgets.take(one)).isFalse();
        assertThat(budgets.delay(one)).isPositive().isLessThanOrEqualTo(Duration.ofSeconds(10));
        assertThat(budgets.delay(InetAddress.getByName("192.0.2.2"))).isZero();
        clock.now = clock.now.plusSeconds(11);
        assertThat(budgets.delay(one)).isZero();
        assertThat(budgets.take(one)).isTrue();
        assertThat(budgets.delay(one)).isPositive();
        clock.now = clock.now.plus(Duration.ofHours(1));
        for (int i = 0; i < 6; i++) {
            assertThat(budgets.delay(one)).isZero();
            assertThat(budgets.take(one)).isTrue();
        }
        assertThat(budgets.delay(one)).isPositive();
    }

    @Test
    void anIpv6NetworkCountsAsOne() throws Exception {
        for (int i = 0; i < 6; i++) {
            assertThat(budgets.take(InetAddress.getByName("2001:db8::" + i))).isTrue();
        }
        assertThat(budgets.delay(InetAddress.getByName("2001:db8::ffff"))).isPositive();
        assertThat(budgets.delay(InetAddress.getByName("2001:db8:0:1::1"))).isZero();
    }

    @Test
    void remembersABoundedNumberOfAddresses() throws UnknownHostException {
        for (int i = 0; i < AddressBudgets.MAX_ADDRESSES + 100; i++) {
            assertThat(budgets.take(
                            InetAddress.getByAddress(new byte[] {10, (byte) (i >> 16), (byte) (i >> 8), (byte) i})))
                    .isTrue();
        }
        assertThat(budgets.remembered()).isEqualTo(AddressBudgets.MAX_ADDRESSES);
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
