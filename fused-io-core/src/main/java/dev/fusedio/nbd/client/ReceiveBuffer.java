package dev.fusedio.nbd.client;

import dev.fusedio.sys.Memory;

/** Bytes received and not yet parsed, at the front of native memory. The loop's thread only. */
final class ReceiveBuffer {
    /** Its size. */
    static final int BYTES = 64 << 10;

    private final long memory;
    private int head;
    private int tail;

    /** @param memory {@link #BYTES} of native memory */
    ReceiveBuffer(final long memory) {
        this.memory = memory;
    }

    /** Where the next bytes are to be received. */
    long space() {
        if (head == tail) {
            clear();
        } else if (head > 0) {
            Memory.copy(memory + head, memory, tail - head);
            tail -= head;
            head = 0;
        }
        return memory + tail;
    }

    /** How many bytes fit there. */
    int room() {
        return BYTES - tail;
    }

    /** Drops what has been received. */
    void clear() {
        head = 0;
        tail = 0;
    }

    /** Bytes were received at {@link #space}. */
    void received(final int bytes) {
        tail += bytes;
    }

    /** Bytes that are not yet parsed. */
    int available() {
        return tail - head;
    }

    /** The address of the first of them. */
    long front() {
        return memory + head;
    }

    /** The first of them are parsed. */
    void consume(final int bytes) {
        head += bytes;
    }
}
