package dev.fusedio.net;

import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Libc;
import dev.fusedio.sys.Memory;
import dev.fusedio.sys.SocketCalls;
import dev.fusedio.sys.SystemCallException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;

/** Listening sockets and addresses. */
public final class Sockets {

    /** After this time of silence a peer is asked whether it lives; after as long again it counts as gone. */
    private static final int KEEP_ALIVE_SECONDS = 60;

    private static final int BACKLOG = 1024;

    /** linux/sockios.h: TIOCOUTQ; tcp_ioctl() answers with write_seq - snd_una, unix_ioctl() with what lies unread. */
    private static final long SIOCOUTQ = 0x5411;

    private static final int SOCKADDR_IN6_BYTES = 28;

    private Sockets() {}

    /**
     * Opens a listening socket. Accepted sockets inherit TCP_NODELAY and the keep-alive times.
     *
     * @throws IOException naming the address and the reason
     */
    public static int listen(final Libc libc, final ListenAddress address) throws IOException {
        return switch (address) {
            case ListenAddress.Tcp tcp -> listenTcp(libc, tcp);
            case ListenAddress.Unix unix -> listenUnix(libc, unix);
        };
    }

    private static int listenTcp(final Libc libc, final ListenAddress.Tcp tcp) throws IOException {
        final byte[] bytes = tcp.address().getAddress();
        final boolean v4 = bytes.length == 4;
        try (Arena arena = Arena.ofConfined()) {
            final long at = arena.allocate(SocketCalls.SOCKADDR_BYTES, 8).address();
            Memory.putShort(at, (short) (v4 ? SocketCalls.AF_INET : SocketCalls.AF_INET6));
            Memory.putShortBe(at + 2, (short) tcp.port());
            Memory.put(at + (v4 ? 4 : 8), bytes, 0, bytes.length);
            final int fd = (int) SystemCallException.check(
                    libc.sockets()
                            .socket(
                                    v4 ? SocketCalls.AF_INET : SocketCalls.AF_INET6,
                                    SocketCalls.SOCK_STREAM | SocketCalls.SOCK_CLOEXEC,
                                    0),
                    "socket for " + tcp);
            libc.sockets().setsockopt(fd, SocketCalls.SOL_SOCKET, SocketCalls.SO_REUSEADDR, 1);
            libc.sockets().setsockopt(fd, SocketCalls.SOL_SOCKET, SocketCalls.SO_KEEPALIVE, 1);
            libc.sockets().setsockopt(fd, SocketCalls.IPPROTO_TCP, SocketCalls.TCP_NODELAY, 1);
            libc.sockets().setsockopt(fd, SocketCalls.IPPROTO_TCP, SocketCalls.TCP_KEEPIDLE, KEEP_ALIVE_SECONDS);
            libc.sockets().setsockopt(fd, SocketCalls.IPPROTO_TCP, SocketCalls.TCP_KEEPINTVL, KEEP_ALIVE_SECONDS / 6);
            libc.sockets().setsockopt(fd, SocketCalls.IPPROTO_TCP, SocketCalls.TCP_KEEPCNT, 6);
            libc.sockets()
                    .setsockopt(
                            fd,
                            SocketCalls.IPPROTO_TCP,
                            SocketCalls.TCP_USER_TIMEOUT,
                            2 * KEEP_ALIVE_SECONDS * 1_000); // a peer that is gone while replies are on their way
            if (!v4) {
                // the v6 wildcard serves v4 clients as well, any other address only its own
                libc.sockets()
                        .setsockopt(
                                fd,
                                SocketCalls.IPPROTO_IPV6,
                                SocketCalls.IPV6_V6ONLY,
                                tcp.address().isAnyLocalAddress() ? 0 : 1);
            }
            return bound(libc, fd, at, v4 ? SocketCalls.SOCKADDR_IN_BYTES : SOCKADDR_IN6_BYTES, tcp);
        }
    }

    private static int listenUnix(final Libc libc, final ListenAddress.Unix unix) throws IOException {
        final byte[] path = unix.path().toString().getBytes(StandardCharsets.UTF_8);
        if (path.length >= SocketCalls.SUN_PATH_BYTES) {
            throw new IOException("socket path of " + path.length + " bytes is longer than "
                    + (SocketCalls.SUN_PATH_BYTES - 1) + ": " + unix.path());
        }
        removeStale(unix.path());
        try (Arena arena = Arena.ofConfined()) {
            final long at = arena.allocate(SocketCalls.SOCKADDR_BYTES, 8).address();
            Memory.putShort(at, (short) SocketCalls.AF_UNIX);
            Memory.put(at + SocketCalls.SUN_PATH, path, 0, path.length);
            final int fd = (int) SystemCallException.check(
                    libc.sockets().socket(SocketCalls.AF_UNIX, SocketCalls.SOCK_STREAM | SocketCalls.SOCK_CLOEXEC, 0),
                    "socket for " + unix);
            return bound(libc, fd, at, SocketCalls.SUN_PATH + path.length + 1, unix);
        }
    }

    private static int bound(
            final Libc libc, final int fd, final long address, final int length, final ListenAddress what)
            throws SystemCallException {
        try {
            SystemCallException.check(libc.sockets().bind(fd, address, length), "listen at " + what);
            SystemCallException.check(libc.sockets().listen(fd, BACKLOG), "listen at " + what);
            return fd;
        } catch (final SystemCallException e) {
            libc.files().close(fd);
            throw e;
        }
    }

    /** A socket file without a server behind it is in the way of bind(2). */
    private static void removeStale(final Path path) throws IOException {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        // connecting to a regular file is refused just as to a dead socket: never delete what isn't one
        if (!Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                .isOther()) {
            throw new IOException(path + " exists and is not a socket; it is left as it is");
        }
        try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            probe.connect(UnixDomainSocketAddress.of(path));
        } catch (final ConnectException e) {
            Files.delete(path);
            return;
        } catch (final IOException e) {
            throw new IOException(path + " exists and is not a socket", e);
        }
        throw new SystemCallException("listen at unix:" + path, Errno.EADDRINUSE);
    }

    /** Where a socket really listens. */
    public static SocketAddress local(final Libc libc, final int fd, final ListenAddress asked) {
        if (asked instanceof ListenAddress.Unix unix) {
            return UnixDomainSocketAddress.of(unix.path());
        }
        try (Arena arena = Arena.ofConfined()) {
            final long at = arena.allocate(SocketCalls.SOCKADDR_BYTES + 8, 8).address();
            Memory.putInt(at + SocketCalls.SOCKADDR_BYTES, SocketCalls.SOCKADDR_BYTES);
            libc.sockets().getsockname(fd, at, at + SocketCalls.SOCKADDR_BYTES);
            return inet(at);
        }
    }

    /**
     * Bytes sent, or the end of the stream, that a TCP peer has not acknowledged or a Unix socket's peer has not read.
     *
     * @return 0 as well when that is not known
     */
    public static int unacknowledged(final Libc libc, final int fd) {
        try (Arena arena = Arena.ofConfined()) {
            final long answer = arena.allocate(Integer.BYTES, Integer.BYTES).address();
            return libc.files().ioctl(fd, SIOCOUTQ, answer) < 0 ? 0 : Memory.getInt(answer);
        }
    }

    /** A client's address, for people. */
    public static String peer(final Libc libc, final int fd) {
        try (Arena arena = Arena.ofConfined()) {
            final long at = arena.allocate(SocketCalls.SOCKADDR_BYTES + 8, 8).address();
            Memory.putInt(at + SocketCalls.SOCKADDR_BYTES, SocketCalls.SOCKADDR_BYTES);
            if (libc.sockets().getpeername(fd, at, at + SocketCalls.SOCKADDR_BYTES) < 0) {
                return "unknown"; // it has gone already
            }
            if (Memory.getShort(at) == SocketCalls.AF_UNIX) {
                return "unix";
            }
            final InetSocketAddress address = inet(at);
            final String host = address.getAddress().getHostAddress();
            return (host.contains(":") ? "[" + host + "]" : host) + ":" + address.getPort();
        }
    }

    private static InetSocketAddress inet(final long at) {
        final boolean v4 = Memory.getShort(at) == SocketCalls.AF_INET;
        final byte[] bytes = new byte[v4 ? 4 : 16];
        Memory.get(at + (v4 ? 4 : 8), bytes, 0, bytes.length);
        try {
            return new InetSocketAddress(InetAddress.getByAddress(bytes), Memory.getShortBe(at + 2) & 0xFFFF);
        } catch (final UnknownHostException e) {
            throw new IllegalStateException("an address of " + bytes.length + " bytes", e);
        }
    }
}
