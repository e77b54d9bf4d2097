package dev.fusedio.gateway.catalogue;

import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemType;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/** The pool between start and stop, and a few threads of its own that wait for it. Any thread may call. */
final class PoolWork {
    private static final Logger LOG = LoggerFactory.getLogger(PoolWork.class);
    private static final int THREADS = 4;
    private static final int QUEUE = 10_000;

    private volatile @Nullable Running running;

    /** Takes a pool, which it closes when it stops. */
    void start(final Pool pool) {
        running = new Running(pool, Schedulers.newBoundedElastic(THREADS, QUEUE, "catalogue", 60, true));
    }

    /** Ends what runs, and closes the pool. */
    void stop() {
        final Running stopping = running;
        if (stopping == null) {
            return;
        }
        running = null;
        stopping.files.dispose();
        try {
            stopping.pool.close();
        } catch (final IOException e) {
            LOG.warn("the pool was not closed cleanly: {}", e.getMessage());
        }
    }

    boolean isRunning() {
        return running != null;
    }

    /**
     * The pool.
     *
     * @throws ProblemException if it is closed
     */
    Pool pool() {
        return current().pool;
    }

    /** Does work that blocks. Fails with a problem or a data plane's error if the file system refuses. */
    <T> Mono<T> on(final Callable<T> work) {
        return Mono.defer(() -> Mono.fromCallable(work).subscribeOn(current().files))
                .onErrorMap(IOException.class, StorageFailures::of);
    }

    private Running current() {
        final Running now = running;
        if (now == null) {
            throw new ProblemException(ProblemType.UNAVAILABLE, "The gateway is stopping.");
        }
        return now;
    }

    /** What there is between start and stop. */
    private record Running(Pool pool, Scheduler files) {}
}
