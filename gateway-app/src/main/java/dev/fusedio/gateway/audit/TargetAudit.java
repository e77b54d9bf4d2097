package dev.fusedio.gateway.audit;

import dev.fusedio.gateway.web.AddressBudgets;
import dev.fusedio.gateway.web.RefusedTarget;
import dev.fusedio.gateway.web.RefusedTargets;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.net.InetAddress;
import java.time.Clock;
import org.springframework.stereotype.Component;

/**
 * Has requests written down that were refused for their addresses. Nobody is asked for credentials before, so what one
 * client may have written is bounded, lest it rolls the lines of others out of the log.
 */
@Component
final class TargetAudit implements RefusedTargets {
    static final int LINES_PER_MINUTE = 10;

    private final AuditLog log;
    private final Clock clock;
    private final AddressBudgets lines;
    private final Counter omitted;

    TargetAudit(final AuditLog log, final Clock clock, final MeterRegistry meters) {
        this.log = log;
        this.clock = clock;
        this.lines = new AddressBudgets(LINES_PER_MINUTE, clock);
        this.omitted = Counter.builder("fused.audit.omitted")
                .description("Requests refused for their addresses that were left out of the audit log.")
                .register(meters);
    }

    @Override
    public void refused(final RefusedTarget target) {
        if (!log.isOn()) {
            return;
        }
        final InetAddress from = target.from();
        if (from != null && !lines.take(from)) {
            omitted.increment();
            return;
        }
        log.write(new AuditRecord(
                clock.instant(),
                target.requestId(),
                null,
                null,
                null,
                from == null ? null : from.getHostAddress(),
                target.method(),
                target.resource(),
                null,
                null,
                target.problem().status().value(),
                target.problem().code()));
    }
}
