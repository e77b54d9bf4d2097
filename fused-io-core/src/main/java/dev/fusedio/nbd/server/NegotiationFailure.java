package dev.fusedio.nbd.server;

/** Why a handshake came to nothing; a bounded set, for metrics. */
public enum NegotiationFailure {
    /** The client went away. */
    DISCONNECTED,
    /** It took longer than allowed. */
    TIMEOUT,
    /** A magic number, flag or length that the specification rules out. */
    MALFORMED,
    /** More options, or longer ones, than allowed. */
    LIMIT,
    /** The export that EXPORT_NAME asked for doesn't exist or may not be had. */
    EXPORT_REFUSED,
    /** Too many connections or handshakes. */
    CROWDED,
    /** The server stops. */
    SHUTDOWN
}
