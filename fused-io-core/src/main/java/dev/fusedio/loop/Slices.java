package dev.fusedio.loop;

import java.util.ArrayDeque;

/**
 * Long work that a loop does itself, cut into slices: one slice a round, first come, first served. However much of it
 * there is, whatever else the loop serves waits for one slice at most. The loop's thread only.
 */
public final class Slices implements Turn {
    /** Bytes of a slice that fills or copies memory: a fraction of a millisecond's work. */
    public static final int COPY_BYTES = 1 << 20;

    private final CoreLoop loop;
    private final ArrayDeque<Turn> waiting = new ArrayDeque<>();
    private boolean enqueued;

    public Slices(final CoreLoop loop) {
        this.loop = loop;
    }

    /** Has {@code slice} called in a later round, once; never within this call. */
    public void add(final Turn slice) {
        waiting.addLast(slice);
        enqueue();
    }

    private void enqueue() {
        if (!enqueued && !waiting.isEmpty()) {
            enqueued = true;
            loop.enqueue(this);
        }
    }

    @Override
    public void onTurn() {
        enqueued = false;
        final Turn slice = waiting.removeFirst();
        enqueue(); // before the slice, which may throw: the others go on
        slice.onTurn();
    }
}
