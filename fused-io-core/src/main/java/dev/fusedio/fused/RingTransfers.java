package dev.fusedio.fused;

import dev.fusedio.loop.CoreLoop;

/**
 * The transfers that one command may have on the ring, each with a tag of the command's slot. The loop's thread only.
 */
final class RingTransfers {
    /** The first tag of sends and receives; file transfers have those from 0 on. */
    private static final int TAG_SOCKET = FusedCommand.MAX_TRANSFERS;

    /** Tags that are in use here: all below. */
    static final int TAGS = TAG_SOCKET + FusedCommand.MAX_SOCKET_TRANSFERS;

    private final CoreLoop loop;
    private final int slot;
    private final FileTransfer[] files = new FileTransfer[FusedCommand.MAX_TRANSFERS];
    private final SocketTransfer[] sockets = new SocketTransfer[FusedCommand.MAX_SOCKET_TRANSFERS];
    private int busy;

    RingTransfers(final CoreLoop loop, final int slot) {
        this.loop = loop;
        this.slot = slot;
        for (int i = 0; i < files.length; i++) {
            files[i] = new FileTransfer();
        }
        for (int i = 0; i < sockets.length; i++) {
            sockets[i] = new SocketTransfer();
        }
    }

    /** Begins a file transfer; see {@link FileTransfer#start}. False when all are in flight. */
    boolean start(
            final RingFile file,
            final Direction way,
            final int bufferIndex,
            final long position,
            final long address,
            final int bytes,
            final int rwFlags) {
        final int tag = Integer.numberOfTrailingZeros(~busy);
        if (tag >= TAG_SOCKET) {
            return false;
        }
        busy |= 1 << tag;
        files[tag].start(loop, way, bufferIndex, file, position, address, bytes, rwFlags, loop.userData(slot, tag));
        return true;
    }

    /** Begins a send or a receive; see {@link SocketTransfer#start}. False when all are in flight. */
    boolean start(
            final RingSocket socket,
            final Direction way,
            final int bufferIndex,
            final long address,
            final int bytes,
            final boolean linkNext) {
        final int index = Integer.numberOfTrailingZeros(~(busy >> TAG_SOCKET));
        if (index >= sockets.length) {
            return false;
        }
        final int tag = TAG_SOCKET + index;
        busy |= 1 << tag;
        sockets[index].start(loop, way, socket, bufferIndex, address, bytes, linkNext, loop.userData(slot, tag));
        return true;
    }

    /**
     * Takes a completion in.
     *
     * @param tag below {@link #TAGS}
     * @return {@link FusedCommand#PENDING} when the transfer goes on, else its whole length or a negated error number
     */
    int advance(final int tag, final int outcome, final int flags) {
        final long userData = loop.userData(slot, tag);
        final int total = tag < TAG_SOCKET
                ? files[tag].advance(loop, outcome, userData)
                : sockets[tag - TAG_SOCKET].advance(loop, outcome, flags, userData);
        if (total != FusedCommand.PENDING) {
            busy &= ~(1 << tag);
        }
        return total;
    }
}
