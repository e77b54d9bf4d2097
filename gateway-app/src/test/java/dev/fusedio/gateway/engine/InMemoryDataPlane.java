package dev.fusedio.gateway.engine;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** A data plane for tests of what is above it: volumes are byte arrays, and failures come when they are asked for. */
public final class InMemoryDataPlane implements DataPlane {
    private final Map<String, InMemoryVolume> open = new ConcurrentHashMap<>();
    private volatile @Nullable DataPlaneException openFailure;
    private volatile boolean running = true;

    @Override
    public Mono<OpenVolume> open(final VolumeSpec spec) {
        return Mono.fromCallable(() -> {
            final DataPlaneException failure = openFailure;
            if (failure != null) {
                openFailure = null;
                throw failure;
            }
            final InMemoryVolume volume = new InMemoryVolume(spec, () -> open.remove(spec.name()));
            if (open.putIfAbsent(spec.name(), volume) != null) {
                throw new IllegalStateException(spec.name() + " is open already");
            }
            return volume;
        });
    }

    @Override
    public EngineReport report() {
        return new EngineReport(
                running,
                "6.12.0",
                "x86_64",
                List.of(0, 1),
                List.of("SINGLE_ISSUER"),
                List.of(new EngineReport.Refusal("REGISTER_BUFFERS", "the limit on locked memory")),
                8 << 20,
                1024);
    }

    @Override
    public List<LoopCounters> counters() {
        return List.of(
                new LoopCounters(0, 1_500_000_000L, 10, 20, 30, 1, 40, 4096, 512, 8192, 1 << 20),
                new LoopCounters(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 << 20));
    }

    /** The open volume of that name. */
    public InMemoryVolume volume(final String name) {
        final InMemoryVolume volume = open.get(name);
        if (volume == null) {
            throw new AssertionError("volume " + name + " is not open; open are " + open.keySet());
        }
        return volume;
    }

    /** Names of the volumes that are open. */
    public List<String> names() {
        return open.keySet().stream().sorted().toList();
    }

    /** Lets the next open fail. */
    public void failNextOpen(final String errno, final String message) {
        openFailure = new DataPlaneException(errno, message);
    }

    public void running(final boolean value) {
        running = value;
    }
}
