package dev.fusedio.sys;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * System calls on sockets, and their constants. One thread's, as the {@link Libc} that it belongs to: every method
 * returns what the kernel would, zero or more, or the negated error number.
 */
public final class SocketCalls {
    /* linux/socket.h, asm-generic/socket.h, linux/tcp.h, linux/un.h, linux/uio.h */
    public static final int AF_INET = 2;
    public static final int AF_INET6 = 10;
    public static final int AF_UNIX = 1;
    public static final int IOVEC_BYTES = 16;
    public static final int IPPROTO_IPV6 = 41;
    public static final int IPPROTO_TCP = 6;
    public static final int IPV6_V6ONLY = 26;
    /* struct msghdr { void *name; socklen_t namelen; struct iovec *iov; size_t iovlen; void *control; size_t controllen; int flags; } */
    public static final int MSGHDR_BYTES = 64;
    public static final int MSG_IOV = 16;
    public static final int MSG_IOVLEN = 24;
    public static final int SHUT_RDWR = 2;
    public static final int SHUT_WR = 1;
    public static final int SOCKADDR_BYTES = 128;
    public static final int SOCKADDR_IN_BYTES = 16;
    public static final int SOCK_CLOEXEC = 0x80000;
    public static final int SOCK_NONBLOCK = 0x800;
    public static final int SOCK_STREAM = 1;
    public static final int SOL_SOCKET = 1;
    public static final int SO_KEEPALIVE = 9;
    public static final int SO_LINGER = 13;
    public static final int SO_REUSEADDR = 2;
    /* struct sockaddr_un { sa_family_t family; char path[108]; } */
    public static final int SUN_PATH = 2;
    public static final int SUN_PATH_BYTES = 108;
    public static final int TCP_KEEPCNT = 6;
    public static final int TCP_KEEPIDLE = 4;
    public static final int TCP_KEEPINTVL = 5;
    public static final int TCP_NODELAY = 1;
    public static final int TCP_USER_TIMEOUT = 18;

    private static final ValueLayout.OfInt I = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfLong L = ValueLayout.JAVA_LONG;

    private static final MethodHandle SOCKET = Libc.link("socket", 0, I, I, I, I);
    private static final MethodHandle SOCKETPAIR = Libc.link("socketpair", 0, I, I, I, I, L);
    private static final MethodHandle BIND = Libc.link("bind", 0, I, I, L, I);
    private static final MethodHandle CONNECT = Libc.link("connect", 0, I, I, L, I);
    private static final MethodHandle POLL = Libc.link("poll", 0, I, L, L, I);
    private static final MethodHandle LISTEN = Libc.link("listen", 0, I, I, I);
    private static final MethodHandle SHUTDOWN = Libc.link("shutdown", 0, I, I, I);
    private static final MethodHandle SETSOCKOPT = Libc.link("setsockopt", 0, I, I, I, I, L, I);
    private static final MethodHandle GETSOCKNAME = Libc.link("getsockname", 0, I, I, L, L);
    private static final MethodHandle GETPEERNAME = Libc.link("getpeername", 0, I, I, L, L);

    private final Libc libc;

    SocketCalls(final Libc libc) {
        this.libc = libc;
    }

    /** socket(2). */
    public int socket(final int domain, final int type, final int protocol) {
        try {
            return libc.result((int) SOCKET.invokeExact(libc.capture, domain, type, protocol));
        } catch (final Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** socketpair(2); {@code pair} is the address of two ints. */
    public int socketpair(final int domain, final int type, final int protocol, final long pair) {
        try {
            return libc.result((int) SOCKETPAIR.invokeExact(libc.capture, domain, type, protocol, pair));
        } catch (final Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** bind(2). */
    public int bind(final int fd, final long address, final int length) {
        try {
            return libc.result((int) BIND.invokeExact(libc.capture, fd, address, length));
        } catch (final Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** connect(2). */
    public int connect(final int fd, final long address, final int length) {
        try {
            return libc.result((int) CONNECT.invokeExact(libc.capture, fd, address, length));
        } catch (final Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** poll(2) of {@code count} {@code struct pollfd} at {@code fds}; negative milliseconds wait without limit. */
    public int poll(final long fds, final long count, final int millis) {
        try {
            return libc.result((int) POLL.invokeExact(libc.capture, fds, count, millis));
        } catch (final Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** listen(2). */
    public int listen(final int fd, final int backlog) {
        try {
            return libc.result((int) LISTEN.invokeExact(libc.capture, fd, backlog));
        } catch (final Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** shutdown(2): 0 SHUT_RD, 1 SHUT_WR, 2 SHUT_RDWR. */
    public int shutdown(final int fd, final int how) {
        try {
            return libc.result((int) SHUTDOWN.invokeExact(libc.capture, fd, how));
        } catch (final Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** setsockopt(2) of SO_LINGER, on: close(2) waits {@code seconds} for what is unsent, and with 0 drops it and resets. */
    public int setLinger(final int fd, final int seconds) {
        try (Arena arena = Arena.ofConfined()) {
            /* struct linger { int l_onoff; int l_linger; } */
            return libc.result((int) SETSOCKOPT.invokeExact(
                    libc.capture,
                    fd,
                    SOL_SOCKET,
                    SO_LINGER,
                    arena.allocateFrom(I, 1, seconds).address(),
                    8));
        } catch (final Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** setsockopt(2) of an integer option. */
    public int setsockopt(final int fd, final int level, final int option, final int value) {
        try (Arena arena = Arena.ofConfined()) {
            return libc.result((int) SETSOCKOPT.invokeExact(
                    libc.capture,
                    fd,
                    level,
                    option,
                    arena.allocateFrom(I, value).address(),
                    4));
        } catch (final Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** getsockname(2); {@code length} is the address of a {@code socklen_t}. */
    public int getsockname(final int fd, final long address, final long length) {
        try {
            return libc.result((int) GETSOCKNAME.invokeExact(libc.capture, fd, address, length));
        } catch (final Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** getpeername(2); {@code length} is the address of a {@code socklen_t}. */
    public int getpeername(final int fd, final long address, final long length) {
        try {
            return libc.result((int) GETPEERNAME.invokeExact(libc.capture, fd, address, length));
        } catch (final Throwable t) {
            throw Libc.unexpected(t);
        }
    }
}
