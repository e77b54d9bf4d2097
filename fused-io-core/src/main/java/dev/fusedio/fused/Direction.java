package dev.fusedio.fused;

/** Which way payload flows between a command's buffer and a secondary operation. */
public enum Direction {
    /** The secondary writes to the buffer: a read of a file, a receive. */
    DEST,
    /** The secondary reads from the buffer: a write to a file, a send. */
    SRC
}
