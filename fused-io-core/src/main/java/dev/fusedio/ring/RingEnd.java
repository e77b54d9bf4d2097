package dev.fusedio.ring;

import dev.fusedio.sys.Libc;
import dev.fusedio.sys.Memory;
import dev.fusedio.sys.SocketCalls;
import java.lang.foreign.Arena;

/**
 * Tells when the kernel has ended a ring, which it does some time after the descriptor is closed: a socket that only
 * the ring's file table holds is closed when the last operation has ended, and its peer sees that.
 */
final class RingEnd implements AutoCloseable {
    private static final short POLLHUP = 0x10;

    /** Waiting is cut into pieces, because the kernel interrupts it to end the ring. */
    private static final int PIECE_MILLIS = 50;

    private static final int PIECES = 40;

    private final Arena arena = Arena.ofShared();
    private final Libc libc;
    private final int peer;

    /** Puts the socket into {@code files}, whatever was in its place there. The ring is to be closed next. */
    RingEnd(final Libc libc, final FileTable files) {
        this.libc = libc;
        final long pair = arena.allocate(8, 8).address();
        if (libc.sockets().socketpair(SocketCalls.AF_UNIX, SocketCalls.SOCK_STREAM | SocketCalls.SOCK_CLOEXEC, 0, pair)
                < 0) {
            peer = -1;
            return;
        }
        final boolean watched = files.replaceFirst(Memory.getInt(pair));
        libc.files().close(Memory.getInt(pair));
        if (watched) {
            peer = Memory.getInt(pair + 4);
        } else {
            libc.files().close(Memory.getInt(pair + 4));
            peer = -1;
        }
    }

    /** Waits, about two seconds at most. Returns whether the ring has ended; false when that can't be seen. */
    boolean await() {
        if (peer < 0) {
            return false;
        }
        /* struct pollfd { int fd; short events; short revents; }; a hang-up is told without being asked for */
        final long poll = arena.allocate(8, 8).address();
        Memory.putInt(poll, peer);
        for (int i = 0; i < PIECES; i++) {
            if (libc.sockets().poll(poll, 1, PIECE_MILLIS) > 0 && (Memory.getShort(poll + 6) & POLLHUP) != 0) {
                return true;
            }
        }
        return false;
    }

    @Override
    public void close() {
        if (peer >= 0) {
            libc.files().close(peer);
        }
        arena.close();
    }
}
