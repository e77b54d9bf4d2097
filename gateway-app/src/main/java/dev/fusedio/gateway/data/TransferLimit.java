package dev.fusedio.gateway.data;

import dev.fusedio.gateway.config.GatewayProperties;
import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemType;
import java.util.concurrent.Semaphore;
import org.springframework.http.HttpHeaders;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Mono;

/** Bounds the transfers at one time, and with them their memory. One too many is told to come back; none waits. */
@Component
final class TransferLimit {
    private static final String RETRY_SECONDS = "1";

    private final int limit;
    private final Semaphore free;

    TransferLimit(final GatewayProperties properties) {
        this.limit = properties.data().maxTransfers();
        this.free = new Semaphore(limit);
    }

    /** Runs a transfer, or fails with a too-many-transfers problem. */
    Mono<Void> run(final Mono<Void> transfer) {
        return Mono.defer(() -> {
            if (!free.tryAcquire()) {
                throw new ProblemException(
                                ProblemType.TOO_MANY_TRANSFERS,
                                limit + " transfers run already (the setting gateway.data.max-transfers).")
                        .withHeader(HttpHeaders.RETRY_AFTER, RETRY_SECONDS);
            }
            return transfer.doFinally(signal -> free.release());
        });
    }
}
