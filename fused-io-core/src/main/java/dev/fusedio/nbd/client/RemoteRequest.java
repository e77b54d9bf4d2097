package dev.fusedio.nbd.client;

import dev.fusedio.fused.FusedCommand;
import dev.fusedio.fused.SocketTransfer;
import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.sys.Memory;
import dev.fusedio.volume.ExtentQuery;
import org.jspecify.annotations.Nullable;

/** One request of the protocol on its way through a {@link RemoteQueue}. Pooled; the loop's thread only. */
final class RemoteRequest {
    /** A write that the server has, but perhaps not on stable storage, is followed by a flush. */
    private boolean flushing;

    /** What a request waits to do while its holes are filled. */
    enum Sequel {
        NONE,
        /** Its reply is whole. */
        FINISH,
        /** Its connection is gone. */
        SEND_AGAIN
    }

    private final Coverage coverage = new Coverage();
    private @Nullable SocketTransfer transfer;

    /** What has the buffer, or waits; null for a question for extents. */
    @Nullable FusedCommand command;

    @Nullable ExtentQuery query;

    /** NBD_CMD_*, as it was asked for. */
    int type;

    int flags;
    boolean thenFlush;
    long position;
    long length;

    /** Where in the command's buffer. */
    int offset;

    boolean inMemory;

    /** Order of arrival. */
    long sequence;

    /** When it arrived, and when it was last sent, in the loop's nanoseconds. */
    long arrivedAt;

    long sentAt;
    long cookie;

    /** Whether it is part of a send that goes on. */
    boolean sending;

    /** Whether its reply has ended. */
    boolean replied;

    /** The error that its reply told; positive, 0 for none. */
    int error;

    /** Holes that are being filled. */
    int filling;

    /** What is to follow when its last hole is filled. */
    Sequel sequel = Sequel.NONE;

    /** Whether its status came. */
    boolean statusCame;

    /** Bytes of the query's range that former replies covered, and this one too. */
    long covered;

    long coveredBefore;

    /** In the queue's list of what waits. */
    @Nullable RemoteRequest next;

    /** In the queue's list of what changes the export. */
    @Nullable RemoteRequest nextChange;

    @Nullable RemoteRequest previousChange;

    /** Forgets how far it came: it is to be sent from its beginning. */
    void rewind() {
        flushing = false;
        resetReply();
        covered = 0;
        coveredBefore = 0;
        if (query != null) {
            query.ask(query.position(), query.length(), query.limit());
        }
    }

    void resetReply() {
        coverage.clear();
        sending = false;
        replied = false;
        error = 0;
        statusCame = false;
    }

    /** Goes on with what follows its first reply; false when nothing does. */
    boolean advance(final ExportInfo export) {
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

    boolean changes() {
        return type == NbdProtocol.CMD_WRITE || type == NbdProtocol.CMD_TRIM || type == NbdProtocol.CMD_WRITE_ZEROES;
    }

    boolean overlaps(final RemoteRequest other) {
        return position < other.position + other.length && other.position < position + length;
    }

    /** Whether it reads to pages of the kernel's. */
    boolean isLentRead() {
        return isRead() && !inMemory;
    }

    boolean isRead() {
        return type == NbdProtocol.CMD_READ;
    }

    /** Whether payload goes with it. */
    boolean carries() {
        return type == NbdProtocol.CMD_WRITE && !flushing;
    }

    Coverage coverage() {
        return coverage;
    }

    /** For a payload that the kernel keeps. */
    SocketTransfer transfer() {
        if (transfer == null) {
            transfer = new SocketTransfer();
        }
        return transfer;
    }

    /** The offset that its header has. */
    long wirePosition() {
        return flushing || type == NbdProtocol.CMD_FLUSH ? 0 : position + coveredBefore;
    }

    /** Bytes that its header tells. */
    long wireLength(final ExportInfo export) {
        if (flushing || type == NbdProtocol.CMD_FLUSH) {
            return 0;
        }
        final long left = length - coveredBefore;
        return query != null && !export.extended() ? Math.min(left, RemoteLane.MAX_COMPACT) : left;
    }

    /** Writes its header. Returns the header's bytes. */
    int compose(final long at, final ExportInfo export) {
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
