package dev.fusedio.loop;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The timers of one loop: a binary heap by deadline in which every timer knows its place. */
public final class Timers {
    private @Nullable Timer[] heap = new Timer[64];
    private int size;

    /** Sets or moves {@code timer} to {@code deadline}, in the loop's nanoseconds. */
    public void schedule(final Timer timer, final long deadline) {
        if (timer.heapIndex == Timer.UNSCHEDULED) {
            if (size == heap.length) {
                heap = Arrays.copyOf(heap, size * 2);
            }
            timer.deadline = deadline;
            place(size++, timer);
            up(timer.heapIndex);
        } else {
            timer.deadline = deadline;
            up(timer.heapIndex);
            down(timer.heapIndex);
        }
    }

    /** Takes the deadline away, if one is set. */
    public void cancel(final Timer timer) {
        final int index = timer.heapIndex;
        if (index == Timer.UNSCHEDULED) {
            return;
        }
        timer.heapIndex = Timer.UNSCHEDULED;
        final Timer last = at(--size);
        heap[size] = null;
        if (index != size) { // or it was the last itself
            place(index, last);
            up(index);
            down(last.heapIndex);
        }
    }

    /** Nanoseconds from {@code now} to the next deadline: 0 when it has passed, negative when there is none. */
    long untilNext(final long now) {
        return size == 0 ? -1 : Math.max(at(0).deadline - now, 0);
    }

    /** Takes the timer out whose deadline is the first of those not after {@code now}; null when there is none. */
    @Nullable Timer takeExpired(final long now) {
        if (size == 0 || at(0).deadline - now > 0) {
            return null;
        }
        final Timer timer = at(0);
        cancel(timer);
        return timer;
    }

    private Timer at(final int index) {
        final Timer timer = heap[index];
        if (timer == null) {
            throw new IllegalStateException("timer heap has a gap at " + index);
        }
        return timer;
    }

    private void place(final int index, final Timer timer) {
        heap[index] = timer;
        timer.heapIndex = index;
    }

    private void up(final int start) {
        int index = start;
        final Timer timer = at(index);
        while (index > 0) {
            final int parent = (index - 1) >>> 1;
            if (timer.deadline - at(parent).deadline >= 0) {
                break;
            }
            place(index, at(parent));
            index = parent;
        }
        place(index, timer);
    }

    private void down(final int start) {
        int index = start;
        final Timer timer = at(index);
        while (true) {
            int child = 2 * index + 1;
            if (child >= size) {
                break;
            }
            if (child + 1 < size && at(child + 1).deadline - at(child).deadline < 0) {
                child++;
            }
            if (at(child).deadline - timer.deadline >= 0) {
                break;
            }
            place(index, at(child));
            index = child;
        }
        place(index, timer);
    }
}
