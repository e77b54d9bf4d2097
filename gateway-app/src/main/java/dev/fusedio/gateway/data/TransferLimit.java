package dev.fusedio.gateway.data;

import dev.fusedio.gateway.config.GatewayProperties;
import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemType;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.LongAdder;
import org.springframework.http.HttpHeaders;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Mono;

/** Bounds the transfers at one time, and with them their memory. One too many is told to come back; none waits. */
@Component
public final class TransferLimit {
    private static final String RETRY_SECONDS = "1";

    private final int limit;
    private final Semaphore free;
    private final LongAdder completed = new LongAdder();
    private final LongAdder failed = new LongAdder();
    private final LongAdder cancelled = new LongAdder();
    private final LongAdder refused = new LongAdder();
    private final LongAdder bytesRead = new LongAdder();
    private final LongAdder bytesWritten = new LongAdder();

    TransferLimit(final GatewayProperties properties) {
        this.limit = properties.data().maxTransfers();
        this.free = new Semaphore(limit);
    }

    /** Runs a transfer, or fails with a too-many-transfers problem. */
    Mono<Void> run(final Mono<Void> transfer) {
        return Mono.defer(() -> {
            if (!free.tryAcquire()) {
                refused.increment();
                throw new ProblemException(
                                ProblemType.TOO_MANY_TRANSFERS,
                                limit + " transfers run already (the setting gateway.data.max-transfers).")
                        .withHeader(HttpHeaders.RETRY_AFTER, RETRY_SECONDS);
            }
            return transfer.doFinally(signal -> {
                free.release();
                switch (signal) {
                    case ON_ERROR -> failed.increment();
                    case CANCEL -> cancelled.increment();
                    default -> completed.increment();
                }
            });
        });
    }

    /** Counts payload that was handed to a client's connection. */
    void read(final long bytes) {
        bytesRead.add(bytes);
    }

    /** Counts payload that a client's connection brought. */
    void written(final long bytes) {
        bytesWritten.add(bytes);
    }

    /** What there was so far. Any thread; waits for nobody. */
    public Counts counts() {
        return new Counts(
                limit,
                limit - free.availablePermits(),
                completed.sum(),
                failed.sum(),
                cancelled.sum(),
                refused.sum(),
                bytesRead.sum(),
                bytesWritten.sum());
    }

    /**
     * Transfers at one moment. All but the first two only grow.
     *
     * @param limit how many may run at one time
     * @param active how many run
     * @param completed that came to their end
     * @param failed that were answered with a problem or broke off
     * @param cancelled whose client went away
     * @param refused that were one too many
     * @param bytesRead payload handed to clients' connections
     * @param bytesWritten payload that clients' connections brought
     */
    public record Counts(
            int limit,
            int active,
            long completed,
            long failed,
            long cancelled,
            long refused,
            long bytesRead,
            long bytesWritten) {}
}
