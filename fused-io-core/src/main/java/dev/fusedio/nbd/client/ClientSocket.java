package dev.fusedio.nbd.client;

import dev.fusedio.sys.Clock;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.FileCalls;
import dev.fusedio.sys.Libc;
import dev.fusedio.sys.Memory;
import dev.fusedio.sys.SocketCalls;
import dev.fusedio.sys.SystemCallException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * A socket on its way to a server, used by blocking calls within one time limit. The descriptor is then
 * {@linkplain #release handed} to a ring. One thread.
 */
final class ClientSocket implements AutoCloseable {
    private static final int KEEP_ALIVE_SECONDS = 10;
    private static final short POLLIN = 1;
    private static final short POLLOUT = 4;
    private static final int TRANSFER_BYTES = 8 << 10;
    private static final int BACKLOG_RETRY_MILLIS = 10;

    private final Arena arena = Arena.ofConfined();
    private final Libc libc = new Libc(arena);
    private final long address = arena.allocate(SocketCalls.SOCKADDR_BYTES, 8).address();
    private final long pollfd = arena.allocate(8, 8).address();
    private final long buffer = arena.allocate(TRANSFER_BYTES, 8).address();
    private final long deadline;
    private final String peer;
    private int fd = -1;

    private ClientSocket(final String peer, final long deadline) {
        this.peer = peer;
        this.deadline = deadline;
    }

    /**
     * Connects; of a name's addresses the first that answers.
     *
     * @param deadline in nanoseconds of {@link Clock#MONOTONIC}, for this and all that follows
     * @throws IOException naming the address and the reason
     */
    static ClientSocket connect(final NbdUri uri, final long deadline) throws IOException {
        final ClientSocket socket = new ClientSocket(uri.address(), deadline);
        try {
            if (uri.host() == null) {
                socket.connectUnix(uri.socket() == null ? Path.of("") : uri.socket());
            } else {
                socket.connectTcp(uri.host(), uri.port());
            }
            return socket;
        } catch (final IOException | RuntimeException e) {
            socket.close();
            throw e;
        }
    }

    private void connectUnix(final Path path) throws IOException {
        final byte[] bytes = path.toString().getBytes(StandardCharsets.UTF_8);
        if (bytes.length >= SocketCalls.SUN_PATH_BYTES) {
            throw new NbdConnectException("socket path of " + bytes.length + " bytes is longer than "
                    + (SocketCalls.SUN_PATH_BYTES - 1) + ": " + path);
        }
        Memory.putShort(address, (short) SocketCalls.AF_UNIX);
        Memory.put(address + SocketCalls.SUN_PATH, bytes, 0, bytes.length);
        open(SocketCalls.AF_UNIX);
        connect(SocketCalls.SUN_PATH + bytes.length + 1);
    }

    private void connectTcp(final String host, final int port) throws IOException {
        final InetAddress[] candidates;
        try {
            candidates = InetAddress.getAllByName(host);
        } catch (final UnknownHostException e) {
            throw new NbdConnectException("connect to " + peer + ": no such host", e);
        }
        IOException failure = null;
        for (final InetAddress candidate : candidates) {
            try {
                connectTo(candidate, port);
                return;
            } catch (final IOException e) {
                closeDescriptor();
                failure = e;
            }
        }
        throw failure == null ? new NbdConnectException("connect to " + peer + ": the name has no address") : failure;
    }

    private void connectTo(final InetAddress to, final int port) throws IOException {
        final byte[] bytes = to.getAddress();
        final boolean v4 = bytes.length == 4;
        Memory.zero(address, SocketCalls.SOCKADDR_BYTES);
        Memory.putShort(address, (short) (v4 ? SocketCalls.AF_INET : SocketCalls.AF_INET6));
        Memory.putShortBe(address + 2, (short) port);
        Memory.put(address + (v4 ? 4 : 8), bytes, 0, bytes.length);
        open(v4 ? SocketCalls.AF_INET : SocketCalls.AF_INET6);
        libc.sockets().setsockopt(fd, SocketCalls.IPPROTO_TCP, SocketCalls.TCP_NODELAY, 1);
        libc.sockets().setsockopt(fd, SocketCalls.SOL_SOCKET, SocketCalls.SO_KEEPALIVE, 1);
        libc.sockets().setsockopt(fd, SocketCalls.IPPROTO_TCP, SocketCalls.TCP_KEEPIDLE, KEEP_ALIVE_SECONDS);
        libc.sockets().setsockopt(fd, SocketCalls.IPPROTO_TCP, SocketCalls.TCP_KEEPINTVL, KEEP_ALIVE_SECONDS / 2);
        libc.sockets().setsockopt(fd, SocketCalls.IPPROTO_TCP, SocketCalls.TCP_KEEPCNT, 4);
        libc.sockets().setLinger(fd, 0); // a killed process's unsent changes are dropped: its successor sends its own
        connect(v4 ? 16 : 28);
    }

    private void open(final int family) throws SystemCallException {
        fd = (int) SystemCallException.check(
                libc.sockets()
                        .socket(
                                family,
                                SocketCalls.SOCK_STREAM | SocketCalls.SOCK_NONBLOCK | SocketCalls.SOCK_CLOEXEC,
                                0),
                "socket for " + peer);
    }

    private void connect(final int length) throws IOException {
        while (true) {
            final int result = libc.sockets().connect(fd, address, length);
            if (result == -Errno.EINPROGRESS) {
                await(POLLOUT, Integer.MAX_VALUE); // asked again, it tells how the attempt went
            } else if (result == -Errno.EAGAIN) {
                await((short) 0, BACKLOG_RETRY_MILLIS); // a Unix listener whose backlog is full
            } else if (result != -Errno.EINTR) {
                SystemCallException.check(result, "connect to " + peer);
                return;
            }
        }
    }

    /** Waits for an event, at most {@code millis}. */
    private void await(final short events, final int millis) throws IOException {
        final long left = deadline - Clock.MONOTONIC.nanos();
        if (left <= 0) {
            throw new NbdConnectException(peer + " did not answer in time");
        }
        Memory.putInt(pollfd, events == 0 ? -1 : fd);
        Memory.putShort(pollfd + 4, events);
        Memory.putShort(pollfd + 6, (short) 0);
        final int result = libc.sockets().poll(pollfd, 1, (int) Math.min(left / 1_000_000 + 1, millis));
        if (result != -Errno.EINTR) {
            SystemCallException.check(result, "poll");
        }
    }

    void write(final byte[] bytes) throws IOException {
        int done = 0;
        while (done < bytes.length) {
            final int part = Math.min(bytes.length - done, TRANSFER_BYTES);
            Memory.put(buffer, bytes, done, part);
            final long result = libc.files().write(fd, buffer, part);
            if (result >= 0) {
                done += (int) result;
            } else if (result == -Errno.EAGAIN) {
                await(POLLOUT, Integer.MAX_VALUE);
            } else if (result != -Errno.EINTR) {
                throw new SystemCallException("send to " + peer, (int) result);
            }
        }
    }

    /** Reads {@code length} bytes, which the caller has bounded. */
    byte[] read(final int length) throws IOException {
        final byte[] bytes = new byte[length];
        int done = 0;
        while (done < length) {
            final long result = libc.files().read(fd, buffer, Math.min(length - done, TRANSFER_BYTES));
            if (result > 0) {
                Memory.get(buffer, bytes, done, (int) result);
                done += (int) result;
            } else if (result == 0) {
                throw new NbdConnectException(peer + " closed the connection during the handshake");
            } else if (result == -Errno.EAGAIN) {
                await(POLLIN, Integer.MAX_VALUE);
            } else if (result != -Errno.EINTR) {
                throw new SystemCallException("receive from " + peer, (int) result);
            }
        }
        return bytes;
    }

    /**
     * Hands the descriptor over, in blocking mode: a ring answers EAGAIN for one that isn't, where it should wait.
     */
    int release() throws IOException {
        Memory.putInt(pollfd, 0);
        SystemCallException.check(libc.files().ioctl(fd, FileCalls.FIONBIO, pollfd), "ioctl FIONBIO");
        final int released = fd;
        fd = -1;
        return released;
    }

    String peer() {
        return peer;
    }

    private void closeDescriptor() {
        if (fd >= 0) {
            libc.files().close(fd);
            fd = -1;
        }
    }

    @Override
    public void close() {
        closeDescriptor();
        arena.close();
    }
}
