package dev.fusedio.nbd.server;

/** Something that waits for memory or for a place among a core's requests. */
interface Waiter {
    /** There may be some now. On the loop's thread. */
    void retry();
}
