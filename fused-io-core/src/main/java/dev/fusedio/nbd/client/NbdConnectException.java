package dev.fusedio.nbd.client;

import java.io.IOException;

/** An export that can't be connected to: what was tried, where, and why it came to nothing. */
public final class NbdConnectException extends IOException {
    private static final long serialVersionUID = 1L;

    /** @param message what was tried, where, and why it failed */
    public NbdConnectException(final String message) {
        super(message);
    }

    NbdConnectException(final String message, final Throwable cause) {
        super(message, cause);
    }
}
