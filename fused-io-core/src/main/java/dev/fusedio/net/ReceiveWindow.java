package dev.fusedio.net;

import dev.fusedio.loop.BlockPool;
import dev.fusedio.ring.ProvidedBuffers;
import dev.fusedio.sys.Memory;

/**
 * Received bytes that have not been looked at. They lie in a receive buffer of the loop; when a connection can't go on
 * they are moved aside, so that a client that doesn't take its replies keeps no receive buffer from the others.
 */
public final class ReceiveWindow {
    private static final int NO_BUFFER = -1;

    private final ProvidedBuffers buffers;
    private final BlockPool aside;
    private long position;
    private long limit;
    private int buffer = NO_BUFFER;
    private long stash;

    /** @param aside blocks as large as a receive buffer */
    public ReceiveWindow(final ProvidedBuffers buffers, final BlockPool aside) {
        this.buffers = buffers;
        this.aside = aside;
    }

    /** Takes over a receive buffer with {@code length} bytes in it; the window must be empty. */
    public void open(final int id, final int length) {
        buffer = id;
        position = buffers.address(id);
        limit = position + length;
    }

    public long position() {
        return position;
    }

    public int remaining() {
        return (int) (limit - position);
    }

    public void advance(final int count) {
        position += count;
    }

    /** Gives the memory back when all has been looked at. */
    public void releaseIfEmpty() {
        if (position == limit) {
            release();
        }
    }

    /** Gives the memory back, looked at or not. */
    public void release() {
        if (buffer != NO_BUFFER) {
            buffers.recycle(buffer);
            buffer = NO_BUFFER;
        }
        if (stash != 0) {
            aside.give(stash);
            stash = 0;
        }
        position = 0;
        limit = 0;
    }

    /** Moves what remains out of the receive buffer. Without room for that it stays where it is. */
    public void moveAside() {
        if (buffer == NO_BUFFER || position == limit) {
            return;
        }
        final long block = aside.take();
        if (block == 0) {
            return;
        }
        final int length = remaining();
        Memory.copy(position, block, length);
        buffers.recycle(buffer);
        buffer = NO_BUFFER;
        stash = block;
        position = block;
        limit = block + length;
    }
}
