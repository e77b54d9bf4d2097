package dev.fusedio.loop;

/** Work that takes its turn among others of a loop, so that a busy connection doesn't hold up the rest. */
@FunctionalInterface
public interface Turn {
    /** On the loop's thread; must not throw. */
    void onTurn();
}
