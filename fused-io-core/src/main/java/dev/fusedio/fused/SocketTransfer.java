package dev.fusedio.fused;

import dev.fusedio.loop.CoreLoop;
import dev.fusedio.ring.IoUring;
import dev.fusedio.ring.Sqe;
import dev.fusedio.sys.Errno;

/**
 * A secondary that sends or receives on a socket: short transfers are continued until all is done or an errno ends it
 * (rule 5 of the contract). A zero-copy send ends with the last of its notifications, for until then the network stack
 * reads from the buffer.
 */
public final class SocketTransfer {
    private RingFile socket = new RingFile(-1, 0);
    private int opcode;
    private int ioprio;
    private int msgFlags;
    private int bufIndex;
    private long address;
    private int remaining;
    private int total;
    private int notifications;
    private int outcome;

    /**
     * Begins.
     *
     * @param index the kernel buffer's, or negative for memory of this process
     * @param linkNext whether the submission that follows waits for this one
     */
    public void start(
            final CoreLoop loop,
            final Direction direction,
            final RingSocket to,
            final int index,
            final long from,
            final int length,
            final boolean linkNext,
            final long userData) {
        socket = to.file();
        bufIndex = Math.max(index, 0);
        address = from;
        remaining = length;
        total = length;
        notifications = 0;
        outcome = FusedCommand.PENDING;
        msgFlags = Sqe.MSG_NOSIGNAL | Sqe.MSG_WAITALL;
        ioprio = index < 0 ? 0 : IoUring.RECVSEND_FIXED_BUF;
        final boolean receive = direction == Direction.DEST;
        opcode = receive ? IoUring.OP_RECV : IoUring.OP_SEND;
        if (index >= 0 && to.mechanism() != SocketMechanism.SEND_RECV_FIXED) {
            if (!receive && to.mechanism() == SocketMechanism.SEND_ZC_FIXED) {
                opcode = IoUring.OP_SEND_ZC;
            } else {
                opcode = receive ? IoUring.OP_READ_FIXED : IoUring.OP_WRITE_FIXED;
                ioprio = 0;
                msgFlags = 0; // of another kind there: RWF_*
            }
        }
        submit(loop, linkNext ? IoUring.SQE_IO_LINK : 0, userData);
    }

    private void submit(final CoreLoop loop, final int link, final long userData) {
        Sqe.prepare(
                loop.driver().sqe(),
                opcode,
                socket.sqeFlag() | link,
                ioprio,
                socket.fd(),
                0, // a socket has no position, and one other than 0 is ESPIPE
                address,
                remaining,
                msgFlags,
                bufIndex,
                userData);
    }

    /**
     * Takes a completion in.
     *
     * @return {@link FusedCommand#PENDING} while more are to come, else the whole length or a negated error number
     */
    public int advance(final CoreLoop loop, final int result, final int flags, final long userData) {
        if ((flags & IoUring.CQE_F_NOTIF) != 0) {
            notifications--;
            return notifications == 0 ? outcome : FusedCommand.PENDING;
        }
        if ((flags & IoUring.CQE_F_MORE) != 0) {
            notifications++;
        }
        if (result > 0) {
            if (result > remaining) {
                throw new IllegalStateException("a transfer of " + remaining + " bytes completed with " + result);
            }
            address += result;
            remaining -= result;
            if (remaining == 0) {
                return ended(total);
            }
        } else if (result == 0) {
            return ended(-Errno.ECONNRESET); // the peer has closed its side in the middle of what was expected
        } else if (result != -Errno.EAGAIN && result != -Errno.EINTR) {
            return ended(result);
        }
        submit(loop, 0, userData);
        return FusedCommand.PENDING;
    }

    private int ended(final int with) {
        outcome = with;
        return notifications == 0 ? outcome : FusedCommand.PENDING;
    }
}
