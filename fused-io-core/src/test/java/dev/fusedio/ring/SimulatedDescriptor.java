package dev.fusedio.ring;

import dev.fusedio.sys.Errno;

/** What a simulated file descriptor refers to. */
abstract class SimulatedDescriptor {
    /** The operation can't go on before something else happens. No result has this value. */
    static final int BLOCKED = Integer.MIN_VALUE;

    /** The operation has gone on and isn't finished. */
    static final int UNFINISHED = Integer.MIN_VALUE + 1;

    /** Error numbers that only the simulated kernel uses. */
    static final int ENOTSOCK = 88;

    static final int EALREADY = 114;

    private int fd = -1;

    /** The descriptor's number. */
    public final int fd() {
        return fd;
    }

    final void opened(final int number) {
        fd = number;
    }

    /** Goes on with an operation: its result, {@link #BLOCKED} or {@link #UNFINISHED}. */
    abstract int perform(SimulatedOperation operation, SimulatedRing ring);

    /** Whether {@link #perform} would do something now. */
    abstract boolean ready(SimulatedOperation operation);

    /** Lets the world outside go on by one step. */
    void tick(final SimulatedRing ring) {
        // files have no life of their own
    }

    /** Whether the world outside has nothing left to do by itself. */
    boolean isQuiet() {
        return true;
    }

    /** It got a place in a ring's file table. */
    void installed() {
        // of no consequence to a file
    }

    /** It lost a place in a ring's file table. */
    void removed() {
        // of no consequence to a file
    }

    /** The program closed the descriptor. */
    void closed() {
        // a file's content stays
    }

    /** Frees what is real about it, if anything. */
    void free() {
        // byte arrays
    }

    /** What is left of an operation's result when it is cancelled. */
    static int cancelled(final SimulatedOperation operation) {
        return operation.moved > 0 ? operation.moved : -Errno.ECANCELED;
    }
}
