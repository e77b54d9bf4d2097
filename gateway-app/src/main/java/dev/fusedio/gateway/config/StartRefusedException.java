package dev.fusedio.gateway.config;

/** The gateway can't start in this environment; the message says what is wrong, where, and what to do. */
public final class StartRefusedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public StartRefusedException(final String message) {
        super(message);
    }

    /** With a cause. */
    public StartRefusedException(final String message, final Throwable cause) {
        super(message, cause);
    }
}
