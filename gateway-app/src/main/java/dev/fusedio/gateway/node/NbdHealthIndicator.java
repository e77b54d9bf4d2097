package dev.fusedio.gateway.node;

import dev.fusedio.gateway.config.GatewayProperties;
import dev.fusedio.gateway.engine.NbdSessions;
import java.util.List;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.ReactiveHealthIndicator;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Mono;

/** Up while the NBD server listens, or is not meant to. */
@Component
final class NbdHealthIndicator implements ReactiveHealthIndicator {
    private final NbdSessions sessions;
    private final boolean enabled;

    NbdHealthIndicator(final NbdSessions sessions, final GatewayProperties properties) {
        this.sessions = sessions;
        this.enabled = properties.nbd().enabled();
    }

    @Override
    public Mono<Health> health() {
        return Mono.fromSupplier(() -> {
            final List<String> listeners = sessions.listeners();
            return (!enabled || !listeners.isEmpty() ? Health.up() : Health.down())
                    .withDetail("enabled", enabled)
                    .withDetail("listening", listeners)
                    .withDetail("sessions", sessions.sessions().size())
                    .build();
        });
    }
}
