package dev.fusedio.loop;

/** A deadline on a loop; set, moved and cancelled without allocation. The loop's thread only. */
public abstract class Timer implements FailureOwner {
    static final int UNSCHEDULED = -1;

    int heapIndex = UNSCHEDULED;
    long deadline;

    /** The deadline has passed. The timer is no longer scheduled and may be scheduled again. */
    protected abstract void expired();

    @Override
    public void onFailure(final RuntimeException e) {
        // nobody waits for the deadline itself
    }

    /** Whether a deadline is set. */
    public final boolean isScheduled() {
        return heapIndex != UNSCHEDULED;
    }
}
