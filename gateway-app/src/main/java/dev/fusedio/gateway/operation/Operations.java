package dev.fusedio.gateway.operation;

import dev.fusedio.gateway.events.EventJournal;
import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemSummary;
import dev.fusedio.gateway.web.ProblemType;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.http.HttpHeaders;
import org.springframework.stereotype.Service;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * Work that takes longer than a request. Operations are this process' own: none outlives it, and what one of them was
 * making is then not there. Any thread may call.
 */
@Service
public final class Operations implements SmartLifecycle {
    /** Where they are found. */
    public static final String PATH = "/api/v1/operations";

    /** Those that run at one time. */
    static final int LIMIT = 2;

    /** Finished ones that are remembered. */
    static final int REMEMBERED = 100;

    /** How long finished ones are remembered. */
    static final Duration REMEMBERED_FOR = Duration.ofHours(1);

    /** Stops when HTTP begins no more of them, and before what they work on. */
    private static final int PHASE = -40;

    private static final Logger LOG = LoggerFactory.getLogger(Operations.class);
    private static final Duration STOP_LIMIT = Duration.ofSeconds(15);
    private static final String RETRY_SECONDS = "30";

    private final EventJournal journal;
    private final Clock clock;
    private final ConcurrentMap<String, RunningOperation> all = new ConcurrentHashMap<>();
    private final AtomicLong numbers = new AtomicLong();
    private final Semaphore free = new Semaphore(LIMIT);
    private volatile boolean running;

    /**
     * @param clock for the operations' times
     */
    public Operations(final EventJournal journal, final Clock clock) {
        this.journal = journal;
        this.clock = clock;
    }

    /**
     * Begins an operation, and does not wait for its end.
     *
     * @param preparation checks, and takes hold of what the work needs; once begun it and the work run to their end
     *     although the subscriber leaves
     * @return the operation; or what the preparation fails with, or a too-many-operations problem
     */
    public Mono<Operation> begin(final Mono<OperationPlan> preparation) {
        return Mono.defer(() -> {
            takeRoom();
            return Mono.fromFuture(
                    preparation
                            .single()
                            .doOnError(failure -> free.release())
                            .map(this::start)
                            .toFuture(),
                    true);
        });
    }

    /** Checks what {@link #begin} checks, and begins nothing. */
    public Mono<Operation> draft(final Mono<OperationPlan> plan) {
        return Mono.defer(() -> {
            takeRoom();
            free.release();
            return plan.map(drafted -> Operation.drafted(drafted, clock.instant()));
        });
    }

    /** Those that run and those that are remembered, in the order in which they were begun, by their places. */
    List<Placed> operations() {
        forget();
        return all.values().stream()
                .sorted(Comparator.comparingLong(RunningOperation::number))
                .map(operation -> new Placed("%020d".formatted(operation.number()), operation.now()))
                .toList();
    }

    /**
     * An operation.
     *
     * @throws ProblemException if there is none
     */
    Operation get(final String id) {
        return find(id).now();
    }

    /**
     * Has a running operation give up, or forgets one that has ended.
     *
     * @return the one that gives up; empty if it is forgotten
     * @throws ProblemException if there is none
     */
    Optional<Operation> delete(final String id) {
        final RunningOperation operation = find(id);
        if (operation.isRunning()) {
            operation.cancel();
            return Optional.of(operation.now());
        }
        all.remove(id);
        return Optional.empty();
    }

    @Override
    public void start() {
        running = true;
    }

    @Override
    public void stop() {
        running = false;
        final List<RunningOperation> ending =
                all.values().stream().filter(RunningOperation::isRunning).toList();
        ending.forEach(RunningOperation::cancel);
        Flux.fromIterable(ending)
                .flatMap(RunningOperation::ended)
                .then()
                .timeout(STOP_LIMIT, Mono.fromRunnable(() -> LOG.warn("operations were not ended in time")))
                .block();
        all.clear();
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    @Override
    public int getPhase() {
        return PHASE;
    }

    private void takeRoom() {
        if (!running) {
            throw new ProblemException(ProblemType.UNAVAILABLE, "The gateway is stopping.");
        }
        if (!free.tryAcquire()) {
            throw new ProblemException(
                            ProblemType.TOO_MANY_OPERATIONS,
                            LIMIT + " operations run already. Try again when one has ended.")
                    .withHeader(HttpHeaders.RETRY_AFTER, RETRY_SECONDS);
        }
    }

    private Operation start(final OperationPlan plan) {
        final Instant now = clock.instant();
        final Operation created = Operation.drafted(plan, now);
        final RunningOperation operation = new RunningOperation(numbers.incrementAndGet(), created, journal);
        operation.begin(now);
        all.put(created.id().toString(), operation);
        if (!running) { // the stop has not seen it
            operation.cancel();
        }
        Mono.defer(() -> plan.work().run(operation))
                .subscribeOn(Schedulers.parallel())
                .subscribe(never -> {}, failure -> end(operation, failure), () -> end(operation, null));
        return operation.now();
    }

    private void end(final RunningOperation operation, final @Nullable Throwable failure) {
        free.release();
        final Instant now = clock.instant();
        switch (failure) {
            case null -> operation.end(OperationState.SUCCEEDED, now, null);
            case CancellationException cancelled -> operation.end(OperationState.CANCELLED, now, null);
            default -> {
                final ProblemSummary problem = ProblemSummary.of(failure);
                if (failure instanceof ProblemException) {
                    LOG.warn("operation {} failed: {}", operation.now().id(), problem.detail());
                } else {
                    LOG.error("operation {} failed", operation.now().id(), failure);
                }
                operation.end(OperationState.FAILED, now, problem);
            }
        }
        forget();
    }

    /** Drops finished ones that are too old or too many. */
    private void forget() {
        final Instant oldest = clock.instant().minus(REMEMBERED_FOR);
        all.values().removeIf(operation -> {
            final Instant finishedAt = operation.now().finishedAt();
            return finishedAt != null && finishedAt.isBefore(oldest);
        });
        final List<RunningOperation> finished = all.values().stream()
                .filter(operation -> !operation.isRunning())
                .sorted(Comparator.comparingLong(RunningOperation::number))
                .toList();
        finished.subList(0, Math.max(0, finished.size() - REMEMBERED))
                .forEach(operation -> all.remove(operation.now().id().toString()));
    }

    private RunningOperation find(final String id) {
        forget();
        final RunningOperation operation = all.get(id);
        if (operation == null) {
            throw new ProblemException(
                    ProblemType.OPERATION_NOT_FOUND,
                    "There is no operation '" + id + "'. Finished ones are forgotten after an hour, and all when the"
                            + " gateway stops; look whether what it was to make is there.");
        }
        return operation;
    }

    /**
     * An operation in a list.
     *
     * @param position its place, by which the list is sorted
     */
    record Placed(String position, Operation operation) {}
}
