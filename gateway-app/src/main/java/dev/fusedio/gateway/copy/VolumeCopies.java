package dev.fusedio.gateway.copy;

import dev.fusedio.gateway.catalogue.Catalogue;
import dev.fusedio.gateway.catalogue.NewVolume;
import dev.fusedio.gateway.catalogue.StagedVolume;
import dev.fusedio.gateway.catalogue.VolumeUse;
import dev.fusedio.gateway.config.GatewayProperties;
import dev.fusedio.gateway.engine.OpenVolume;
import dev.fusedio.gateway.operation.Operation;
import dev.fusedio.gateway.operation.OperationKind;
import dev.fusedio.gateway.operation.OperationPlan;
import dev.fusedio.gateway.operation.OperationWork;
import dev.fusedio.gateway.operation.Operations;
import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemException.FieldError;
import dev.fusedio.gateway.web.ProblemType;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Service;
import reactor.core.publisher.Mono;

/**
 * Copies volumes. A copy is seen when it is whole and on stable storage; until then its name is taken, and its source
 * can be neither renamed nor removed. Any thread may call.
 */
@Service
public final class VolumeCopies implements VolumeUse {
    private static final Logger LOG = LoggerFactory.getLogger(VolumeCopies.class);

    /** How often it is looked whether the source was written; at the end it always is. */
    private static final long CHECK_BYTES = 64 << 20;

    private final Catalogue catalogue;
    private final Operations operations;
    private final GatewayProperties.Data limits;
    private final Set<Copy> running = ConcurrentHashMap.newKeySet();

    VolumeCopies(final Catalogue catalogue, final Operations operations, final GatewayProperties properties) {
        this.catalogue = catalogue;
        this.operations = operations;
        this.limits = properties.data();
        catalogue.watch(this);
    }

    /**
     * Begins to copy. Fails with a {@link ProblemException} if the source can't be copied, the name is taken, what is
     * wanted is not allowed, or too many operations run.
     *
     * @return the operation, which has begun
     */
    public Mono<Operation> begin(final NewCopy wanted) {
        return operations.begin(Mono.defer(() -> {
            final Copy copy = new Copy(wanted.source(), wanted.name().value());
            return source(wanted, () -> running.add(copy))
                    .flatMap(source -> catalogue
                            .stage(source.wanted)
                            .map(staged -> plan(
                                    wanted,
                                    source,
                                    progress -> copied(source.open, staged, progress)
                                            .doOnTerminate(() -> running.remove(copy)))))
                    .doOnError(failure -> running.remove(copy));
        }));
    }

    /** Checks what {@link #begin} checks, and copies nothing. */
    public Mono<Operation> draft(final NewCopy wanted) {
        return operations.draft(source(wanted, () -> {})
                .flatMap(source ->
                        catalogue.draft(source.wanted).map(draft -> plan(wanted, source, progress -> Mono.empty()))));
    }

    @Override
    public Optional<String> useOf(final String volume) {
        return running.stream()
                .filter(copy -> copy.source.equals(volume))
                .findFirst()
                .map(copy -> "the operation that copies it to '" + copy.target + "'");
    }

    /** What is copied is what the source had when that began: zeros behind it are no part of it. */
    @Override
    public Mono<Void> grown(final String volume) {
        return Mono.empty();
    }

    /**
     * Takes hold of the source in its turn. That of the target comes after it, and not within: two copies of each
     * other's names would wait for each other.
     */
    private Mono<Source> source(final NewCopy wanted, final Runnable hold) {
        return catalogue
                .using(
                        wanted.source(),
                        volume -> Mono.fromSupplier(() -> {
                            final Source source = new Source(volume.open(), wanted.of(volume));
                            hold.run();
                            return source;
                        }))
                .onErrorMap(ProblemException.class, VolumeCopies::aboutSource);
    }

    private static ProblemException aboutSource(final ProblemException problem) {
        return problem.type() == ProblemType.VOLUME_NOT_FOUND || problem.type() == ProblemType.VOLUME_DAMAGED
                ? new ProblemException(
                        problem.type(),
                        "copyOf: " + problem.getMessage(),
                        List.of(new FieldError("copyOf", String.valueOf(problem.getMessage()))))
                : problem;
    }

    private static OperationPlan plan(final NewCopy wanted, final Source source, final OperationWork work) {
        return new OperationPlan(
                OperationKind.VOLUME_COPY, wanted.name().value(), wanted.source(), source.open.size(), work);
    }

    private Mono<Void> copied(
            final OpenVolume source, final StagedVolume staged, final OperationWork.Progress progress) {
        return Mono.firstWithSignal(
                        bytes(source, staged, progress),
                        progress.cancelled().then(Mono.error(() -> new CancellationException("told to end"))))
                .then(Mono.defer(staged::publish))
                .then()
                .onErrorResume(failure -> staged.discard()
                        .onErrorResume(left -> {
                            LOG.warn(
                                    "what there was of a copy is removed at the next start, not now: {}",
                                    left.getMessage());
                            return Mono.empty();
                        })
                        .then(Mono.error(failure)));
    }

    private Mono<Void> bytes(
            final OpenVolume source, final StagedVolume staged, final OperationWork.Progress progress) {
        return Mono.defer(() -> {
            final SourceWatch watch = new SourceWatch(source);
            final AtomicLong unchecked = new AtomicLong();
            final LongConsumer done = bytes -> {
                progress.done(bytes);
                if (unchecked.addAndGet(bytes) >= CHECK_BYTES) {
                    unchecked.set(0);
                    watch.requireUnchanged();
                }
            };
            return new SparseCopy(
                            source,
                            staged.open(),
                            Math.toIntExact(limits.chunkSize().bytes()),
                            limits.chunksInFlight())
                    .run(done)
                    .then(staged.open().flush())
                    .then(Mono.fromRunnable(watch::requireUnchanged));
        });
    }

    /** One that runs, or is being begun. No record: one that is refused equals none that runs. */
    private static final class Copy {
        private final String source;
        private final String target;

        private Copy(final String source, final String target) {
            this.source = source;
            this.target = target;
        }
    }

    /** What is copied, and to what. */
    private record Source(OpenVolume open, NewVolume wanted) {}
}
