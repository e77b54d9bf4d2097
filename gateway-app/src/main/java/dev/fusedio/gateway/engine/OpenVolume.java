package dev.fusedio.gateway.engine;

import java.nio.ByteBuffer;
import java.util.Optional;
import reactor.core.publisher.Mono;

/**
 * A volume that the data plane has open. Any thread may call. Work begins on subscription and runs to its end
 * although the subscriber cancels: a buffer handed to {@link #read} or {@link #write} is in use until the publisher
 * would have ended, so whoever owns it must wait for that. Publishers fail with {@link DataPlaneException}.
 */
public interface OpenVolume {
    /** The name it is exported by. */
    String name();

    /** Bytes. */
    long size();

    /** Positions and lengths of reads and writes are multiples of it; a power of two, 1 to 65536. */
    int blockSize();

    /** Bytes its backend takes up, as far as known; else {@link #size}. */
    Mono<Long> allocatedBytes();

    /** Whether writes are refused to new sessions and over HTTP. */
    boolean readOnly();

    /** Changes what new sessions are offered; running NBD sessions keep what they negotiated. */
    void describe(boolean readOnly, String description);

    /** Grows the backend and makes that durable; new sessions see the new size. */
    Mono<Void> grow(long newSize);

    /** Fills {@code target} (all that remains of it; its position is not moved) from {@code position}. */
    Mono<Void> read(long position, ByteBuffer target);

    /** Writes {@code source} (all that remains of it; its position is not moved) at {@code position}. */
    Mono<Void> write(long position, ByteBuffer source);

    /**
     * Whether there is data at a position or a hole, and how far that reaches; a backend that can't tell says data.
     *
     * @param position below {@link #size}
     */
    Mono<Extent> extent(long position);

    /** Makes durable what was written before. */
    Mono<Void> flush();

    /** What failed, if a write-back has. */
    Optional<VolumeFailure> failure();

    /** Emits when a write-back fails, at once if one has; ends without when the volume is closed before. */
    Mono<VolumeFailure> failed();

    /** Plain counters of this volume. */
    VolumeCounters counters();

    /** Waits for what is in flight, then closes the backend. */
    Mono<Void> close();

    /**
     * A part of a volume.
     *
     * @param length bytes, 1 or more; what is behind them may be alike
     * @param isHole whether nothing is stored there and zeroes are read
     */
    record Extent(long length, boolean isHole) {}
}
