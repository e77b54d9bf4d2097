package dev.fusedio.nbd.server;

import dev.fusedio.sys.Memory;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * The part of a handshake that is arriving: client flags, an option's header, or its data. It grows with what has
 * arrived, never with what was announced. The loop's thread only.
 */
final class OptionInput {
    private static final int INITIAL_BYTES = 64;

    private final HandshakeMemory memory;
    private byte[] bytes = new byte[INITIAL_BYTES];
    private int filled;
    private int needed;

    OptionInput(final HandshakeMemory memory) {
        this.memory = memory;
    }

    /** Begins a part of {@code length} bytes. */
    void expect(final int length) {
        needed = length;
        filled = 0;
    }

    boolean isComplete() {
        return filled == needed;
    }

    /**
     * Takes bytes of the part in.
     *
     * @return how many were taken; -1 when there is no memory for them
     */
    int take(final long address, final int length) {
        final int count = Math.min(needed - filled, length);
        if (!makeRoom(filled + count)) {
            return -1;
        }
        Memory.get(address, bytes, filled, count);
        filled += count;
        return count;
    }

    private boolean makeRoom(final int size) {
        if (size <= bytes.length) {
            return true;
        }
        final int grown = Math.min(needed, Integer.highestOneBit(size - 1) * 2); // a power of two, or all of the part
        if (!memory.charge(charged(grown) - charged(bytes.length))) {
            return false;
        }
        bytes = Arrays.copyOf(bytes, grown);
        return true;
    }

    private static int charged(final int length) {
        return Math.max(length - HandshakeMemory.FREE_BYTES, 0);
    }

    /** The part; valid until the next is expected. */
    ByteBuffer data() {
        return ByteBuffer.wrap(bytes, 0, filled);
    }

    /** Gives back what a long part needed; {@link #data} is no longer valid. */
    void shrink() {
        if (bytes.length > HandshakeMemory.FREE_BYTES) {
            memory.release(charged(bytes.length));
            bytes = new byte[INITIAL_BYTES];
        }
    }
}
