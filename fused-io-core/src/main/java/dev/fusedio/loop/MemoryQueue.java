package dev.fusedio.loop;

import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * The one line in which everybody on a loop waits for memory of its slab: requests of sockets, of block devices and of
 * other threads. First come, first served, with one exception: who wants little may pass those who wait for more than is
 * free in one piece, but only {@link #OVERTAKERS} times before the first of the line is served. So a long lease is never
 * starved by a steady stream of short ones, and doesn't stop them for longer than it must. The loop's thread only.
 */
public final class MemoryQueue implements Deferred {
    /** Leases that may be made past the first of the line. */
    public static final int OVERTAKERS = 64;

    /** Those who have lost their reason to wait are asked as well, though nothing is given back. */
    private static final long RETRY_NANOS = 1_000_000;

    /** Who waits for memory. */
    public interface Waiter extends FailureOwner {
        /** There may be some now: it leases within this call, or waits again. */
        void onMemory();
    }

    private final CoreLoop loop;
    private final Slab slab;
    private final ArrayDeque<Waiter> line = new ArrayDeque<>();
    private final ArrayDeque<Waiter> kept = new ArrayDeque<>();
    private @Nullable Waiter asked;
    private boolean again;
    private int overtakers;
    private boolean deferred;

    private final Timer retry = new Timer() {
        @Override
        protected void expired() {
            serve();
        }
    };

    MemoryQueue(final CoreLoop loop, final Slab slab) {
        this.loop = loop;
        this.slab = slab;
    }

    /**
     * Leases a block of the slab, unless others have waited for one for too long.
     *
     * @param bytes 1 to {@link Slab#MAX_BLOCK}
     * @return its address; 0 when there is none, and then the caller may {@link #await}
     */
    public long lease(final int bytes) {
        final boolean overtakes = asked == null ? !line.isEmpty() : !kept.isEmpty();
        if (overtakes && overtakers >= OVERTAKERS) {
            return 0;
        }
        final long address = slab.lease(bytes);
        if (overtakes && address != 0) {
            overtakers++;
        }
        return address;
    }

    /** Gives a block back; {@code bytes} as it was leased with. */
    public void release(final long address, final int bytes) {
        slab.release(address, bytes);
        if (!deferred && isShort()) {
            deferred = true;
            loop.defer(this);
        }
    }

    /**
     * Has {@code waiter} called when there may be memory. Whoever asks for this while it is being called keeps its place,
     * all others come last.
     */
    public void await(final Waiter waiter) {
        if (waiter.equals(asked)) {
            again = true;
            return;
        }
        line.addLast(waiter);
        schedule();
    }

    /** Takes a waiter out of the line. */
    public void forget(final Waiter waiter) {
        if (waiter.equals(line.peekFirst())) {
            overtakers = 0;
        }
        line.remove(waiter);
    }

    /** Whether somebody waits, the one that is being called included. */
    public boolean isShort() {
        return asked != null || !line.isEmpty() || !kept.isEmpty();
    }

    @Override
    public void onRoundEnd() {
        deferred = false;
        serve();
    }

    private void serve() {
        for (int left = line.size(); left > 0 && !line.isEmpty(); left--) {
            ask(line.removeFirst());
        }
        while (!kept.isEmpty()) {
            line.addFirst(kept.removeLast());
        }
        schedule();
    }

    private void ask(final Waiter waiter) {
        final boolean first = kept.isEmpty();
        asked = waiter;
        again = false;
        try {
            waiter.onMemory();
        } catch (final RuntimeException e) {
            loop.report(e, waiter);
        }
        asked = null;
        if (again) {
            kept.addLast(waiter);
        } else if (first) {
            overtakers = 0;
        }
    }

    private void schedule() {
        if (!line.isEmpty() && !retry.isScheduled()) {
            loop.timers().schedule(retry, loop.now() + RETRY_NANOS);
        }
    }
}
