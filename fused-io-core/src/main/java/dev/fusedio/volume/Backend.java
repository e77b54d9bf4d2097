package dev.fusedio.volume;

import dev.fusedio.loop.CoreLoop;
import java.io.IOException;

/**
 * Storage behind a volume. One object serves all cores; each core loop works through a {@link BackendLane} of its own.
 */
public interface Backend extends AutoCloseable {
    /** What kind of storage this is and where, for people. */
    String description();

    /** What it can. Any thread. */
    BackendCapabilities capabilities();

    /** Bytes. Grows, never shrinks. Any thread. */
    long size();

    /** Bytes that are really taken up, as far as known; else {@link #size}. May block. */
    long allocatedBytes() throws IOException;

    /**
     * Grows online. Lanes serve the new size at once. May block; not on a loop.
     *
     * @param newSize bytes, not less than {@link #size}
     */
    void grow(long newSize) throws IOException;

    /**
     * Whether a failed write-back is told to one flush only, as the kernel does for a file, so that the volume has to
     * remember it ({@link FailureLatch}). False where the storage itself goes on failing, or a failed flush means that it
     * could not be reached. Any thread.
     */
    default boolean tellsFailureOnce() {
        return true;
    }

    /** A lane for {@code loop}. The loop's thread only. */
    BackendLane attach(CoreLoop loop);

    /** Closes what is open; all lanes are detached by then. */
    @Override
    void close() throws IOException;
}
