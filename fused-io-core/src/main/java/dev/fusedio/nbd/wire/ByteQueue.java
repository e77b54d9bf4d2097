package dev.fusedio.nbd.wire;

import java.util.Arrays;

/** What a handshake has to say, in network order. On the heap: a handshake is short, and rare beside requests. */
public final class ByteQueue {
    private static final int INITIAL_BYTES = 256;

    /** A queue that was longer gives its memory back when it is empty. */
    private static final int KEPT_BYTES = 4096;

    private byte[] bytes = new byte[INITIAL_BYTES];
    private int head;
    private int tail;

    public ByteQueue putShort(final int value) {
        return put(value >>> 8).put(value);
    }

    public ByteQueue putInt(final int value) {
        return putShort(value >>> 16).putShort(value);
    }

    public ByteQueue putLong(final long value) {
        return putInt((int) (value >>> 32)).putInt((int) value);
    }

    public ByteQueue putBytes(final byte[] source) {
        reserve(source.length);
        System.arraycopy(source, 0, bytes, tail, source.length);
        tail += source.length;
        return this;
    }

    public ByteQueue putZeroes(final int count) {
        reserve(count);
        Arrays.fill(bytes, tail, tail + count, (byte) 0);
        tail += count;
        return this;
    }

    private ByteQueue put(final int value) {
        reserve(1);
        bytes[tail++] = (byte) value;
        return this;
    }

    private void reserve(final int count) {
        if (tail + count > bytes.length) {
            final int size = size();
            final byte[] room =
                    size + count > bytes.length / 2 ? new byte[Math.max(bytes.length * 2, size + count)] : bytes;
            System.arraycopy(bytes, head, room, 0, size);
            bytes = room;
            head = 0;
            tail = size;
        }
    }

    public int size() {
        return tail - head;
    }

    /** The queued bytes' array; they begin at {@link #head}. */
    public byte[] array() {
        return bytes;
    }

    public int head() {
        return head;
    }

    public void remove(final int count) {
        head += count;
        if (head == tail) {
            head = 0;
            tail = 0;
            if (bytes.length > KEPT_BYTES) {
                bytes = new byte[INITIAL_BYTES];
            }
        }
    }
}
