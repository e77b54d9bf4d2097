package dev.fusedio.gateway.operation;

import dev.fusedio.gateway.events.EventJournal;
import dev.fusedio.gateway.events.EventSubject;
import dev.fusedio.gateway.events.EventType;
import dev.fusedio.gateway.web.ProblemSummary;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** An operation from its beginning until it is forgotten. */
final class RunningOperation implements OperationWork.Progress {
    /** An event for each: a copy of whatever size leaves room in the journal for other news. */
    private static final int PARTS_TOLD = 10;

    private final long number;
    private final EventJournal journal;
    private final AtomicLong doneBytes = new AtomicLong();
    private final Sinks.Empty<Void> cancellation = Sinks.empty();
    private final Sinks.Empty<Void> end = Sinks.empty();
    private volatile Operation facts;

    /**
     * @param number its place among all
     */
    RunningOperation(final long number, final Operation facts, final EventJournal journal) {
        this.number = number;
        this.facts = facts;
        this.journal = journal;
    }

    long number() {
        return number;
    }

    /** How it is now. */
    Operation now() {
        final Operation known = facts;
        return new Operation(
                known.id(),
                known.kind(),
                known.state(),
                known.volume(),
                known.source(),
                new Operation.Progress(doneBytes.get(), known.progress().totalBytes()),
                known.createdAt(),
                known.startedAt(),
                known.finishedAt(),
                known.problem());
    }

    boolean isRunning() {
        return facts.state() == OperationState.RUNNING;
    }

    void begin(final Instant now) {
        become(OperationState.RUNNING, now, null, null);
    }

    void end(final OperationState state, final Instant now, final @Nullable ProblemSummary problem) {
        become(state, facts.startedAt(), now, problem);
        end.tryEmitEmpty();
    }

    /** Has it give up. */
    void cancel() {
        cancellation.tryEmitEmpty();
    }

    /** Completes when it has ended. */
    Mono<Void> ended() {
        return end.asMono();
    }

    @Override
    public void done(final long bytes) {
        final long total = facts.progress().totalBytes();
        final long after = doneBytes.addAndGet(bytes);
        if (after < total && part(after, total) != part(after - bytes, total)) {
            tell();
        }
    }

    @Override
    public Mono<Void> cancelled() {
        return cancellation.asMono();
    }

    private static long part(final long done, final long total) {
        return (long) ((double) done / total * PARTS_TOLD);
    }

    private void become(
            final OperationState state,
            final @Nullable Instant startedAt,
            final @Nullable Instant finishedAt,
            final @Nullable ProblemSummary problem) {
        final Operation known = facts;
        facts = new Operation(
                known.id(),
                known.kind(),
                state,
                known.volume(),
                known.source(),
                known.progress(),
                known.createdAt(),
                startedAt,
                finishedAt,
                problem);
        tell();
    }

    private void tell() {
        final Operation now = now();
        final ProblemSummary problem = now.problem();
        journal.append(
                EventType.OPERATION_CHANGED,
                Operations.PATH + "/" + now.id(),
                new EventSubject.OfOperation(
                        now.id(),
                        now.kind().label(),
                        now.state().label(),
                        now.volume(),
                        now.progress().doneBytes(),
                        now.progress().totalBytes(),
                        problem == null ? null : problem.code()));
    }
}
