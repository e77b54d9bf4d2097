package dev.fusedio.ring;

/** Receives completions from a ring, on the ring's thread. */
@FunctionalInterface
public interface CompletionSink {
    /**
     * @param userData what the submission carried
     * @param result zero or more, or a negated error number
     * @param flags IORING_CQE_F_*
     */
    void onCompletion(long userData, int result, int flags);
}
