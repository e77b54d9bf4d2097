package dev.fusedio.nbd.server;

/**
 * Heap that the handshakes of one core may take up together for options longer than {@link #FREE_BYTES}. It is charged as
 * bytes arrive: what a client announces costs nothing. The loop's thread only.
 */
final class HandshakeMemory {
    /** What each handshake has beside this: room for any option with a name of ordinary length. */
    static final int FREE_BYTES = 512;

    private final long limit;
    private long used;

    /** @param limit bytes */
    HandshakeMemory(final long limit) {
        this.limit = limit;
    }

    /** Takes {@code bytes} more; false when there aren't as many, and then none is taken. */
    boolean charge(final int bytes) {
        if (bytes > limit - used) {
            return false;
        }
        used += bytes;
        return true;
    }

    void release(final int bytes) {
        if (bytes > used) {
            throw new IllegalStateException("more handshake memory was released than was charged");
        }
        used -= bytes;
    }

    /** Bytes charged. */
    long used() {
        return used;
    }
}
