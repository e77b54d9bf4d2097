package dev.fusedio.loop;

/** A receiver of completions as a lambda; what it lets through is the loop's to report. */
@FunctionalInterface
interface CompletionHandler extends Completable {
    @Override
    default void onFailure(final RuntimeException e) {
        // reported to the loop's consumer of errors, where tests look for it
    }
}
