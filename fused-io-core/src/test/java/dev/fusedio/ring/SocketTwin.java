package dev.fusedio.ring;

import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Libc;
import dev.fusedio.sys.Memory;
import java.lang.foreign.Arena;

/**
 * A real socket that stands for a simulated one where a program makes system calls past the ring. The program has one
 * end of a pair, over which nothing is ever sent, and this class the other: it sees the end of the stream when the
 * program shuts its end down or closes it.
 */
final class SocketTwin {
    private static final int AF_UNIX = 1;

    /** SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC. */
    private static final int TYPE = 1 | 0x800 | 0x80000;

    private static final long SYS_SOCKETPAIR = System.getProperty("os.arch").equals("aarch64") ? 199 : 53;

    private final Libc libc;
    private final Arena arena;
    private final int fd;
    private final int other;
    private final long buffer;
    private boolean ended;

    /** @param libc the thread's own; the program is in the same thread */
    SocketTwin(final Libc libc) {
        this.libc = libc;
        this.arena = Arena.ofAuto();
        this.buffer = arena.allocate(8, 8).address();
        final long result = libc.syscall(SYS_SOCKETPAIR, AF_UNIX, TYPE, 0, buffer, 0, 0);
        if (result < 0) {
            throw new AssertionError("socketpair: " + Errno.name((int) result));
        }
        fd = Memory.getInt(buffer);
        other = Memory.getInt(buffer + 4);
    }

    /** The program's end; the program closes it. */
    int fd() {
        return fd;
    }

    /** Whether the program has shut its end down or closed it. */
    boolean hasEnded() {
        ended = ended || libc.files().read(other, buffer, 1) != -Errno.EAGAIN;
        return ended;
    }

    /** Frees both ends, the program's unless it did. */
    void close() {
        if (!hasEnded()) {
            libc.files().close(fd);
        }
        libc.files().close(other);
    }
}
