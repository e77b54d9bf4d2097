package dev.fusedio.loop;

/** Something that has operations in flight on a loop's ring. Called on the loop's thread only. */
public interface Completable {
    /**
     * One of its operations completed.
     *
     * @param tag what {@link CoreLoop#userData} was given
     * @param result zero or more, or a negated error number
     * @param flags IORING_CQE_F_*
     */
    void onCompletion(int tag, int result, int flags);

    /**
     * {@link #onCompletion} let an exception through, a defect of this program: whatever the completion was for should
     * end here. The loop reports the exception and goes on.
     */
    void onFailure(RuntimeException e);
}
