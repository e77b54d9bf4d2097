package dev.fusedio.gateway.audit;

import dev.fusedio.gateway.config.AuditSettings;
import dev.fusedio.gateway.config.GatewayProperties;
import dev.fusedio.gateway.config.StartRefusedException;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import tools.jackson.core.json.JsonWriteFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * The audit log: one line of JSON for each record, in a file that is rolled over, or on standard output. Any thread may
 * write; one of its own does the work, in order. What can't be written is counted and said, and stops no request: a full disk
 * must not keep an operator from making room.
 */
@Component
final class AuditLog implements SmartLifecycle {
    private static final Logger LOG = LoggerFactory.getLogger(AuditLog.class);
    private static final int MAX_WAITING = 10_000;
    private static final Duration STOP_LIMIT = Duration.ofSeconds(5);

    /** After the pool is ours; the last to stop before it. */
    private static final int PHASE = -160;

    private final AuditSettings settings;
    private final Path path;
    /** What is not ASCII is escaped, as control characters are: whatever shows the log, a line begins and ends where it does. */
    private final JsonMapper json =
            JsonMapper.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();

    private final AtomicInteger waiting = new AtomicInteger();
    private final Counter records;
    private final Counter failures;
    private @Nullable Scheduler writer;
    private @Nullable RollingFile file;
    private boolean failing;

    AuditLog(final GatewayProperties properties, final MeterRegistry meters) {
        this.settings = properties.audit();
        final Path given = settings.path();
        this.path = given == null ? properties.secretsDirectory().resolve("audit.jsonl") : given;
        this.records = Counter.builder("fused.audit.records")
                .description("Lines written to the audit log.")
                .register(meters);
        this.failures = Counter.builder("fused.audit.failures")
                .description("Lines that could not be written to the audit log.")
                .register(meters);
    }

    boolean isOn() {
        return settings.destination() != AuditSettings.Destination.NONE;
    }

    /** Has a record written; does not wait for it. */
    void write(final AuditRecord record) {
        final Scheduler thread = writer;
        if (thread == null || waiting.incrementAndGet() > MAX_WAITING) {
            if (thread != null) {
                waiting.decrementAndGet();
            }
            failures.increment();
            return;
        }
        thread.schedule(() -> {
            try {
                append(json.writeValueAsBytes(record));
                records.increment();
                failing = false;
            } catch (final IOException e) {
                failures.increment();
                if (!failing) { // once, not for every line of a full disk
                    failing = true;
                    LOG.error("the audit log {} can't be written, lines are lost: {}", path, e.toString());
                }
            } finally {
                waiting.decrementAndGet();
            }
        });
    }

    private void append(final byte[] line) throws IOException {
        if (file == null) {
            System.out.println(new String(line, java.nio.charset.StandardCharsets.UTF_8));
        } else {
            file.append(line);
        }
    }

    @Override
    public void start() {
        if (!isOn()) {
            return;
        }
        if (settings.destination() == AuditSettings.Destination.FILE) {
            try {
                file = RollingFile.open(path, settings.maxSize().bytes(), settings.files());
            } catch (final IOException e) {
                throw new StartRefusedException(
                        "gateway.audit.path is '" + path + "': it can't be written: "
                                + e.getClass().getSimpleName() + " " + e.getMessage(),
                        e);
            }
        }
        writer = Schedulers.newSingle("audit", true);
    }

    @Override
    public void stop() {
        final Scheduler thread = writer;
        writer = null;
        if (thread != null) {
            thread.disposeGracefully().timeout(STOP_LIMIT, Mono.empty()).block();
        }
        if (file != null) {
            file.close();
            file = null;
        }
    }

    @Override
    public boolean isRunning() {
        return writer != null;
    }

    @Override
    public int getPhase() {
        return PHASE;
    }
}
