package dev.fusedio.gateway.engine;

import dev.fusedio.sys.Errno;
import dev.fusedio.sys.SystemCallException;
import java.io.IOException;

/** The core's errors in the control plane's terms. */
final class Failures {
    private Failures() {}

    static DataPlaneException of(final IOException failure) {
        final String errno = failure instanceof SystemCallException call ? Errno.name(call.errno()) : "EIO";
        return new DataPlaneException(errno, String.valueOf(failure.getMessage()), failure);
    }

    /**
     * @param result a negated error number
     * @param what what was tried, on what
     */
    static DataPlaneException of(final int result, final String what) {
        final String errno = Errno.name(result);
        return new DataPlaneException(errno, what + " failed: " + errno);
    }
}
