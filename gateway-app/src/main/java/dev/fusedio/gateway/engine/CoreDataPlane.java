package dev.fusedio.gateway.engine;

import dev.fusedio.backend.file.FileBackend;
import dev.fusedio.backend.file.FileOptions;
import dev.fusedio.backend.memory.MemoryBackend;
import dev.fusedio.gateway.config.GatewayProperties;
import dev.fusedio.gateway.config.StartRefusedException;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.loop.LoopConfig;
import dev.fusedio.loop.LoopGroup;
import dev.fusedio.loop.LoopSnapshot;
import dev.fusedio.ring.RingFeatures;
import dev.fusedio.sys.Affinity;
import dev.fusedio.sys.KernelInfo;
import dev.fusedio.volume.Backend;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** The core loops and what they have open. First to start and last to stop. */
@Component
final class CoreDataPlane implements DataPlane, SmartLifecycle {
    /** Before everything else of the gateway. */
    static final int PHASE = -300;

    private static final Logger LOG = LoggerFactory.getLogger(CoreDataPlane.class);

    /** A service that was killed holds its files for as long as its last operations take. */
    private static final Duration LOCK_PATIENCE = Duration.ofSeconds(10);

    private static final AtomicBoolean WARNED = new AtomicBoolean();

    private final GatewayProperties.Engine properties;
    private volatile @Nullable Running running;

    CoreDataPlane(final GatewayProperties properties) {
        this.properties = properties.engine();
    }

    @Override
    public Mono<OpenVolume> open(final VolumeSpec spec) {
        return Mono.defer(() -> {
                    final LoopGroup loops = loops();
                    return Mono.<OpenVolume>fromCallable(() -> new CoreVolume(loops, openBackend(loops, spec), spec))
                            .subscribeOn(Schedulers.fromExecutor(loops.blocking()))
                            .publishOn(Schedulers.parallel());
                })
                .onErrorMap(IOException.class, Failures::of);
    }

    @Override
    public EngineReport report() {
        final Running now = current();
        final RingFeatures features = now.loops.features();
        return new EngineReport(
                now.loops.isRunning(),
                now.kernel.release(),
                now.kernel.machine(),
                now.loops.loops().stream().map(CoreLoop::core).toList(),
                features.granted(),
                features.refused().stream()
                        .map(refusal -> new EngineReport.Refusal(refusal.feature(), refusal.reason()))
                        .toList(),
                now.kernel.lockedMemoryBytes(),
                now.kernel.openFiles());
    }

    @Override
    public List<LoopCounters> counters() {
        return loops().loops().stream()
                .map(CoreLoop::snapshot)
                .map(CoreDataPlane::counters)
                .toList();
    }

    @Override
    public void start() {
        final LoopConfig defaults =
                properties.cores().isEmpty() ? LoopConfig.ofAllowedCores() : LoopConfig.of(requestedCores());
        try {
            final LoopConfig config = new LoopConfig(
                    defaults.cores(),
                    properties.pin(),
                    defaults.ringEntries(),
                    properties.memory().bytes(),
                    defaults.receiveBuffers(),
                    defaults.receiveBufferBytes(),
                    defaults.mailboxCapacity());
            final LoopGroup loops =
                    LoopGroup.start(config, failure -> LOG.error("a core loop's handler failed", failure));
            running = new Running(loops, KernelInfo.read());
            loops.failed().thenAccept(cause -> FailStop.begin());
        } catch (final IOException e) {
            throw new StartRefusedException(String.valueOf(e.getMessage()), e);
        } catch (final IllegalArgumentException e) {
            throw new StartRefusedException("gateway.engine: " + e.getMessage(), e);
        }
        final RingFeatures features = loops().features();
        LOG.info("core loops on processors {}; io_uring features in use: {}", defaults.cores(), features.granted());
        features.refused().forEach(refusal -> LOG.info("not in use: {}: {}", refusal.feature(), refusal.reason()));
    }

    @Override
    public void stop() {
        final Running stopping = running;
        if (stopping != null) {
            running = null;
            stopping.loops.close();
        }
    }

    @Override
    public boolean isRunning() {
        return running != null;
    }

    /** But in the training run for an image, whose build may not use io_uring. */
    @Override
    public boolean isAutoStartup() {
        return !"without-rings".equals(System.getProperty("fused.training"));
    }

    @Override
    public int getPhase() {
        return PHASE;
    }

    /**
     * The loops.
     *
     * @throws DataPlaneException if they do not run
     */
    LoopGroup loops() {
        return current().loops;
    }

    private List<Integer> requestedCores() {
        final List<Integer> allowed = Affinity.allowed();
        for (final Integer core : properties.cores()) {
            if (!allowed.contains(core)) {
                throw new StartRefusedException("gateway.engine.cores: processor " + core
                        + " is not among those that this process may use, " + allowed);
            }
        }
        return properties.cores();
    }

    private Running current() {
        final Running now = running;
        if (now == null) {
            throw new DataPlaneException("ESHUTDOWN", "the core loops do not run");
        }
        return now;
    }

    private static Backend openBackend(final LoopGroup loops, final VolumeSpec spec) throws IOException {
        return switch (spec.backend()) {
            // Opened for writing although the volume may be read-only: that can be changed while it is open.
            case FILE -> {
                final FileBackend file = FileBackend.open(
                        Objects.requireNonNull(spec.data()),
                        FileOptions.of(false, spec.directIo()).withPatience(LOCK_PATIENCE),
                        loops.blocking());
                if (!file.unlocked().isEmpty() && WARNED.compareAndSet(false, true)) {
                    LOG.warn("{}; so it is with all volumes there", file.unlocked());
                }
                yield file;
            }
            case MEMORY -> new MemoryBackend(spec.size());
        };
    }

    private static LoopCounters counters(final LoopSnapshot loop) {
        return new LoopCounters(
                loop.core(),
                loop.busyNanos(),
                loop.enters(),
                loop.submissions(),
                loop.completions(),
                loop.overflows(),
                loop.requests(),
                loop.borrowedBytes(),
                loop.copiedBytes(),
                loop.leasedBytes(),
                loop.slabBytes());
    }

    /** What there is between start and stop. */
    private record Running(LoopGroup loops, KernelInfo kernel) {}
}
