package dev.fusedio.ring;

import dev.fusedio.sys.Errno;
import org.jspecify.annotations.Nullable;

/**
 * A stream socket of a simulated kernel and the peer at its other end. The program under test has the descriptor; the
 * test is the peer, by the public methods. Bytes travel in fragments while the ring is entered: what was written by one
 * side arrives at the other after some rounds.
 */
public final class SimulatedSocket extends SimulatedDescriptor {
    private static final int MSG_DONTWAIT = 0x40;

    private final ByteQueue toProgramWire = new ByteQueue();
    private final ByteQueue toProgram = new ByteQueue();
    private final ByteQueue toPeerWire = new ByteQueue();
    private final ByteQueue toPeer = new ByteQueue();
    private final int sendBuffer;
    private int window = Integer.MAX_VALUE;
    private boolean peerClosedWriting;
    private boolean endArrived;
    private boolean peerGone;
    private boolean reset;
    private boolean programShutReading;
    private boolean programShutWriting;
    private boolean programClosed;
    private int installed;
    private boolean removed;
    private @Nullable SocketTwin twin;

    /** @param sendBuffer bytes that the program can send ahead of the network */
    SimulatedSocket(final int sendBuffer) {
        this.sendBuffer = sendBuffer;
    }

    // --- the peer's end ---------------------------------------------------------------------------------------------

    /** Sends to the program. */
    public void write(final byte... bytes) {
        if (peerClosedWriting) {
            throw new IllegalStateException("the peer has closed its writing side");
        }
        toProgramWire.add(bytes, 0, bytes.length);
    }

    /** Bytes that have arrived from the program. */
    public int available() {
        return toPeer.size();
    }

    /** Takes all that has arrived from the program. */
    public byte[] read() {
        return toPeer.take(toPeer.size());
    }

    /** Takes {@code length} bytes, which must have arrived. */
    public byte[] read(final int length) {
        return toPeer.take(length);
    }

    /** Limits what may arrive unread; with 0 the peer has stopped reading. */
    public void window(final int bytes) {
        window = bytes;
    }

    /** Sends the end of the stream and reads on. */
    public void closeWrite() {
        peerClosedWriting = true;
    }

    /** Sends the end of the stream and reads no more: what the program sends later is answered with a reset. */
    public void close() {
        peerClosedWriting = true;
        peerGone = true;
        toPeer.clear();
    }

    /** Cuts the connection: what is on its way is lost, on both sides. */
    public void reset() {
        peerClosedWriting = true;
        peerGone = true;
        cut();
    }

    /** Whether the stream from the program has ended (close or shutdown) and has been read to its end. */
    public boolean atEnd() {
        return (programClosed || programShutWriting) && toPeerWire.isEmpty() && toPeer.isEmpty();
    }

    /** Whether the connection was cut, by {@link #reset} or by a fault. */
    public boolean isReset() {
        return reset;
    }

    /** Whether the program closed it by IORING_OP_CLOSE or {@link SimulatedRing#closeDescriptor}. */
    public boolean isClosed() {
        return programClosed;
    }

    /** Whether the program put it into the ring's file table and has taken it out again: its last use. */
    public boolean isReleased() {
        return removed && installed == 0;
    }

    /** Has the program's system calls on the descriptor noticed. */
    void noticeBy(final SocketTwin observer) {
        twin = observer;
    }

    @Override
    void free() {
        if (twin != null) {
            twin.close();
            twin = null;
        }
    }

    // --- the program's end ------------------------------------------------------------------------------------------

    @Override
    void installed() {
        installed++;
    }

    @Override
    void removed() {
        installed--;
        removed = true;
    }

    /** shutdown(2): 0 SHUT_RD, 1 SHUT_WR, 2 SHUT_RDWR. */
    void shutdown(final int how) {
        programShutReading |= how != 1;
        programShutWriting |= how != 0;
    }

    @Override
    void closed() {
        programClosed = true;
    }

    private void cut() {
        reset = true;
        toProgramWire.clear();
        toProgram.clear();
        toPeerWire.clear();
    }

    @Override
    void tick(final SimulatedRing ring) {
        if (twin != null && twin.hasEnded()) {
            shutdown(2);
        }
        if (!reset && !programClosed && ring.chance().happens(Fault.ECONNRESET)) {
            cut();
        }
        toProgramWire.moveTo(toProgram, ring.chance().fragment(toProgramWire.size()));
        if (peerClosedWriting && toProgramWire.isEmpty()) {
            endArrived = true;
        }
        if (peerGone) {
            if (!toPeerWire.isEmpty()) {
                cut();
            }
        } else {
            toPeerWire.moveTo(toPeer, ring.chance().fragment(Math.min(toPeerWire.size(), room())));
        }
    }

    private int room() {
        return Math.max(window - toPeer.size(), 0);
    }

    @Override
    boolean isQuiet() {
        return toProgramWire.isEmpty()
                && peerClosedWriting == endArrived
                && (toPeerWire.isEmpty() || (!peerGone && room() == 0));
    }

    @Override
    boolean ready(final SimulatedOperation operation) {
        return switch (operation.opcode) {
            case IoUring.OP_RECV, IoUring.OP_READ_FIXED ->
                reset || endArrived || programShutReading || !toProgram.isEmpty() || needsBufferNow(operation);
            case IoUring.OP_SEND, IoUring.OP_SENDMSG, IoUring.OP_SEND_ZC, IoUring.OP_WRITE_FIXED ->
                reset || peerGone || programShutWriting || toPeerWire.size() < sendBuffer || operation.total() == 0;
            default -> true;
        };
    }

    /** Without POLL_FIRST the first attempt wants a buffer at once, before there is data. */
    private static boolean needsBufferNow(final SimulatedOperation operation) {
        return operation.has(IoUring.SQE_BUFFER_SELECT)
                && (operation.ioprio & IoUring.RECVSEND_POLL_FIRST) == 0
                && !operation.tried;
    }

    @Override
    int perform(final SimulatedOperation operation, final SimulatedRing ring) {
        return switch (operation.opcode) {
            case IoUring.OP_RECV, IoUring.OP_READ_FIXED -> receive(operation, ring);
            case IoUring.OP_SEND, IoUring.OP_SENDMSG, IoUring.OP_SEND_ZC, IoUring.OP_WRITE_FIXED ->
                send(operation, ring);
            default -> -Errno.EINVAL;
        };
    }

    private int receive(final SimulatedOperation operation, final SimulatedRing ring) {
        if (operation.moved == 0) {
            final int fault = ring.chance().passing();
            if (fault != 0) {
                return fault;
            }
        }
        return operation.has(IoUring.SQE_BUFFER_SELECT)
                ? receiveSelect(operation, ring)
                : receivePlain(operation, ring);
    }

    private int receivePlain(final SimulatedOperation operation, final SimulatedRing ring) {
        if (toProgram.isEmpty()) {
            return withoutData(operation);
        }
        final int length = Math.min(operation.remaining(), toProgram.size());
        toProgram.take(operation.at(), length);
        operation.moved += length;
        if (operation.waitsForAll()
                && operation.remaining() > 0
                && !ring.chance().happens(Fault.SHORT)) {
            return UNFINISHED;
        }
        operation.completionFlags = nonEmpty();
        return operation.moved;
    }

    private int receiveSelect(final SimulatedOperation operation, final SimulatedRing ring) {
        final SimulatedBuffers buffers = ring.buffers(operation.bufIndex);
        operation.tried = true;
        if (buffers == null || buffers.available() == 0 || ring.chance().happens(Fault.ENOBUFS)) {
            return toProgram.isEmpty() && ended() ? withoutData(operation) : -Errno.ENOBUFS;
        }
        if (toProgram.isEmpty()) {
            final int result = withoutData(operation);
            if (result != BLOCKED && ring.chance().happens(Fault.BUFFER_AT_END)) {
                operation.completionFlags = buffers.take();
            }
            return result;
        }
        final long address = buffers.address();
        final int wanted = operation.len == 0 ? buffers.length() : Math.min(operation.len, buffers.length());
        final int length = ring.chance().perhapsShort(Math.min(wanted, toProgram.size()));
        ring.requireIdle(address, buffers.length(), operation);
        toProgram.take(address, length);
        operation.completionFlags = buffers.take() | nonEmpty();
        return length;
    }

    private int nonEmpty() {
        return toProgram.isEmpty() ? 0 : IoUring.CQE_F_SOCK_NONEMPTY;
    }

    private boolean ended() {
        return reset || endArrived || programShutReading;
    }

    private int withoutData(final SimulatedOperation operation) {
        if (operation.moved > 0 && ended()) {
            return operation.moved;
        }
        if (reset) {
            return -Errno.ECONNRESET;
        }
        if (ended()) {
            return 0;
        }
        return (operation.opFlags & MSG_DONTWAIT) != 0 ? -Errno.EAGAIN : BLOCKED;
    }

    private int send(final SimulatedOperation operation, final SimulatedRing ring) {
        if (operation.moved == 0) {
            final int fault = ring.chance().passing();
            if (fault != 0) {
                return fault;
            }
        }
        if (reset || programShutWriting || programClosed) {
            final int error = reset && !programShutWriting ? -Errno.ECONNRESET : -Errno.EPIPE;
            return operation.moved > 0 ? operation.moved : error;
        }
        int room = ring.chance().fragment(Math.min(sendBuffer - toPeerWire.size(), operation.remaining()));
        if (room == 0 && operation.remaining() > 0) {
            return (operation.opFlags & MSG_DONTWAIT) != 0 ? -Errno.EAGAIN : BLOCKED;
        }
        while (room > 0) {
            final int part = Math.min(operation.contiguous(), room);
            toPeerWire.add(operation.at(), part);
            operation.moved += part;
            room -= part;
        }
        if (operation.waitsForAll()
                && operation.remaining() > 0
                && !ring.chance().happens(Fault.SHORT)) {
            return UNFINISHED;
        }
        return operation.moved;
    }
}
