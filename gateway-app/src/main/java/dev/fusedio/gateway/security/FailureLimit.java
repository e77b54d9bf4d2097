package dev.fusedio.gateway.security;

import dev.fusedio.gateway.config.GatewayProperties;
import dev.fusedio.gateway.web.AddressBudgets;
import java.net.InetAddress;
import java.time.Clock;
import java.time.Duration;
import org.springframework.stereotype.Component;

/** Bounds the attempts with wrong credentials that an address has. Any thread may ask. */
@Component
final class FailureLimit {
    private final AddressBudgets attempts;

    FailureLimit(final GatewayProperties gateway, final Clock clock) {
        this.attempts = new AddressBudgets(gateway.security().failuresPerMinute(), clock);
    }

    /** How long the address has to wait before credentials of its are looked at; zero if it need not. */
    Duration delay(final InetAddress address) {
        return attempts.delay(address);
    }

    /** Its credentials were wrong. */
    void failed(final InetAddress address) {
        final var _ = attempts.take(address);
    }
}
