package dev.fusedio.gateway.engine;

import dev.fusedio.loop.CoreLoop;
import dev.fusedio.loop.LoopGroup;
import dev.fusedio.nbd.server.ExportDirectory;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.SystemCallException;
import dev.fusedio.volume.Backend;
import dev.fusedio.volume.FailureLatch;
import dev.fusedio.volume.Volume;
import dev.fusedio.volume.VolumeAccess;
import dev.fusedio.volume.VolumeStatistics;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Schedulers;
import reactor.util.retry.Retry;

/**
 * A volume that the core has open. What sessions are offered is fixed in a core volume; when that changes, new
 * sessions get a new core volume on the same backend, and the old one stays for those that have it.
 */
final class CoreVolume implements OpenVolume {
    private static final Logger LOG = LoggerFactory.getLogger(CoreVolume.class);
    private static final long KEEP_NANOS = Duration.ofMinutes(10).toNanos();
    private static final Duration POLL = Duration.ofMillis(10);
    private static final Duration CLOSE_LIMIT = Duration.ofSeconds(10);
    private static final Retry MAILBOX_FULL = Retry.backoff(8, Duration.ofMillis(1))
            .filter(failure -> failure instanceof DataPlaneException refused
                    && refused.errno().equals("EBUSY"))
            .onRetryExhaustedThrow((spec, signal) -> signal.failure());

    private final LoopGroup loops;
    private final Backend backend;
    private final Sinks.One<VolumeFailure> failed = Sinks.one();
    private volatile @Nullable VolumeFailure failureSeen;
    private final FailureLatch failure =
            new FailureLatch(this::onFailure); // one for the backend, however many core volumes use it
    private final UseCount uses = new UseCount();
    private final AtomicInteger nextAccess = new AtomicInteger();
    private final Object lock = new Object();
    private final List<Retired> retired = new ArrayList<>(); // guarded by lock
    private final List<Volume> lent = new ArrayList<>(); // guarded by lock: to block devices
    private final List<VolumeStatistics> past =
            new ArrayList<>(); // guarded by lock: of volumes that are closed, one or none
    private volatile Offer offer;
    private final Mono<Void> closing;

    CoreVolume(final LoopGroup loops, final Backend backend, final VolumeSpec spec) {
        this.loops = loops;
        this.backend = backend;
        this.offer = offer(spec.name(), spec.description(), spec.readOnly());
        this.closing = Mono.defer(this::closeOnce).cache();
    }

    @Override
    public String name() {
        return offer.volume.name();
    }

    @Override
    public long size() {
        return backend.size();
    }

    @Override
    public int blockSize() {
        return backend.capabilities().minimumBlock();
    }

    @Override
    public boolean readOnly() {
        return offer.volume.readOnly();
    }

    @Override
    public void describe(final boolean readOnly, final String description) {
        synchronized (lock) {
            final Volume now = offer.volume;
            if (now.readOnly() != readOnly || !now.description().equals(description)) {
                retired.add(new Retired(now, System.nanoTime()));
                offer = offer(now.name(), description, readOnly);
            }
        }
        sweep();
    }

    @Override
    public Mono<Long> allocatedBytes() {
        return blocking(backend::allocatedBytes);
    }

    @Override
    public Mono<Void> grow(final long newSize) {
        return blocking(() -> {
                    try {
                        backend.grow(newSize);
                    } catch (final SystemCallException e) {
                        failure.review(-Math.abs(e.errno())); // its sync is the one flush that the kernel tells
                        throw e;
                    }
                    return true;
                })
                .then();
    }

    @Override
    public Optional<VolumeFailure> failure() {
        return Optional.ofNullable(failureSeen);
    }

    @Override
    public Mono<VolumeFailure> failed() {
        return failed.asMono();
    }

    /** On the thread that found it, perhaps a core loop's: whoever listens is told on another. */
    private void onFailure(final int errno) {
        final VolumeFailure seen = new VolumeFailure(Errno.name(errno), Instant.now());
        failureSeen = seen;
        Schedulers.parallel().schedule(() -> {
            LOG.error(
                    "volume {} has failed: a write-back ended with {}; data that was acknowledged may be missing",
                    name(),
                    seen.errno());
            failed.tryEmitValue(seen);
        });
    }

    @Override
    public Mono<Void> read(final long position, final ByteBuffer target) {
        return transfer(
                "reading " + target.remaining() + " bytes at " + position,
                (access, done) -> access.read(position, target.duplicate(), done));
    }

    @Override
    public Mono<Void> write(final long position, final ByteBuffer source) {
        return transfer(
                "writing " + source.remaining() + " bytes at " + position,
                (access, done) -> access.write(position, source.duplicate(), done));
    }

    @Override
    public Mono<Extent> extent(final long position) {
        return access(
                "looking for data at " + position,
                (access, sink) -> access.extent(
                        position, (result, length, isHole) -> sink.accept(result, new Extent(length, isHole))));
    }

    @Override
    public Mono<Void> flush() {
        return transfer("flushing", VolumeAccess::flush);
    }

    @Override
    public VolumeCounters counters() {
        synchronized (lock) {
            final List<VolumeStatistics> parts = new ArrayList<>(past);
            retired.forEach(old -> parts.add(old.volume.statistics()));
            lent.forEach(device -> parts.add(device.statistics()));
            parts.add(offer.volume.statistics());
            return CounterSums.counters(CounterSums.sum(parts));
        }
    }

    @Override
    public Mono<Void> close() {
        return closing;
    }

    /**
     * Gives a new session what it asked for. The reply counts as a use until it is with the session's loop: there the
     * session begins its own use before {@link #close} looks for users.
     */
    void handOut(final Consumer<ExportDirectory.Answer> reply) {
        if (!uses.enter()) {
            reply.accept(new ExportDirectory.Answer.Unknown());
            return;
        }
        try {
            reply.accept(new ExportDirectory.Answer.Found(offer.volume));
        } finally {
            uses.leave();
        }
    }

    /**
     * A core volume of its own for a block device, which keeps this open until it is given back.
     *
     * @param device the name that the device is found by
     */
    CoreBlockDevices.Backing lend(final String device, final boolean deviceReadOnly) {
        if (!uses.enter()) {
            throw closed();
        }
        final Volume volume =
                new Volume(device, name(), new SharedBackend(backend), deviceReadOnly || readOnly(), failure);
        synchronized (lock) {
            lent.add(volume);
        }
        return new CoreBlockDevices.Backing(volume, () -> giveBack(volume));
    }

    private void giveBack(final Volume volume) throws IOException {
        final VolumeStatistics last = volume.statistics();
        volume.close();
        synchronized (lock) {
            lent.remove(volume);
            remember(last);
        }
        uses.leave();
    }

    private Offer offer(final String name, final String description, final boolean readOnly) {
        final Volume volume = new Volume(name, description, new SharedBackend(backend), readOnly, failure);
        final List<VolumeAccess> accesses = new ArrayList<>();
        for (final CoreLoop loop : loops.loops()) {
            accesses.add(new VolumeAccess(loop, volume));
        }
        return new Offer(volume, List.copyOf(accesses));
    }

    /** The loops take turns, so that one transfer's copying is spread over the cores. */
    private Mono<Void> transfer(final String what, final Transfer transfer) {
        return access(what, (access, done) -> transfer.start(access, result -> done.accept(result, null)));
    }

    private <T> Mono<T> access(final String what, final Access<T> begin) {
        return Mono.<T>create(sink -> {
                    if (!uses.enter()) {
                        sink.error(closed());
                        return;
                    }
                    final List<VolumeAccess> accesses = offer.accesses;
                    final VolumeAccess access =
                            accesses.get(Math.floorMod(nextAccess.getAndIncrement(), accesses.size()));
                    begin.start(access, (result, answer) -> {
                        uses.leave();
                        if (result < 0) {
                            sink.error(Failures.of(result, "volume " + name() + ": " + what));
                        } else {
                            sink.success(answer);
                        }
                    });
                })
                .publishOn(Schedulers.parallel())
                .retryWhen(MAILBOX_FULL);
    }

    private <T> Mono<T> blocking(final Callable<T> work) {
        return Mono.defer(() -> {
                    if (!uses.enter()) {
                        return Mono.error(closed());
                    }
                    return Mono.fromCallable(work)
                            .subscribeOn(Schedulers.fromExecutor(loops.blocking()))
                            .publishOn(Schedulers.parallel())
                            .doFinally(signal -> uses.leave());
                })
                .onErrorMap(IOException.class, Failures::of);
    }

    /** A file descriptor that closes under a request in flight may be another file's by then: first all users leave. */
    private Mono<Void> closeOnce() {
        return uses.close()
                .then(Flux.defer(() -> Flux.fromIterable(volumes()))
                        .flatMap(this::unused)
                        .then())
                .timeout(
                        CLOSE_LIMIT,
                        Mono.error(() -> new DataPlaneException(
                                "ETIMEDOUT",
                                "volume " + name() + " is still in use after " + CLOSE_LIMIT.toSeconds() + " s")))
                .then(Mono.<Void>fromCallable(() -> {
                            for (final Volume volume : volumes()) {
                                volume.close();
                            }
                            backend.close();
                            failed.tryEmitEmpty();
                            return null;
                        })
                        .subscribeOn(Schedulers.boundedElastic()))
                .publishOn(Schedulers.parallel())
                .onErrorMap(IOException.class, Failures::of);
    }

    /**
     * Closes core volumes that were replaced some time ago and that no session has any more. Late, because a handshake
     * may hold one that it has not begun to use.
     */
    private void sweep() {
        final long now = System.nanoTime();
        final List<Retired> old;
        synchronized (lock) {
            old = retired.stream().filter(each -> now - each.since > KEEP_NANOS).toList();
        }
        Flux.fromIterable(old)
                .filterWhen(each -> userCount(each.volume).map(users -> users == 0))
                .concatMap(each -> blocking(() -> {
                    final VolumeStatistics last = each.volume.statistics();
                    each.volume.close();
                    synchronized (lock) {
                        remember(last);
                        retired.remove(each);
                    }
                    return true;
                }))
                .subscribe(closed -> {}, failure -> LOG.warn("volume {}: {}", name(), failure.getMessage()));
    }

    private void remember(final VolumeStatistics last) {
        past.add(last);
        final VolumeStatistics sum = CounterSums.sum(past);
        past.clear();
        past.add(sum);
    }

    private List<Volume> volumes() {
        synchronized (lock) {
            final List<Volume> all = new ArrayList<>();
            retired.forEach(old -> all.add(old.volume));
            all.add(offer.volume);
            return all;
        }
    }

    /** Completes when no session has the volume, on any loop. */
    private Mono<Void> unused(final Volume volume) {
        return userCount(volume)
                .filter(users -> users == 0)
                .repeatWhenEmpty(Integer.MAX_VALUE, rounds -> rounds.delayElements(POLL))
                .then();
    }

    private Mono<Integer> userCount(final Volume volume) {
        return Flux.fromIterable(loops.loops())
                .flatMap(loop -> users(volume, loop))
                .reduce(0, Integer::sum);
    }

    private static Mono<Integer> users(final Volume volume, final CoreLoop loop) {
        return Mono.<Integer>create(sink -> {
                    final boolean accepted = loop.execute(() -> {
                        final Volume.Lane lane = volume.acquire(loop);
                        final int others = lane.users() - 1;
                        lane.release();
                        sink.success(others);
                    });
                    if (!accepted) {
                        sink.success(0); // the loop has ended, and its sessions with it
                    }
                })
                .publishOn(Schedulers.parallel());
    }

    private DataPlaneException closed() {
        return new DataPlaneException(Errno.name(Errno.ESHUTDOWN), "volume " + name() + " is closing");
    }

    /** Begins one access. */
    @FunctionalInterface
    private interface Access<T> {
        void start(VolumeAccess access, Done<T> done);
    }

    /** Takes its end: 0 or a negated error number, and the answer if there is one. */
    @FunctionalInterface
    private interface Done<T> {
        void accept(int result, @Nullable T answer);
    }

    /** Begins one that has no answer. */
    @FunctionalInterface
    private interface Transfer {
        void start(VolumeAccess access, IntConsumer done);
    }

    /** A core volume that new sessions do not get any more. */
    private record Retired(Volume volume, long since) {}

    /** What new users get. */
    private record Offer(Volume volume, List<VolumeAccess> accesses) {}
}
