package dev.fusedio.gateway.catalogue;

import dev.fusedio.gateway.engine.DataPlaneException;
import dev.fusedio.gateway.engine.NbdSessions;
import dev.fusedio.gateway.engine.OpenVolume;
import dev.fusedio.gateway.web.Precondition;
import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemType;
import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.ConcurrentMap;
import reactor.core.publisher.Mono;

/**
 * Makes, changes and removes volumes, each one's changes one after another. Each change is checked first; a draft is a
 * change of which nothing but that is done.
 */
final class VolumeChanges {
    private static final String REOPENED = "reopened";

    private static final Duration SESSIONS_END = Duration.ofSeconds(10);

    private final ConcurrentMap<String, Volume> volumes;
    private final VolumeNames names;
    private final VolumeRules rules;
    private final PoolWork files;
    private final VolumeOpening opening;
    private final NbdSessions sessions;
    private final VolumeUses uses;
    private final Turns turns;
    private final VolumeEvents events;
    private final Clock clock;

    VolumeChanges(
            final ConcurrentMap<String, Volume> volumes,
            final VolumeNames names,
            final VolumeRules rules,
            final PoolWork files,
            final VolumeOpening opening,
            final NbdSessions sessions,
            final VolumeUses uses,
            final Turns turns,
            final VolumeEvents events,
            final Clock clock) {
        this.volumes = volumes;
        this.names = names;
        this.rules = rules;
        this.files = files;
        this.opening = opening;
        this.sessions = sessions;
        this.uses = uses;
        this.turns = turns;
        this.events = events;
        this.clock = clock;
    }

    Mono<Volume> create(final NewVolume wanted) {
        return inTurn(wanted, made(wanted));
    }

    Mono<VolumeDraft> draft(final NewVolume wanted) {
        return inTurn(wanted, drafted(wanted));
    }

    /** Makes a volume unless one of that name is there, which {@code acceptance} accepts or not. */
    Mono<Ensured<Volume>> ensure(final NewVolume wanted, final VolumeAcceptance acceptance) {
        return inTurn(wanted, Mono.defer(() -> {
            final Volume there = volumes.get(wanted.name().value());
            if (there == null) {
                return made(wanted).map(volume -> new Ensured<>(volume, true));
            }
            acceptance.require(there.orDamaged());
            return Mono.just(new Ensured<>(there, false));
        }));
    }

    Mono<Ensured<VolumeDraft>> draftEnsured(final NewVolume wanted, final VolumeAcceptance acceptance) {
        return inTurn(wanted, Mono.defer(() -> {
            final Volume there = volumes.get(wanted.name().value());
            if (there == null) {
                return drafted(wanted).map(draft -> new Ensured<>(draft, true));
            }
            final Volume.Available volume = there.orDamaged();
            acceptance.require(volume);
            return Mono.just(new Ensured<>(new VolumeDraft(volume.name(), volume.record()), false));
        }));
    }

    Mono<Volume> change(
            final VolumeName name, final VolumeChange change, final Precondition precondition, final boolean force) {
        final String to = nameAfter(name, change);
        return turns.take(name.value(), to, Mono.defer(() -> {
            final Volume.Available volume = find(name).orDamaged();
            final VolumeRecord record = checked(volume, change, precondition, force);
            if (to.equals(name.value())) {
                return apply(name, volume, record);
            }
            return withdrawn(volume, force, "renamed", rename(name, new VolumeName(to), volume, record));
        }));
    }

    /** Closes a volume that nobody has and opens it anew. */
    Mono<Volume> reopen(final VolumeName name) {
        return turns.take(name.value(), Mono.defer(() -> {
            final Volume.Available volume = find(name).orDamaged();
            uses.requireNone(volume.name(), REOPENED);
            return withdrawn(
                    volume,
                    false,
                    REOPENED,
                    volume.open()
                            .close()
                            .then(opening.open(name, volume.record()))
                            .map(open -> publish(new Volume.Available(volume.name(), volume.record(), open)))
                            .doOnNext(reopened -> events.changed(reopened, volume.name())));
        }));
    }

    Mono<VolumeDraft> draft(
            final VolumeName name, final VolumeChange change, final Precondition precondition, final boolean force) {
        final String to = nameAfter(name, change);
        return turns.take(
                name.value(),
                to,
                Mono.fromSupplier(
                        () -> new VolumeDraft(to, checked(find(name).orDamaged(), change, precondition, force))));
    }

    Mono<Void> delete(final VolumeName name, final Precondition precondition, final boolean force) {
        return turns.take(name.value(), Mono.defer(() -> switch (deletable(name, precondition, force)) {
            case Volume.Damaged damaged ->
                remove(name).doOnSuccess(gone -> {
                    volumes.remove(damaged.name());
                    events.deleted(damaged);
                });
            case Volume.Available volume ->
                withdrawn(
                        volume,
                        force,
                        "deleted",
                        volume.open().close().then(remove(name)).doOnSuccess(gone -> events.deleted(volume)));
        }));
    }

    Mono<Void> draftDeletion(final VolumeName name, final Precondition precondition, final boolean force) {
        return turns.take(
                name.value(),
                Mono.fromSupplier(() -> deletable(name, precondition, force)).then());
    }

    private <T> Mono<T> inTurn(final NewVolume wanted, final Mono<T> work) {
        return turns.take(wanted.name().value(), work);
    }

    private Mono<Volume> made(final NewVolume wanted) {
        return Mono.defer(() -> {
            final VolumeRecord record = checked(wanted);
            return files.on(() -> {
                        files.pool().create(wanted.name(), record);
                        return record;
                    })
                    .then(opening.open(wanted.name(), record)
                            .onErrorResume(
                                    DataPlaneException.class,
                                    failure -> remove(wanted.name())
                                            .onErrorComplete()
                                            .then(Mono.error(failure))))
                    .map(open -> publish(new Volume.Available(wanted.name().value(), record, open)))
                    .doOnNext(events::created);
        });
    }

    private Mono<VolumeDraft> drafted(final NewVolume wanted) {
        return Mono.defer(() -> {
            final VolumeDraft draft = new VolumeDraft(wanted.name().value(), checked(wanted));
            return files.on(() -> {
                files.pool().requireFree(wanted.name());
                return draft;
            });
        });
    }

    private VolumeRecord checked(final NewVolume wanted) {
        names.requireFree(wanted.name().value());
        rules.require(wanted);
        return VolumeRecord.first(wanted, clock.instant());
    }

    private VolumeRecord checked(
            final Volume.Available volume,
            final VolumeChange change,
            final Precondition precondition,
            final boolean force) {
        precondition.require(VolumeRules.etag(volume), "The volume '" + volume.name() + "'");
        rules.require(volume, change);
        final VolumeName to = change.name();
        if (to != null && !to.value().equals(volume.name())) {
            names.requireFree(to.value());
            requireRemovable(volume, force, "renamed");
        }
        return volume.record().next(change, clock.instant());
    }

    private Volume deletable(final VolumeName name, final Precondition precondition, final boolean force) {
        final Volume volume = find(name);
        precondition.require(VolumeRules.etag(volume), "The volume '" + name + "'");
        switch (volume) {
            case Volume.Damaged damaged -> {
                if (!force) {
                    damaged.orDamaged();
                }
            }
            case Volume.Available available -> requireRemovable(available, force, "deleted");
        }
        return volume;
    }

    /** Backend first, record second: a crash between them leaves a longer file, which the next start takes as it is. */
    private Mono<Volume> apply(final VolumeName name, final Volume.Available volume, final VolumeRecord record) {
        final OpenVolume open = volume.open();
        final boolean grows = record.size() > open.size();
        return (grows ? open.grow(record.size()) : Mono.<Void>empty())
                .then(files.on(() -> {
                    files.pool().update(name, record);
                    return record;
                }))
                .map(written -> {
                    open.describe(written.readOnly(), written.description());
                    return publish(new Volume.Available(volume.name(), written, open));
                })
                .doOnNext(changed -> events.changed(changed, volume.name()))
                .flatMap(changed -> (grows ? uses.grown(volume.name()) : Mono.<Void>empty()).thenReturn(changed));
    }

    private Mono<Volume> rename(
            final VolumeName from, final VolumeName to, final Volume.Available volume, final VolumeRecord record) {
        final Mono<Void> grown =
                record.size() > volume.open().size() ? volume.open().grow(record.size()) : Mono.empty();
        return grown.then(volume.open().close())
                .then(files.on(() -> {
                    files.pool().update(from, record);
                    files.pool().rename(from, to);
                    return record;
                }))
                .then(opening.open(to, record))
                .map(open -> publish(new Volume.Available(to.value(), record, open)))
                .doOnNext(renamed -> events.changed(renamed, from.value()));
    }

    private Mono<Void> remove(final VolumeName name) {
        return files.on(() -> {
                    files.pool().delete(name);
                    return true;
                })
                .then();
    }

    /**
     * Takes a volume out of sight, so that no session can open it, and does {@code work}. If that can't be, the volume
     * is back, opened anew if need be.
     */
    private <T> Mono<T> withdrawn(
            final Volume.Available volume, final boolean force, final String done, final Mono<T> work) {
        volumes.remove(volume.name());
        final Mono<Void> unused = force
                ? sessions.endAll(volume.open(), SESSIONS_END)
                : Mono.fromRunnable(() -> requireUnused(volume, done));
        return unused.onErrorResume(failure -> {
                    publish(volume);
                    return Mono.error(failure);
                })
                .then(work)
                .onErrorResume(
                        failure -> !volumes.containsKey(volume.name()),
                        failure -> restore(volume).then(Mono.error(failure)));
    }

    private Mono<Volume> restore(final Volume.Available volume) {
        return volume.open()
                .close()
                .onErrorComplete()
                .then(files.on(() -> files.pool().scan().stream()
                        .filter(found -> found.folder().equals(volume.name()))
                        .findFirst()))
                .flatMap(found -> found.map(opening::load).orElseGet(Mono::empty))
                .map(this::publish);
    }

    private void requireRemovable(final Volume.Available volume, final boolean force, final String done) {
        uses.requireNone(volume.name(), done);
        if (!force) {
            requireUnused(volume, done);
        }
    }

    private void requireUnused(final Volume.Available volume, final String done) {
        final int open = sessions.count(volume.open());
        if (open > 0) {
            throw new ProblemException(
                    ProblemType.VOLUME_IN_USE,
                    "The volume '" + volume.name() + "' can't be " + done + " while NBD sessions have it open (" + open
                            + "). End them first" + (done.equals(REOPENED) ? "." : ", or say force=true."));
        }
    }

    private Volume find(final VolumeName name) {
        final Volume volume = volumes.get(name.value());
        if (volume == null) {
            throw VolumeRules.unknown(name.value());
        }
        return volume;
    }

    private Volume publish(final Volume volume) {
        volumes.put(volume.name(), volume);
        return volume;
    }

    private static String nameAfter(final VolumeName name, final VolumeChange change) {
        return change.name() == null ? name.value() : change.name().value();
    }
}
