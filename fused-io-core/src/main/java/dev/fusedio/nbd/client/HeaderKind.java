package dev.fusedio.nbd.client;

/** The three kinds of headers that requests and replies can have, oldest first; each implies those before. */
public enum HeaderKind {
    /** Simple replies: a header, then all of a read's data. */
    SIMPLE,

    /** Structured replies: chunks in any order, block status, errors with a text. */
    STRUCTURED,

    /** Extended headers: structured replies, and lengths of 64 bits. */
    EXTENDED
}
