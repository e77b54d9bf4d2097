package dev.fusedio.gateway.web;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What each client's address may have of something: so much at once, and so much a minute. An IPv6 client counts by its
 * /64, all of which is usually one host's. The addresses that are remembered are bounded; the one that has been quiet for
 * longest is forgotten first. Any thread may ask.
 */
public final class AddressBudgets {
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

    /** @param perMinute what there is at once, and what comes back in a minute; 1 or more */
    public AddressBudgets(final int perMinute, final Clock clock) {
        this.perMinute = perMinute;
        this.clock = clock;
    }

    /** How long the address has to wait until it has something left; zero if it need not. */
    public synchronized Duration delay(final InetAddress address) {
        final double left = left(key(address), clock.instant());
        return left >= 1 ? Duration.ZERO : Duration.ofMillis((long) Math.ceil((1 - left) * 60_000 / perMinute));
    }

    /** Takes one of what the address has left, if there is any. */
    public synchronized boolean take(final InetAddress address) {
        final Instant now = clock.instant();
        final String key = key(address);
        final double left = left(key, now);
        budgets.put(key, new Budget(left >= 1 ? left - 1 : left, now));
        return left >= 1;
    }

    synchronized int remembered() {
        return budgets.size();
    }

    private double left(final String key, final Instant now) {
        final Budget budget = budgets.get(key);
        return budget == null ? perMinute : budget.left(now, perMinute);
    }

    private static String key(final InetAddress address) {
        final byte[] bytes = address.getAddress();
        return HexFormat.of()
                .formatHex(address instanceof Inet6Address ? Arrays.copyOf(bytes, IPV6_NETWORK_BYTES) : bytes);
    }

    private record Budget(double amount, Instant at) {
        double left(final Instant now, final int perMinute) {
            final double seconds = Math.max(0, Duration.between(at, now).toMillis()) / 1000.0;
            return Math.min(perMinute, amount + seconds * perMinute / 60);
        }
    }
}
