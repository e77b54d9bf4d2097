package dev.fusedio.gateway.catalogue;

/** A record can't be used; the message says why. */
final class DamagedRecordException extends Exception {
    private static final long serialVersionUID = 1L;

    DamagedRecordException(final String message) {
        super(message);
    }

    DamagedRecordException(final String message, final Throwable cause) {
        super(message, cause);
    }
}
