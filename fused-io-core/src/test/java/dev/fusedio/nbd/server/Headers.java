package dev.fusedio.nbd.server;

/** The three forms that requests and replies have, by what was negotiated. */
public enum Headers {
    SIMPLE,
    STRUCTURED,
    EXTENDED;

    boolean extended() {
        return this == EXTENDED;
    }
}
