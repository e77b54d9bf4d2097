package dev.fusedio.gateway.node;

import dev.fusedio.gateway.engine.DataPlane;
import dev.fusedio.gateway.engine.EngineReport;
import java.util.LinkedHashMap;
import java.util.Map;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.ReactiveHealthIndicator;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Mono;

/** Up while every core loop is alive. Refused ring features make it slower, not unhealthy. */
@Component
final class RingHealthIndicator implements ReactiveHealthIndicator {
    private final DataPlane dataPlane;

    RingHealthIndicator(final DataPlane dataPlane) {
        this.dataPlane = dataPlane;
    }

    @Override
    public Mono<Health> health() {
        return Mono.fromSupplier(() -> {
            final EngineReport report = dataPlane.report();
            final Map<String, String> refused = new LinkedHashMap<>();
            report.refused().forEach(refusal -> refused.put(refusal.feature(), refusal.reason()));
            return (report.running() ? Health.up() : Health.down())
                    .withDetail("kernel", report.kernelRelease())
                    .withDetail("cores", report.cores())
                    .withDetail("granted", report.granted())
                    .withDetail("refused", refused)
                    .build();
        });
    }
}
