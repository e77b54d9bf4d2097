package dev.fusedio.gateway.catalogue;

import dev.fusedio.gateway.engine.OpenVolume;
import java.time.Clock;
import java.util.concurrent.ConcurrentMap;
import reactor.core.publisher.Mono;

/**
 * Makes volumes that get their bytes before anybody sees them. They lie in folders of the pool's own, so that a crash
 * leaves nothing that the next start doesn't clear away.
 */
final class VolumeStaging {
    private final ConcurrentMap<String, Volume> volumes;
    private final VolumeNames names;
    private final VolumeRules rules;
    private final PoolWork files;
    private final VolumeOpening opening;
    private final Turns turns;
    private final VolumeEvents events;
    private final Clock clock;

    VolumeStaging(
            final ConcurrentMap<String, Volume> volumes,
            final VolumeNames names,
            final VolumeRules rules,
            final PoolWork files,
            final VolumeOpening opening,
            final Turns turns,
            final VolumeEvents events,
            final Clock clock) {
        this.volumes = volumes;
        this.names = names;
        this.rules = rules;
        this.files = files;
        this.opening = opening;
        this.turns = turns;
        this.events = events;
        this.clock = clock;
    }

    Mono<StagedVolume> stage(final NewVolume wanted) {
        final VolumeName name = wanted.name();
        return turns.take(name.value(), Mono.defer(() -> {
            names.requireFree(name.value());
            rules.require(wanted);
            final VolumeRecord record = VolumeRecord.first(wanted, clock.instant());
            names.reserve(name.value());
            return files.on(() -> {
                        files.pool().requireFree(name);
                        return files.pool().stage(record);
                    })
                    .flatMap(staged -> opening.openWritable(name, record, staged.data())
                            .map(open -> new StagedVolume(this, name, record, staged, open))
                            .onErrorResume(
                                    failure -> removed(staged).onErrorComplete().then(Mono.error(failure))))
                    .doOnError(failure -> names.release(name.value()));
        }));
    }

    Mono<Volume> publish(final StagedVolume staged) {
        final VolumeName name = staged.name();
        final VolumeRecord record = staged.record();
        final OpenVolume open = staged.open();
        return turns.take(
                name.value(),
                open.flush()
                        .then(files.on(() -> {
                            files.pool().publish(staged.files(), name);
                            return record;
                        }))
                        .<Volume>map(written -> {
                            open.describe(written.readOnly(), written.description());
                            final Volume volume = new Volume.Available(name.value(), written, open);
                            volumes.put(name.value(), volume);
                            names.release(name.value());
                            return volume;
                        })
                        .doOnNext(events::created));
    }

    /** The name is free only when the folder is gone: what fails here is cleared away at the next start. */
    Mono<Void> discard(final StagedVolume staged) {
        return staged.open()
                .close()
                .then(removed(staged.files()))
                .onErrorResume(failure -> removed(staged.files()).then(Mono.error(failure)))
                .doOnTerminate(() -> names.release(staged.name().value()));
    }

    private Mono<Void> removed(final Pool.Staged staged) {
        return files.on(() -> {
                    files.pool().discard(staged);
                    return true;
                })
                .then();
    }
}
