package dev.fusedio.gateway.engine;

/** This machine can't have ublk devices: the driver or a privilege is missing; the message says which. */
public final class DevicesUnavailableException extends DataPlaneException {
    private static final long serialVersionUID = 1L;

    /** See {@link DataPlaneException}. */
    public DevicesUnavailableException(final String errno, final String message) {
        super(errno, message);
    }

    DevicesUnavailableException(final String errno, final String message, final Throwable cause) {
        super(errno, message, cause);
    }
}
