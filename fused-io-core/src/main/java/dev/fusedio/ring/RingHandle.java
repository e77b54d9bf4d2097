package dev.fusedio.ring;

import dev.fusedio.sys.Libc;

/**
 * A ring's descriptor as io_uring_register(2) takes it.
 *
 * @param libc the C library of the ring's thread
 * @param fd the ring's descriptor
 */
record RingHandle(Libc libc, int fd) {
    /** Returns what io_uring_register answers: zero or more, or a negated error number. */
    long register(final int operation, final long argument, final int count) {
        return libc.syscall(IoUring.SYS_IO_URING_REGISTER, fd, operation, argument, count, 0, 0);
    }
}
