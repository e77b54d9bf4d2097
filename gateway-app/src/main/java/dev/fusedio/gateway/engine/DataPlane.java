package dev.fusedio.gateway.engine;

import java.util.List;
import reactor.core.publisher.Mono;

/**
 * The data plane as the control plane sees it. Any thread may call; nothing here blocks. Publishers signal on
 * Reactor's threads, never on a core loop's.
 */
public interface DataPlane {
    /**
     * Opens a volume's backend. Nothing is open before subscription, and cancelling does not undo it.
     *
     * @return the open volume, or a {@link DataPlaneException}
     */
    Mono<OpenVolume> open(VolumeSpec spec);

    /** What the kernel granted, and whether every core loop is alive. */
    EngineReport report();

    /** Plain counters of the core loops, read without locks. */
    List<LoopCounters> counters();
}
