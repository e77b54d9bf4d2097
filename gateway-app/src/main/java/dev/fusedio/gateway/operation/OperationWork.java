package dev.fusedio.gateway.operation;

import java.util.concurrent.CancellationException;
import reactor.core.publisher.Mono;

/** The work of an operation. */
@FunctionalInterface
public interface OperationWork {
    /**
     * Does it, on subscription. When it ends, however it does, nothing is left to be cleared up. It is never cancelled;
     * when {@link Progress#cancelled()} says so it gives up and fails with a {@link CancellationException}, unless it is
     * past the point where it can.
     */
    Mono<Void> run(Progress progress);

    /** What passes between an operation and its work. */
    interface Progress {
        /** Tells of work done. Any thread. */
        void done(long bytes);

        /** Completes when the work is to be given up. */
        Mono<Void> cancelled();
    }
}
