package dev.fusedio.nbd.server;

import dev.fusedio.net.ReceiveWindow;
import dev.fusedio.sys.Memory;

/** The bytes at the front of a window in one piece: those that arrived in parts are gathered in memory of their own. */
final class CarriedBytes {
    private final ReceiveWindow window;
    private final long memory;
    private int carried;

    /** @param memory native memory for the longest piece */
    CarriedBytes(final ReceiveWindow window, final long memory) {
        this.window = window;
        this.memory = memory;
    }

    /** The address of {@code count} received bytes in one piece; 0 when they haven't arrived. */
    long contiguous(final int count) {
        if (carried == 0 && window.remaining() >= count) {
            return window.position();
        }
        final int taken = Math.min(count - carried, window.remaining());
        if (taken > 0) {
            Memory.copy(window.position(), memory + carried, taken);
            window.advance(taken);
            carried += taken;
        }
        return carried >= count ? memory : 0;
    }

    /** Takes what {@link #contiguous} has shown. */
    void consume(final int count) {
        if (carried > 0) {
            if (carried != count) {
                throw new IllegalStateException("of " + carried + " carried bytes a request took " + count);
            }
            carried = 0;
        } else {
            window.advance(count);
        }
    }
}
