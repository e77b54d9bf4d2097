package dev.fusedio.gateway.security;

import dev.fusedio.gateway.config.GatewayProperties;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import org.springframework.stereotype.Component;

/**
 * Bounds the attempts with wrong credentials that an address has: so many at once, and so many a minute. An IPv6 client
 * counts by its /64, all of which is usually one host's. The addresses that are remembered are bounded; the one that has been
 * quiet for longest is forgotten first. Any thread may ask.
 */
@Component
final class FailureLimit {
    static final int MAX_ADDRESSES = 10_000;

    private static final int IPV6_NETWORK_BYTES = 8;

    private final int perMinute;
    private final Clock clock;
    private final Map<String, Budget> budgets = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(final Map.Entry<String, Budget> eldest) {
            return size() > MAX_ADDRESSES;
        }
    };

    FailureLimit(final GatewayProperties gateway, final Clock clock) {
        this.perMinute = gateway.security().failuresPerMinute();
        this.clock = clock;
    }

    /** How long the address has to wait before credentials of its are looked at; zero if it need not. */
    synchronized Duration delay(final InetAddress address) {
        final Budget budget = budgets.get(key(address));
        if (budget == null) {
            return Duration.ZERO;
        }
        final double left = budget.left(clock.instant(), perMinute);
        return left >= 1 ? Duration.ZERO : Duration.ofMillis((long) Math.ceil((1 - left) * 60_000 / perMinute));
    }

    /** Its credentials were wrong. */
    synchronized void failed(final InetAddress address) {
        final Instant now = clock.instant();
        final Budget before = budgets.get(key(address));
        final double left = before == null ? perMinute : before.left(now, perMinute);
        budgets.put(key(address), new Budget(Math.max(0, left - 1), now));
    }

    synchronized int remembered() {
        return budgets.size();
    }

    private static String key(final InetAddress address) {
        final byte[] bytes = address.getAddress();
        return HexFormat.of()
                .formatHex(address instanceof Inet6Address ? Arrays.copyOf(bytes, IPV6_NETWORK_BYTES) : bytes);
    }

    private record Budget(double attempts, Instant at) {
        double left(final Instant now, final int perMinute) {
            final double seconds = Math.max(0, Duration.between(at, now).toMillis()) / 1000.0;
            return Math.min(perMinute, attempts + seconds * perMinute / 60);
        }
    }
}
