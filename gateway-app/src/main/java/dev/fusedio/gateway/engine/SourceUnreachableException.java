package dev.fusedio.gateway.engine;

/** A remote export can't be had; the message says what was tried, where, and why it came to nothing. */
public final class SourceUnreachableException extends DataPlaneException {
    private static final long serialVersionUID = 1L;

    /** Why. */
    public SourceUnreachableException(final String message) {
        super("EIO", message);
    }

    SourceUnreachableException(final String message, final Throwable cause) {
        super("EIO", message, cause);
    }
}
