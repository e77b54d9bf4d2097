package dev.fusedio.nbd;

/** The three forms that requests and replies have, by what was negotiated. */
enum Headers {
    SIMPLE,
    STRUCTURED,
    EXTENDED;

    boolean extended() {
        return this == EXTENDED;
    }
}
