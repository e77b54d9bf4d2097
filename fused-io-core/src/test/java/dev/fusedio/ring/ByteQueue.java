package dev.fusedio.ring;

import dev.fusedio.sys.Memory;
import java.util.Arrays;

/** Bytes on their way, first in, first out. */
final class ByteQueue {
    private byte[] bytes = new byte[1024];
    private int head;
    private int tail;

    public int size() {
        return tail - head;
    }

    boolean isEmpty() {
        return head == tail;
    }

    void add(final byte[] source, final int offset, final int length) {
        makeRoom(length);
        System.arraycopy(source, offset, bytes, tail, length);
        tail += length;
    }

    /** Adds from native memory. */
    void add(final long address, final int length) {
        makeRoom(length);
        Memory.get(address, bytes, tail, length);
        tail += length;
    }

    /** Removes to native memory. */
    void take(final long address, final int length) {
        Memory.put(address, bytes, head, length);
        skip(length);
    }

    byte[] take(final int length) {
        final byte[] taken = Arrays.copyOfRange(bytes, head, head + length);
        skip(length);
        return taken;
    }

    void moveTo(final ByteQueue other, final int length) {
        other.add(bytes, head, length);
        skip(length);
    }

    void clear() {
        head = 0;
        tail = 0;
    }

    private void skip(final int length) {
        if (length > size()) {
            throw new IllegalStateException("took " + length + " bytes of " + size());
        }
        head += length;
        if (head == tail) {
            clear();
        }
    }

    private void makeRoom(final int length) {
        if (bytes.length - tail >= length) {
            return;
        }
        final int size = size();
        final byte[] target = size + length > bytes.length / 2 ? new byte[2 * (size + length)] : bytes;
        System.arraycopy(bytes, head, target, 0, size);
        bytes = target;
        head = 0;
        tail = size;
    }
}
