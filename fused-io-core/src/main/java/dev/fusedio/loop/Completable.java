package dev.fusedio.loop;

/** Something that has operations in flight on a loop's ring. Called on the loop's thread only. */
public interface Completable extends FailureOwner {
    /**
     * One of its operations completed.
     *
     * @param tag what {@link CoreLoop#userData} was given
     * @param result zero or more, or a negated error number
     * @param flags IORING_CQE_F_*
     */
    void onCompletion(int tag, int result, int flags);

    /**
     * The loop has ended and will bring no more completions: sockets are to be closed here, so that the other side sees
     * an end. On the loop's thread, or that of the ring's last owner; the ring's operations may still be under way.
     */
    default void onLoopEnd() {
        // nothing is held that others wait for
    }
}
