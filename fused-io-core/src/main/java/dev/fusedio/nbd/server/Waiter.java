package dev.fusedio.nbd.server;

/** Something that waits for a place among a core's requests, or for one of its buffers. */
interface Waiter {
    /** There may be one now. On the loop's thread. */
    void retry();
}
