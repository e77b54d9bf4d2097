package dev.fusedio.gateway.data;

/** A range outside of the volume; the message is for the client. */
final class UnsatisfiableRangeException extends Exception {
    private static final long serialVersionUID = 1L;

    UnsatisfiableRangeException(final String message) {
        super(message);
    }
}
