package dev.fusedio.loop;

/** Work that takes its turn among others of a loop, so that a busy connection doesn't hold up the rest. */
@FunctionalInterface
public interface Turn extends FailureOwner {
    /** On the loop's thread; what it throws goes to {@link #onFailure}. */
    void onTurn();

    @Override
    default void onFailure(final RuntimeException e) {
        // nobody waits for the work itself
    }
}
