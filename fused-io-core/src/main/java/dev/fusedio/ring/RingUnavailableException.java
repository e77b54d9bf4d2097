package dev.fusedio.ring;

import dev.fusedio.sys.Errno;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** io_uring can't be used here; the message names what to change. */
public final class RingUnavailableException extends IOException {
    private static final long serialVersionUID = 1L;
    private static final Path DISABLED = Path.of("/proc/sys/kernel/io_uring_disabled");

    private final int errno;

    private RingUnavailableException(final String message, final int errno) {
        super(message);
        this.errno = errno;
    }

    /** Explains why io_uring_setup answered {@code errno} (positive or negated). */
    static RingUnavailableException of(final int errno) {
        return new RingUnavailableException(explain(Math.abs(errno), disabledSetting()), Math.abs(errno));
    }

    /** Explains that no ring fits into the limit on locked memory. */
    public static RingUnavailableException ofMemory() {
        return of(Errno.ENOMEM);
    }

    /** Whether a smaller ring may succeed: there was not enough memory, or not enough that may be locked. */
    public boolean isOutOfMemory() {
        return errno == Errno.ENOMEM;
    }

    /** Explains that an operation is missing that the core can't do without. */
    static RingUnavailableException ofOperation(final String operation) {
        return new RingUnavailableException(
                "io_uring is there but lacks " + operation + "; Linux 6.1 or newer is needed", 0);
    }

    /**
     * The message for an error of io_uring_setup.
     *
     * @param disabled the text of /proc/sys/kernel/io_uring_disabled; empty where it can't be read
     */
    static String explain(final int errno, final String disabled) {
        final String refused = "io_uring_setup was refused (" + Errno.name(errno) + "): ";
        return switch (errno) {
            case Errno.EPERM, Errno.EACCES ->
                disabled.equals("1") || disabled.equals("2")
                        ? refused + "the sysctl kernel.io_uring_disabled is " + disabled
                                + "; set it to 0 (sysctl -w kernel.io_uring_disabled=0)"
                                + (disabled.equals("1") ? " or add this process's group to kernel.io_uring_group" : "")
                        : refused + "a seccomp profile blocks it (the default of container engines does);"
                                + " run with a profile that allows io_uring_setup, io_uring_enter and"
                                + " io_uring_register (docker: --security-opt seccomp=FILE, Kubernetes:"
                                + " securityContext.seccompProfile of type Localhost)";
            case Errno.ENOSYS ->
                refused + "this kernel has no io_uring, or a seccomp profile hides it (podman's and CRI-O's"
                        + " default does); Linux 6.1 or newer is needed, and a profile that allows"
                        + " io_uring_setup, io_uring_enter and io_uring_register";
            case Errno.ENOMEM ->
                refused + "not enough memory or locked memory; raise the limit (ulimit -l," + " LimitMEMLOCK=infinity)";
            case Errno.EMFILE -> refused + "too many open files; raise the limit (ulimit -n)";
            default -> refused + "Linux 6.1 or newer is needed";
        };
    }

    private static String disabledSetting() {
        try {
            return Files.readString(DISABLED).strip();
        } catch (final IOException e) {
            return ""; // absent before Linux 6.6, hidden in some sandboxes: then it is not the cause
        }
    }
}
