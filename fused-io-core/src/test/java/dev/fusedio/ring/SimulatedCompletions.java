package dev.fusedio.ring;

import java.util.ArrayDeque;
import java.util.Deque;

/** A completion queue of a few entries, and the kernel's backlog for what doesn't fit. */
final class SimulatedCompletions {
    private record Completion(long userData, int result, int flags) {}

    private final int entries;
    private final Deque<Completion> ready = new ArrayDeque<>();
    private final Deque<Completion> backlog = new ArrayDeque<>();
    private int draining;
    private long overflows;
    private long drained;

    SimulatedCompletions(final int entries) {
        this.entries = entries;
    }

    void post(final long userData, final int result, final int flags) {
        final Completion completion = new Completion(userData, result, flags);
        if (backlog.isEmpty() && hasRoom()) {
            ready.add(completion);
            return;
        }
        if (backlog.isEmpty()) {
            overflows++;
        }
        backlog.add(completion);
    }

    private boolean hasRoom() {
        return ready.size() + draining < entries;
    }

    /** As the kernel does on entry: what waited moves up. */
    void flush() {
        while (!backlog.isEmpty() && hasRoom()) {
            ready.add(backlog.remove());
        }
    }

    int drain(final CompletionSink sink) {
        final int count = ready.size();
        try {
            for (int i = 0; i < count; i++) {
                final Completion completion = ready.remove();
                draining++; // the head moves at the end: until then the entry isn't free
                drained++;
                sink.onCompletion(completion.userData(), completion.result(), completion.flags());
            }
        } finally {
            draining = 0;
        }
        return count;
    }

    /** Whether there is nothing to drain now. */
    boolean isEmpty() {
        return ready.isEmpty();
    }

    /** Whether there is nothing to drain now or later. */
    boolean isQuiet() {
        return ready.isEmpty() && backlog.isEmpty();
    }

    long overflows() {
        return overflows;
    }

    long drained() {
        return drained;
    }
}
