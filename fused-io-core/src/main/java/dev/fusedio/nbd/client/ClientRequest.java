package dev.fusedio.nbd.client;

import dev.fusedio.fused.FusedCommand;
import dev.fusedio.fused.SocketTransfer;
import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.sys.Memory;
import dev.fusedio.volume.ExtentQuery;
import org.jspecify.annotations.Nullable;

/**
 * One request of the protocol, with how far its reply has come. It is filled in by one of the {@code ask} methods,
 * {@linkplain #rewind rewound}, and then carried by one {@link ClientConnection} after another until it is answered. An
 * owner extends it with what it keeps of a request. Pooled; the loop's thread only.
 */
public class ClientRequest {
    /** What a request without extended headers can range over, in bytes: whole blocks of any size. */
    public static final long MAX_COMPACT_LENGTH = (1L << 32) - 65536;

    private final Coverage coverage = new Coverage();
    private @Nullable SocketTransfer transfer;
    private int type;
    private int flags;
    private boolean thenFlush;

    /** A write that the server has, but perhaps not on stable storage, is followed by a flush. */
    private boolean flushing;

    /** What has the buffer, or waits; null for a question for extents. */
    @Nullable FusedCommand command;

    @Nullable ExtentQuery query;

    long position;
    long length;

    /** Where in the command's buffer. */
    int offset;

    boolean inMemory;

    /** When it was last sent, in the loop's nanoseconds. */
    long sentAt;

    long cookie;

    /** Whether it is part of a send that goes on. */
    boolean sending;

    /** Whether its reply has ended. */
    boolean replied;

    /** The error that its reply told; positive, 0 for none. */
    int error;

    /** Whether its status came. */
    boolean statusCame;

    /** Bytes of the query's range that former replies covered, and this one too. */
    long covered;

    private long coveredBefore;

    // --- what is asked -----------------------------------------------------------------------------------------------

    /**
     * A read or a write.
     *
     * @param of has lent its buffer
     * @param wireType NBD_CMD_READ or NBD_CMD_WRITE
     * @param wireFlags NBD_CMD_FLAG_*
     * @param flushAfter whether a flush follows it before it is answered
     * @param at where in the command's buffer
     * @param from where in the export, in bytes
     * @param bytes positive, at most the export's largest payload
     */
    public final void askTransfer(
            final FusedCommand of,
            final int wireType,
            final int wireFlags,
            final boolean flushAfter,
            final int at,
            final long from,
            final int bytes) {
        command = of;
        inMemory = of.inMemory();
        thenFlush = flushAfter;
        offset = at;
        ask(wireType, wireFlags, from, bytes);
    }

    /**
     * A request without payload.
     *
     * @param of waits for it
     * @param wireType NBD_CMD_*
     * @param wireFlags NBD_CMD_FLAG_*
     * @param from where in the export, in bytes
     * @param bytes at most {@link #MAX_COMPACT_LENGTH} without extended headers
     */
    public final void askPlain(
            final FusedCommand of, final int wireType, final int wireFlags, final long from, final long bytes) {
        command = of;
        askWithoutPayload(wireType, wireFlags, from, bytes);
    }

    /** A question for the extents of the query's range, in as many requests as the answers need. */
    public final void askExtents(final ExtentQuery of) {
        query = of;
        final int wireFlags = of.limit() == 1 ? NbdProtocol.CMD_FLAG_REQ_ONE : 0;
        askWithoutPayload(NbdProtocol.CMD_BLOCK_STATUS, wireFlags, of.position(), of.length());
    }

    private void askWithoutPayload(final int wireType, final int wireFlags, final long from, final long bytes) {
        inMemory = true;
        thenFlush = false;
        offset = 0;
        ask(wireType, wireFlags, from, bytes);
    }

    private void ask(final int wireType, final int wireFlags, final long from, final long bytes) {
        type = wireType;
        flags = wireFlags;
        position = from;
        length = bytes;
    }

    /** Lets go of what asked it, when it is answered. */
    public final void release() {
        command = null;
        query = null;
    }

    /** What has the buffer, or waits; null for a question for extents. */
    public final @Nullable FusedCommand command() {
        return command;
    }

    /** The question for extents; null for other requests. */
    public final @Nullable ExtentQuery query() {
        return query;
    }

    /** Where in the export it begins, in bytes. */
    public final long position() {
        return position;
    }

    /** Bytes that it ranges over. */
    public final long length() {
        return length;
    }

    /** Whether it changes bytes of the export. */
    public final boolean changes() {
        return type == NbdProtocol.CMD_WRITE || type == NbdProtocol.CMD_TRIM || type == NbdProtocol.CMD_WRITE_ZEROES;
    }

    /** Whether it reads to pages of the kernel's. */
    public final boolean isLentRead() {
        return isRead() && !inMemory;
    }

    final boolean isRead() {
        return type == NbdProtocol.CMD_READ;
    }

    // --- how far it came ---------------------------------------------------------------------------------------------

    /** Forgets how far it came: it is to be sent from its beginning. */
    public final void rewind() {
        flushing = false;
        resetReply();
        covered = 0;
        coveredBefore = 0;
        if (query != null) {
            query.ask(query.position(), query.length(), query.limit());
        }
    }

    private void resetReply() {
        coverage.clear();
        sending = false;
        replied = false;
        error = 0;
        statusCame = false;
    }

    /** Goes on with what follows its reply, which told no error; false when nothing does. */
    public final boolean advance() {
        if (thenFlush && !flushing) {
            flushing = true;
            resetReply();
            return true;
        }
        if (query != null && !query.isFull() && covered < query.length()) {
            coveredBefore = covered;
            resetReply();
            return true;
        }
        return false;
    }

    /** The error of its reply: positive, as the server said it, or 0 for none. */
    public final int error() {
        return error;
    }

    /** Notes an error of its reply, positive; the first one counts. */
    public final void noteError(final int number) {
        if (error == 0) {
            error = number;
        }
    }

    final Coverage coverage() {
        return coverage;
    }

    // --- on the wire -------------------------------------------------------------------------------------------------

    /** Whether payload goes with it. */
    final boolean carries() {
        return type == NbdProtocol.CMD_WRITE && !flushing;
    }

    /** For a payload that the kernel keeps. */
    final SocketTransfer transfer() {
        if (transfer == null) {
            transfer = new SocketTransfer();
        }
        return transfer;
    }

    /** The offset that its header has. */
    final long wirePosition() {
        return flushing || type == NbdProtocol.CMD_FLUSH ? 0 : position + coveredBefore;
    }

    /** Bytes that its header tells. */
    private long wireLength(final ExportInfo export) {
        if (flushing || type == NbdProtocol.CMD_FLUSH) {
            return 0;
        }
        final long left = length - coveredBefore;
        return query != null && !export.extended() ? Math.min(left, MAX_COMPACT_LENGTH) : left;
    }

    /** Writes its header. Returns the header's bytes. */
    final int compose(final long at, final ExportInfo export) {
        final boolean extended = export.extended();
        final int wireType = flushing ? NbdProtocol.CMD_FLUSH : type;
        int wireFlags = flushing ? 0 : flags;
        if (extended && carries()) {
            wireFlags |= NbdProtocol.CMD_FLAG_PAYLOAD_LEN;
        }
        if (isRead() && !inMemory && !export.simple() && export.has(NbdProtocol.FLAG_SEND_DF)) {
            wireFlags |= NbdProtocol.CMD_FLAG_DF; // a hole could only be filled in by another operation
        }
        Memory.putIntBe(at, extended ? NbdProtocol.EXTENDED_REQUEST_MAGIC : NbdProtocol.REQUEST_MAGIC);
        Memory.putShortBe(at + 4, (short) wireFlags);
        Memory.putShortBe(at + 6, (short) wireType);
        Memory.putLongBe(at + 8, cookie);
        Memory.putLongBe(at + 16, wirePosition());
        if (extended) {
            Memory.putLongBe(at + 24, wireLength(export));
            return NbdProtocol.EXTENDED_REQUEST_BYTES;
        }
        Memory.putIntBe(at + 24, (int) wireLength(export));
        return NbdProtocol.REQUEST_BYTES;
    }
}
