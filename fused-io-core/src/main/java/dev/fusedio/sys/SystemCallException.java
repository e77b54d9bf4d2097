package dev.fusedio.sys;

import java.io.IOException;

/** A system call of the control plane that failed: what was tried, on what, and the kernel's reason. */
public final class SystemCallException extends IOException {
    private static final long serialVersionUID = 1L;

    private final int errno;

    /**
     * @param what the call and its object, e.g. {@code "open /srv/disk.img"}
     * @param errno the error number, positive or negated
     */
    public SystemCallException(final String what, final int errno) {
        super(what + ": " + Libc.describe(errno) + " (" + Errno.name(errno) + ")");
        this.errno = Math.abs(errno);
    }

    /** The error number, positive. */
    public int errno() {
        return errno;
    }

    /**
     * Passes a result on, or throws when it is a negated error number.
     *
     * @param result what the call returned
     * @param what the call and its object, used in the message
     */
    public static long check(final long result, final String what) throws SystemCallException {
        if (result < 0) {
            throw new SystemCallException(what, (int) -result);
        }
        return result;
    }
}
