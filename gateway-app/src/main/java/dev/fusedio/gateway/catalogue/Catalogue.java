package dev.fusedio.gateway.catalogue;

import dev.fusedio.gateway.config.GatewayProperties;
import dev.fusedio.gateway.config.StartRefusedException;
import dev.fusedio.gateway.engine.BackendType;
import dev.fusedio.gateway.engine.DataPlane;
import dev.fusedio.gateway.engine.NbdSessions;
import dev.fusedio.gateway.events.EventJournal;
import dev.fusedio.gateway.web.Precondition;
import dev.fusedio.gateway.web.ProblemException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Service;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The volumes of this node. Changes of one volume happen one after another; what a change has answered is on stable
 * storage. Any thread may call; file work happens on a few threads of its own.
 */
@Service
public final class Catalogue implements SmartLifecycle {
    /** After the core loops, before the NBD server. */
    public static final int PHASE = -200;

    private static final Logger LOG = LoggerFactory.getLogger(Catalogue.class);
    private static final VolumeName DEMO = new VolumeName("demo");
    private static final Duration START_LIMIT = Duration.ofMinutes(5);
    private static final Duration CLOSE_LIMIT = Duration.ofSeconds(10);
    private static final int OPENED_AT_ONCE = 16;

    private final GatewayProperties properties;
    private final ConcurrentNavigableMap<String, Volume> volumes = new ConcurrentSkipListMap<>();
    private final Turns turns = new Turns();
    private final VolumeUses uses = new VolumeUses();
    private final PoolWork files = new PoolWork();
    private final VolumeOpening opening;
    private final VolumeChanges changes;
    private final VolumeStaging staging;

    /**
     * @param clock for the records' times
     */
    Catalogue(
            final GatewayProperties properties,
            final DataPlane dataPlane,
            final NbdSessions sessions,
            final EventJournal journal,
            final Clock clock) {
        this.properties = properties;
        final VolumeEvents events = new VolumeEvents(journal);
        this.opening = new VolumeOpening(files, dataPlane, events);
        final VolumeNames names = new VolumeNames(volumes);
        final VolumeRules rules = new VolumeRules(properties.pool().maxVolumeSize());
        this.changes = new VolumeChanges(volumes, names, rules, files, opening, sessions, uses, turns, events, clock);
        this.staging = new VolumeStaging(volumes, names, rules, files, opening, turns, events, clock);
    }

    /** All volumes, damaged ones too, in the order of names. */
    public List<Volume> volumes() {
        return List.copyOf(volumes.values());
    }

    /** A volume, if there is one of that name. */
    public Optional<Volume> find(final String name) {
        return Optional.ofNullable(volumes.get(name));
    }

    /**
     * A volume.
     *
     * @throws ProblemException if there is none
     */
    public Volume get(final String name) {
        final Volume volume = volumes.get(name);
        if (volume == null) {
            throw VolumeRules.unknown(name);
        }
        return volume;
    }

    /** Lets a feature that uses volumes forbid and follow their changes. */
    public void watch(final VolumeUse use) {
        uses.add(use);
    }

    /** Works with a sound volume in its turn: it is neither changed nor removed meanwhile. */
    public <T> Mono<T> using(final String name, final Function<Volume.Available, Mono<T>> work) {
        return turns.take(name, Mono.defer(() -> work.apply(get(name).orDamaged())));
    }

    /** Records of another feature, kept in the pool. */
    public <T> RecordFolder<T> folder(final String name, final Class<T> type) {
        return new RecordFolder<>(files, name, type);
    }

    /** Makes a volume. Fails with a {@link ProblemException} if the name is taken or the size is not allowed. */
    public Mono<Volume> create(final NewVolume wanted) {
        return changes.create(wanted);
    }

    /** Checks what {@link #create(NewVolume)} checks, and makes nothing. */
    public Mono<VolumeDraft> draft(final NewVolume wanted) {
        return changes.draft(wanted);
    }

    /**
     * Makes a volume that nobody sees yet, but whose name is taken. Fails as {@link #create(NewVolume)} does.
     */
    public Mono<StagedVolume> stage(final NewVolume wanted) {
        return staging.stage(wanted);
    }

    /** Makes a volume, or takes the one that is there if {@code acceptance} lets it pass. */
    public Mono<Ensured<Volume>> ensure(final NewVolume wanted, final VolumeAcceptance acceptance) {
        return changes.ensure(wanted, acceptance);
    }

    /** Checks what {@link #ensure} checks, and makes nothing. */
    public Mono<Ensured<VolumeDraft>> draftEnsured(final NewVolume wanted, final VolumeAcceptance acceptance) {
        return changes.draftEnsured(wanted, acceptance);
    }

    /**
     * Changes a volume.
     *
     * @param precondition the revisions that the change was thought for
     * @param force whether sessions that forbid the change are ended
     */
    public Mono<Volume> change(
            final VolumeName name, final VolumeChange change, final Precondition precondition, final boolean force) {
        return changes.change(name, change, precondition, force);
    }

    /** Checks what {@link #change} checks, and changes nothing. */
    public Mono<VolumeDraft> draft(
            final VolumeName name, final VolumeChange change, final Precondition precondition, final boolean force) {
        return changes.draft(name, change, precondition, force);
    }

    /**
     * Opens a volume anew, so that a failed write-back no longer fails its flushes. Refused with a {@link ProblemException}
     * while sessions or block devices have it: they were told of the failure, and must not be told that all is well.
     */
    public Mono<Volume> reopen(final VolumeName name) {
        return changes.reopen(name);
    }

    /**
     * Removes a volume and its data.
     *
     * @param precondition the revisions that are meant
     * @param force whether its sessions are ended; a damaged volume is removed only so
     */
    public Mono<Void> delete(final VolumeName name, final Precondition precondition, final boolean force) {
        return changes.delete(name, precondition, force);
    }

    /** Checks what {@link #delete} checks, and removes nothing. */
    public Mono<Void> draftDeletion(final VolumeName name, final Precondition precondition, final boolean force) {
        return changes.draftDeletion(name, precondition, force);
    }

    /** Size and free space of the pool's file system. */
    public Mono<PoolReport> report() {
        return files.on(() -> {
            final Pool.Space space = files.pool().space();
            final List<Volume> all = volumes();
            return new PoolReport(
                    files.pool().directory(),
                    space.totalBytes(),
                    space.usableBytes(),
                    all.size(),
                    all.stream()
                            .filter(Volume.Damaged.class::isInstance)
                            .map(Volume.Damaged.class::cast)
                            .toList());
        });
    }

    @Override
    public void start() {
        files.start(Pool.open(properties.pool().path()));
        try {
            final boolean demo = properties.demo().enabled() && files.pool().isNew();
            final List<Pool.Found> found = files.pool().scan();
            Flux.fromIterable(found)
                    .flatMap(opening::load, OPENED_AT_ONCE)
                    .doOnNext(volume -> volumes.put(volume.name(), volume))
                    .then(demo ? create(demo()).then() : Mono.empty())
                    .block(START_LIMIT);
            files.pool().describe();
        } catch (final IOException | RuntimeException e) {
            final Path directory = files.pool().directory();
            stop();
            throw e instanceof RuntimeException unchecked
                    ? unchecked
                    : new StartRefusedException("the pool " + directory + " can't be used: " + e.getMessage(), e);
        }
    }

    @Override
    public void stop() {
        if (!files.isRunning()) {
            return;
        }
        Flux.fromIterable(volumes.values())
                .ofType(Volume.Available.class)
                .flatMap(volume -> volume.open().close().onErrorResume(failure -> {
                    LOG.warn("volume {} was not closed cleanly: {}", volume.name(), failure.getMessage());
                    return Mono.empty();
                }))
                .then()
                .timeout(CLOSE_LIMIT)
                .onErrorResume(failure -> {
                    LOG.warn("volumes were not closed in time: {}", failure.getMessage());
                    return Mono.empty();
                })
                .block();
        volumes.clear();
        files.stop();
    }

    @Override
    public boolean isRunning() {
        return files.isRunning();
    }

    @Override
    public int getPhase() {
        return PHASE;
    }

    private NewVolume demo() {
        return new NewVolume(
                DEMO,
                properties.demo().size().bytes(),
                BackendType.FILE,
                false,
                false,
                "made at the first start",
                Map.of());
    }
}
