package dev.fusedio.gateway.node;

import dev.fusedio.gateway.catalogue.Catalogue;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.ReactiveHealthIndicator;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Mono;

/**
 * Up while the pool's file system answers. Damaged volumes are told and do not make it unhealthy: the others are
 * served, and taking the gateway out of service would hide them.
 */
@Component
final class PoolHealthIndicator implements ReactiveHealthIndicator {
    /** A file system that hangs (a dead network mount) must not hang the probe. */
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private final Catalogue catalogue;

    PoolHealthIndicator(final Catalogue catalogue) {
        this.catalogue = catalogue;
    }

    @Override
    public Mono<Health> health() {
        return catalogue
                .report()
                .timeout(PATIENCE)
                .map(pool -> {
                    final Map<String, String> damaged = new LinkedHashMap<>();
                    pool.damaged().forEach(volume -> damaged.put(volume.name(), volume.reason()));
                    return Health.up()
                            .withDetail("path", pool.directory().toString())
                            .withDetail("totalBytes", pool.totalBytes())
                            .withDetail("usableBytes", pool.usableBytes())
                            .withDetail("volumes", pool.volumes())
                            .withDetail("damaged", damaged)
                            .build();
                })
                .onErrorResume(failure -> Mono.just(Health.down(failure).build()));
    }
}
