package dev.fusedio.ring;

import dev.fusedio.sys.Libc;
import dev.fusedio.sys.Mapping;
import dev.fusedio.sys.Memory;
import dev.fusedio.sys.SystemCallException;

/**
 * Receive buffers that the kernel takes from a shared ring when data has arrived (IORING_REGISTER_PBUF_RING).
 *
 * <p>Only as many buffers are offered as there are receives armed, and the one freed last is offered first: the same
 * few buffers stay in the processor's cache however large the reserve is.
 */
public final class ProvidedBuffers implements AutoCloseable {
    /** The only buffer group of a ring. */
    public static final int GROUP = 0;

    private final Mapping ring;
    private final Mapping memory;
    private final int bufferBytes;
    private final int entries;
    private final int[] spare;
    private int spareCount;
    private int offered;
    private int wanted;
    private short tail;

    /**
     * @param entries a power of two
     * @param bufferBytes bytes of each buffer
     */
    public ProvidedBuffers(final RingDriver driver, final Libc libc, final int entries, final int bufferBytes)
            throws SystemCallException {
        this.entries = entries;
        this.bufferBytes = bufferBytes;
        this.ring = Mapping.anonymous(libc, (long) entries * IoUring.BUF_BYTES, "the receive buffer ring");
        this.memory = Mapping.anonymous(libc, (long) entries * bufferBytes, "receive buffers");
        this.spare = new int[entries];
        for (int i = 0; i < entries; i++) {
            spare[i] = entries - 1 - i;
        }
        spareCount = entries;
        final int registered = driver.registerProvidedBuffers(GROUP, ring.address(), entries);
        if (registered < 0) {
            close();
        }
        SystemCallException.check(registered, "register receive buffers (Linux 5.19 or newer)");
    }

    /** Says that a receive was armed: one more buffer is offered, if there is one. */
    public void armed() {
        wanted++;
        offer();
    }

    /** Says that an armed receive ended; {@code taken} when it took a buffer, which is then the caller's. */
    public void disarmed(final boolean taken) {
        wanted--;
        if (taken) {
            offered--;
        }
    }

    /** Gives a buffer back. */
    public void recycle(final int id) {
        spare[spareCount++] = id;
        offer();
    }

    /** Whether a receive that is armed now would find a buffer. */
    public boolean available() {
        return spareCount > 0 || offered > wanted;
    }

    private void offer() {
        while (offered < wanted && spareCount > 0) {
            final int id = spare[--spareCount];
            final long entry = ring.address() + (long) (tail & (entries - 1)) * IoUring.BUF_BYTES;
            Memory.putLong(entry, address(id));
            Memory.putInt(entry + IoUring.BUF_LEN, bufferBytes);
            Memory.putShort(entry + IoUring.BUF_BID, (short) id);
            Memory.putShortRelease(ring.address() + IoUring.BUF_RING_TAIL, ++tail);
            offered++;
        }
    }

    /** Where buffer {@code id} lies. */
    public long address(final int id) {
        return memory.address() + (long) id * bufferBytes;
    }

    /** Bytes of each buffer. */
    public int bufferBytes() {
        return bufferBytes;
    }

    /** After the ring is closed. */
    @Override
    public void close() {
        ring.close();
        memory.close();
    }
}
