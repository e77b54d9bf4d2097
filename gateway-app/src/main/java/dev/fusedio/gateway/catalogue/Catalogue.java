package dev.fusedio.gateway.catalogue;

import dev.fusedio.gateway.config.GatewayProperties;
import dev.fusedio.gateway.config.StartRefusedException;
import dev.fusedio.gateway.engine.BackendType;
import dev.fusedio.gateway.engine.DataPlane;
import dev.fusedio.gateway.engine.DataPlaneException;
import dev.fusedio.gateway.engine.NbdSessions;
import dev.fusedio.gateway.engine.OpenVolume;
import dev.fusedio.gateway.engine.VolumeSpec;
import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemType;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Service;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

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
    private static final Duration SESSIONS_END = Duration.ofSeconds(10);
    private static final Duration START_LIMIT = Duration.ofMinutes(5);
    private static final Duration CLOSE_LIMIT = Duration.ofSeconds(10);
    private static final int FILE_THREADS = 4;
    private static final int FILE_QUEUE = 10_000;
    private static final int OPENED_AT_ONCE = 16;

    private final GatewayProperties properties;
    private final VolumeRules rules;
    private final DataPlane dataPlane;
    private final NbdSessions sessions;
    private final Clock clock;
    private final ConcurrentNavigableMap<String, Volume> volumes = new ConcurrentSkipListMap<>();
    private final Turns turns = new Turns();
    private final VolumeUses uses = new VolumeUses();
    private volatile @Nullable Running running;

    /**
     * @param clock for the records' times
     */
    Catalogue(
            final GatewayProperties properties,
            final DataPlane dataPlane,
            final NbdSessions sessions,
            final Clock clock) {
        this.properties = properties;
        this.rules = new VolumeRules(properties.pool().maxVolumeSize());
        this.dataPlane = dataPlane;
        this.sessions = sessions;
        this.clock = clock;
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
            throw new ProblemException(ProblemType.VOLUME_NOT_FOUND, "There is no volume '" + name + "'.");
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
        return new RecordFolder<>(this, name, type);
    }

    /** Makes a volume. Fails with a {@link ProblemException} if the name is taken or the size is not allowed. */
    public Mono<Volume> create(final NewVolume wanted) {
        final String name = wanted.name().value();
        return turns.take(name, Mono.defer(() -> {
            requireFree(name);
            if (wanted.backend() == BackendType.MEMORY && wanted.directIo()) {
                throw ProblemException.invalid("directIo", "a volume in memory has no file to open with O_DIRECT");
            }
            rules.requireSize(wanted.size(), wanted.directIo());
            final VolumeRecord record = VolumeRecord.first(wanted, clock.instant());
            return onFiles(() -> {
                        pool().create(wanted.name(), record);
                        return record;
                    })
                    .then(open(wanted.name(), record)
                            .onErrorResume(
                                    DataPlaneException.class,
                                    failure -> remove(wanted.name())
                                            .onErrorComplete()
                                            .then(Mono.error(failure))))
                    .map(open -> publish(new Volume.Available(name, record, open)));
        }));
    }

    /**
     * Changes a volume.
     *
     * @param revision the revision that the change was thought for; null for any
     * @param force whether sessions that forbid the change are ended
     */
    public Mono<Volume> change(
            final VolumeName name, final VolumeChange change, final @Nullable Long revision, final boolean force) {
        final String to = change.name() == null ? name.value() : change.name().value();
        return turns.take(name.value(), to, Mono.defer(() -> {
            final Volume.Available volume = get(name.value()).orDamaged();
            VolumeRules.requireRevision(volume, revision);
            final Long size = change.size();
            if (size != null) {
                rules.requireSize(size, volume.record().directIo());
                if (size < volume.open().size()) {
                    throw new ProblemException(
                            ProblemType.SHRINK_REFUSED,
                            "The volume '" + name + "' has " + volume.open().size() + " bytes; " + size
                                    + " is less. Volumes only grow.");
                }
            }
            final VolumeRecord record = volume.record().next(change, clock.instant());
            if (to.equals(name.value())) {
                return apply(name, volume, record);
            }
            requireFree(to);
            return withdrawn(volume, force, "renamed", rename(name, new VolumeName(to), volume, record));
        }));
    }

    /**
     * Removes a volume and its data.
     *
     * @param revision the revision that is meant; null for any
     * @param force whether its sessions are ended; a damaged volume is removed only so
     */
    public Mono<Void> delete(final VolumeName name, final @Nullable Long revision, final boolean force) {
        return turns.take(name.value(), Mono.defer(() -> switch (get(name.value())) {
            case Volume.Damaged damaged -> {
                if (!force) {
                    damaged.orDamaged();
                }
                yield remove(name).doOnSuccess(gone -> volumes.remove(name.value()));
            }
            case Volume.Available volume -> {
                VolumeRules.requireRevision(volume, revision);
                yield withdrawn(volume, force, "deleted", volume.open().close().then(remove(name)));
            }
        }));
    }

    /** Size and free space of the pool's file system. */
    public Mono<PoolReport> report() {
        return onFiles(() -> {
            final Pool.Space space = pool().space();
            final List<Volume> all = volumes();
            return new PoolReport(
                    pool().directory(),
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
        final Running started = new Running(
                Pool.open(properties.pool().path()),
                Schedulers.newBoundedElastic(FILE_THREADS, FILE_QUEUE, "catalogue", 60, true));
        running = started;
        try {
            final boolean demo = properties.demo().enabled() && started.pool.isNew();
            final List<Pool.Found> found = started.pool.scan();
            Flux.fromIterable(found)
                    .flatMap(this::load, OPENED_AT_ONCE)
                    .doOnNext(this::publish)
                    .then(demo ? create(demo()).then() : Mono.empty())
                    .block(START_LIMIT);
            started.pool.describe();
        } catch (final IOException | RuntimeException e) {
            stop();
            throw e instanceof RuntimeException unchecked
                    ? unchecked
                    : new StartRefusedException(
                            "the pool " + started.pool.directory() + " can't be used: " + e.getMessage(), e);
        }
    }

    @Override
    public void stop() {
        final Running stopping = running;
        if (stopping == null) {
            return;
        }
        running = null;
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
        stopping.files.dispose();
        try {
            stopping.pool.close();
        } catch (final IOException e) {
            LOG.warn("the pool was not closed cleanly: {}", e.getMessage());
        }
    }

    @Override
    public boolean isRunning() {
        return running != null;
    }

    @Override
    public int getPhase() {
        return PHASE;
    }

    private NewVolume demo() {
        return new NewVolume(
                DEMO, properties.demo().size().bytes(), BackendType.FILE, false, false, "made at the first start");
    }

    private Mono<Volume> load(final Pool.Found found) {
        return switch (found) {
            case Pool.Damaged damaged -> Mono.just(setAside(damaged.folder(), null, damaged.reason()));
            case Pool.Sound sound ->
                open(new VolumeName(sound.folder()), sound.record())
                        .<Volume>map(open -> new Volume.Available(sound.folder(), sound.record(), open))
                        .onErrorResume(
                                DataPlaneException.class,
                                failure -> Mono.just(setAside(
                                        sound.folder(), sound.record(), String.valueOf(failure.getMessage()))));
        };
    }

    private static Volume setAside(final String name, final @Nullable VolumeRecord record, final String reason) {
        LOG.error("volume {} is damaged and set aside: {}", name, reason);
        return new Volume.Damaged(name, record, reason);
    }

    private Mono<OpenVolume> open(final VolumeName name, final VolumeRecord record) {
        return dataPlane.open(new VolumeSpec(
                name.value(),
                record.backend(),
                record.backend() == BackendType.FILE ? pool().dataFile(name) : null,
                record.size(),
                record.readOnly(),
                record.directIo(),
                record.description()));
    }

    /** Backend first, record second: a crash between them leaves a longer file, which the next start takes as it is. */
    private Mono<Volume> apply(final VolumeName name, final Volume.Available volume, final VolumeRecord record) {
        final OpenVolume open = volume.open();
        final boolean grows = record.size() > open.size();
        return (grows ? open.grow(record.size()) : Mono.<Void>empty())
                .then(onFiles(() -> {
                    pool().update(name, record);
                    return record;
                }))
                .map(written -> {
                    open.describe(written.readOnly(), written.description());
                    return publish(new Volume.Available(volume.name(), written, open));
                })
                .flatMap(changed -> (grows ? uses.grown(volume.name()) : Mono.<Void>empty()).thenReturn(changed));
    }

    private Mono<Volume> rename(
            final VolumeName from, final VolumeName to, final Volume.Available volume, final VolumeRecord record) {
        final Mono<Void> grown =
                record.size() > volume.open().size() ? volume.open().grow(record.size()) : Mono.empty();
        return grown.then(volume.open().close())
                .then(onFiles(() -> {
                    pool().update(from, record);
                    pool().rename(from, to);
                    return record;
                }))
                .then(open(to, record))
                .map(open -> publish(new Volume.Available(to.value(), record, open)));
    }

    private Mono<Void> remove(final VolumeName name) {
        return onFiles(() -> {
                    pool().delete(name);
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
        uses.requireNone(volume.name(), done);
        if (!force) {
            requireUnused(volume, done);
        }
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
                .then(onFiles(() -> pool().scan().stream()
                        .filter(found -> found.folder().equals(volume.name()))
                        .findFirst()))
                .flatMap(found -> found.map(this::load).orElseGet(Mono::empty))
                .map(this::publish);
    }

    private void requireUnused(final Volume.Available volume, final String done) {
        final int open = sessions.count(volume.open());
        if (open > 0) {
            throw new ProblemException(
                    ProblemType.VOLUME_IN_USE,
                    "The volume '" + volume.name() + "' can't be " + done + " while NBD sessions have it open (" + open
                            + "). End them first, or say force=true.");
        }
    }

    private Volume publish(final Volume volume) {
        volumes.put(volume.name(), volume);
        return volume;
    }

    private void requireFree(final String name) {
        if (volumes.containsKey(name)) {
            throw VolumeRules.nameTaken(name);
        }
    }

    Pool pool() {
        return current().pool;
    }

    private Running current() {
        final Running now = running;
        if (now == null) {
            throw new ProblemException(ProblemType.UNAVAILABLE, "The gateway is stopping.");
        }
        return now;
    }

    <T> Mono<T> onFiles(final Callable<T> work) {
        return Mono.defer(() -> Mono.fromCallable(work).subscribeOn(current().files))
                .onErrorMap(IOException.class, StorageFailures::of);
    }

    /** What there is between start and stop. */
    private record Running(Pool pool, Scheduler files) {}
}
