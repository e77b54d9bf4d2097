package dev.fusedio.gateway.engine;

import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The end of a process whose data plane has lost a core loop (ADR 0017). It stops in order, as after SIGTERM, so that the
 * sessions of the loops that are left are answered and block devices wait for the next process; meanwhile health, and the
 * metric {@code fused_ring_running}, tell of it. A stop that does not come to its end is cut short.
 */
final class FailStop {
    private static final Logger LOG = LoggerFactory.getLogger(FailStop.class);
    private static final int STATUS = 1;
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private FailStop() {}

    /** Begins the end and returns. Any thread. */
    static void begin() {
        LOG.error("a core loop has failed: the gateway stops, with status {}", STATUS);
        final Thread stop = Thread.ofPlatform().name("fail-stop").daemon(true).start(() -> System.exit(STATUS));
        Thread.ofPlatform().name("fail-stop-limit").daemon(true).start(() -> cutShort(stop));
    }

    private static void cutShort(final Thread stop) {
        try {
            stop.join(PATIENCE); // it does not come back: the process ends before, or is ended here
            LOG.error("the stop did not come to its end within {}", PATIENCE);
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Runtime.getRuntime().halt(STATUS);
    }
}
