package dev.fusedio.fused;

import dev.fusedio.ring.IoUring;
import dev.fusedio.ring.KernelRing;
import dev.fusedio.ring.RingUnavailableException;
import dev.fusedio.ring.Sqe;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Libc;
import dev.fusedio.sys.Memory;
import dev.fusedio.sys.SocketCalls;
import dev.fusedio.sys.SystemCallException;
import java.io.IOException;
import java.lang.foreign.Arena;

/**
 * How a socket borrows the pages of a block request, which have no address in this process. Memory of this process is
 * sent and received by plain SEND and RECV in every case.
 */
public enum SocketMechanism {
    /** SEND and RECV name the registered buffer themselves (IORING_RECVSEND_FIXED_BUF), whole in one operation. */
    SEND_RECV_FIXED,

    /**
     * WRITE_FIXED and READ_FIXED on the socket, which stop short and are continued. One copy in the kernel for each
     * direction, as the kernel's own nbd driver makes.
     */
    READ_WRITE_FIXED,

    /**
     * SEND_ZC with the registered buffer, and READ_FIXED. Never chosen by itself: the network stack then holds the
     * pages until they were acknowledged, and a page that the block layer made of slab memory (a journal's frozen
     * buffers) may not be held so.
     */
    SEND_ZC_FIXED;

    private static final int PAGE = 4096;

    /**
     * Finds out by trying which is the best that is safe here. Blocks for an instant; not on a loop.
     *
     * @throws IOException when there is no ring to try it on
     */
    public static SocketMechanism probe() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            final Libc libc = new Libc(arena);
            final long pair = arena.allocate(8, 8).address();
            SystemCallException.check(
                    libc.sockets()
                            .socketpair(
                                    SocketCalls.AF_UNIX, SocketCalls.SOCK_STREAM | SocketCalls.SOCK_CLOEXEC, 0, pair),
                    "socketpair to try sends on");
            try (KernelRing ring = new KernelRing(libc, 4)) {
                final long page = arena.allocate(PAGE, PAGE).address();
                return ring.registerBuffers(page, PAGE, 1) == 0 && sendsFixed(ring, Memory.getInt(pair), page)
                        ? SEND_RECV_FIXED
                        : READ_WRITE_FIXED;
            } catch (final RingUnavailableException e) {
                if (!e.isOutOfMemory()) {
                    throw e;
                }
                return READ_WRITE_FIXED; // no memory may be locked to try with
            } finally {
                libc.files().close(Memory.getInt(pair));
                libc.files().close(Memory.getInt(pair + 4));
            }
        }
    }

    /** Kernels before 7.2 answer EINVAL: SEND doesn't know the flag there. */
    private static boolean sendsFixed(final KernelRing ring, final int socket, final long page) {
        final int[] results = {-Errno.EAGAIN};
        Sqe.prepare(
                ring.sqe(),
                IoUring.OP_SEND,
                0,
                IoUring.RECVSEND_FIXED_BUF,
                socket,
                0,
                page,
                1,
                Sqe.MSG_NOSIGNAL | Sqe.MSG_WAITALL,
                0,
                1);
        ring.enter(true, -1);
        while (ring.drain((userData, result, flags) -> results[0] = result) == 0) {
            ring.enter(true, -1); // woken by a signal
        }
        return results[0] == 1;
    }

    /** Whether a receive into a block request's pages ends whole, so that the next operation can be linked behind it. */
    public boolean receivesWhole() {
        return this == SEND_RECV_FIXED;
    }

    /** Whether a send of a block request's pages ends whole, so that the next operation can be linked behind it. */
    public boolean sendsWhole() {
        return this != READ_WRITE_FIXED;
    }
}
