package dev.fusedio.loop;

/** Work put off to the end of the present round of completions, so that it is done once for many of them. */
@FunctionalInterface
public interface Deferred {
    /** On the loop's thread; must not throw. */
    void onRoundEnd();
}
