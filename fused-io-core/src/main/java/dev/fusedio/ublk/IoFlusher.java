package dev.fusedio.ublk;

import dev.fusedio.sys.Libc;

/**
 * {@code prctl(PR_SET_IO_FLUSHER)}: memory that the calling thread asks the kernel for must not wait for dirty pages to
 * be written, since it may be this very thread that has to write them. Needs CAP_SYS_RESOURCE.
 */
final class IoFlusher {
    private static final int SYS_PRCTL = System.getProperty("os.arch").equals("aarch64") ? 167 : 157;
    private static final int PR_SET_IO_FLUSHER = 57;

    private IoFlusher() {}

    /** For the calling thread, for good. Returns 0 or the negated error number. */
    static int set(final Libc libc) {
        return (int) libc.syscall(SYS_PRCTL, PR_SET_IO_FLUSHER, 1, 0, 0, 0, 0);
    }
}
