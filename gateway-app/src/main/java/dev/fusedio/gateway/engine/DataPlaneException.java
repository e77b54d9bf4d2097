package dev.fusedio.gateway.engine;

/** The data plane could not do what was asked. */
public class DataPlaneException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String errno;

    /**
     * @param errno the error's name as {@code errno(3)} lists it, such as {@code ENOSPC}
     * @param message what failed, where, and if known what to do
     */
    public DataPlaneException(final String errno, final String message) {
        super(message);
        this.errno = errno;
    }

    /** With a cause. */
    public DataPlaneException(final String errno, final String message, final Throwable cause) {
        super(message, cause);
        this.errno = errno;
    }

    /** The error's name as {@code errno(3)} lists it. */
    public String errno() {
        return errno;
    }
}
