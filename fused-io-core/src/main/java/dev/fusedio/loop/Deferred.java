package dev.fusedio.loop;

/** Work put off to the end of the present round of completions, so that it is done once for many of them. */
@FunctionalInterface
public interface Deferred extends FailureOwner {
    /** On the loop's thread; what it throws goes to {@link #onFailure}. */
    void onRoundEnd();

    @Override
    default void onFailure(final RuntimeException e) {
        // nobody waits for the work itself
    }
}
