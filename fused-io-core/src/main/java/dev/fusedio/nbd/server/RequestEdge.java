package dev.fusedio.nbd.server;

import static dev.fusedio.nbd.wire.NbdProtocol.CMD_BLOCK_STATUS;
import static dev.fusedio.nbd.wire.NbdProtocol.CMD_CACHE;
import static dev.fusedio.nbd.wire.NbdProtocol.CMD_FLAG_DF;
import static dev.fusedio.nbd.wire.NbdProtocol.CMD_FLAG_FAST_ZERO;
import static dev.fusedio.nbd.wire.NbdProtocol.CMD_FLAG_FUA;
import static dev.fusedio.nbd.wire.NbdProtocol.CMD_FLAG_NO_HOLE;
import static dev.fusedio.nbd.wire.NbdProtocol.CMD_FLAG_PAYLOAD_LEN;
import static dev.fusedio.nbd.wire.NbdProtocol.CMD_FLAG_REQ_ONE;
import static dev.fusedio.nbd.wire.NbdProtocol.CMD_FLUSH;
import static dev.fusedio.nbd.wire.NbdProtocol.CMD_READ;
import static dev.fusedio.nbd.wire.NbdProtocol.CMD_TRIM;
import static dev.fusedio.nbd.wire.NbdProtocol.CMD_WRITE;
import static dev.fusedio.nbd.wire.NbdProtocol.CMD_WRITE_ZEROES;

import dev.fusedio.loop.Slab;
import dev.fusedio.nbd.wire.Rejection;
import dev.fusedio.volume.BackendCapabilities;
import org.jspecify.annotations.Nullable;

/**
 * The edge of the transmission phase: every type, flag, offset and length from the wire is judged here and nowhere
 * else. Offsets and lengths are 64-bit unsigned on the wire; one that is negative here is beyond any export.
 */
final class RequestEdge {
    private final long size;
    private final long blockMask;
    private final boolean readOnly;
    private final boolean canTrim;
    private final boolean extended;
    private final boolean baseAllocation;
    private final int maxPayload;
    private final int commonFlags;
    private final int readFlags;
    private final int writeFlags;
    private final int zeroFlags;
    private final int statusFlags;

    RequestEdge(final Negotiated negotiated, final int maxPayload) {
        final BackendCapabilities can = negotiated.volume().capabilities();
        this.size = negotiated.size();
        this.blockMask = can.minimumBlock() - 1L;
        this.readOnly = can.readOnly();
        this.canTrim = can.canTrim();
        this.extended = negotiated.extended();
        this.baseAllocation = negotiated.baseAllocation();
        this.maxPayload = maxPayload;
        // "If the server advertised FUA support, it MUST accept the flag on every command"
        this.commonFlags = can.canFua() ? CMD_FLAG_FUA : 0;
        this.readFlags = commonFlags | (negotiated.structured() ? CMD_FLAG_DF : 0);
        this.writeFlags = commonFlags | (extended ? CMD_FLAG_PAYLOAD_LEN : 0);
        this.zeroFlags = commonFlags | CMD_FLAG_NO_HOLE | (can.canFastZero() ? CMD_FLAG_FAST_ZERO : 0);
        this.statusFlags = commonFlags | CMD_FLAG_REQ_ONE | (extended ? CMD_FLAG_PAYLOAD_LEN : 0);
    }

    /**
     * Bytes of payload that follow a header: they are to be consumed whatever is answered.
     *
     * @return negative when they can't be, and the connection is to be cut
     */
    long payloadBytes(final int flags, final int type, final long length) {
        // "MUST set PAYLOAD_LEN" on WRITE with extended headers, yet qemu 10 doesn't and sends its payload all the same
        final boolean follows = type == CMD_WRITE || (extended && (flags & CMD_FLAG_PAYLOAD_LEN) != 0);
        if (!follows) {
            return 0;
        }
        return length < 0 || length > maxPayload ? -1 : length;
    }

    /**
     * Judges a request other than DISC.
     *
     * @return null when it is to be carried out
     */
    @Nullable Rejection judge(final int flags, final int type, final long offset, final long length) {
        return switch (type) {
            case CMD_READ -> judgeRead(flags, offset, length);
            case CMD_WRITE -> judgeChange(flags, writeFlags, offset, length, Rejection.WRITE_BEYOND_END);
            case CMD_FLUSH -> judgeFlush(flags, offset, length);
            case CMD_TRIM ->
                canTrim || readOnly
                        ? judgeChange(flags, commonFlags, offset, length, Rejection.BEYOND_END)
                        : Rejection.UNKNOWN_COMMAND;
            case CMD_CACHE -> judgeRange(flags, commonFlags, offset, length, Rejection.BEYOND_END);
            case CMD_WRITE_ZEROES -> judgeChange(flags, zeroFlags, offset, length, Rejection.WRITE_BEYOND_END);
            case CMD_BLOCK_STATUS -> judgeBlockStatus(flags, offset, length);
            default -> Rejection.UNKNOWN_COMMAND;
        };
    }

    private @Nullable Rejection judgeRead(final int flags, final long offset, final long length) {
        final Rejection rejection = judgeRange(flags, readFlags, offset, length, Rejection.BEYOND_END);
        if (rejection != null) {
            return rejection;
        }
        if (length > maxPayload) {
            return Rejection.TOO_LONG;
        }
        return (flags & CMD_FLAG_DF) != 0 && length > Slab.MAX_BLOCK ? Rejection.DF_TOO_LONG : null;
    }

    private @Nullable Rejection judgeFlush(final int flags, final long offset, final long length) {
        if ((flags & ~commonFlags) != 0) {
            return Rejection.UNKNOWN_FLAG;
        }
        return offset != 0 || length != 0 ? Rejection.RESERVED_FIELDS : null;
    }

    private @Nullable Rejection judgeBlockStatus(final int flags, final long offset, final long length) {
        if ((flags & ~statusFlags) != 0) {
            return Rejection.UNKNOWN_FLAG;
        }
        if (!baseAllocation) {
            return Rejection.NO_CONTEXT;
        }
        if ((flags & CMD_FLAG_PAYLOAD_LEN) != 0) {
            // the payload holds the length; judgeStatusLength follows when it is there
            return length == 0 ? Rejection.BAD_PAYLOAD : null;
        }
        return judgeStatusLength(offset, length);
    }

    /** Judges the range of BLOCK_STATUS, be its length from the header or from the payload. */
    @Nullable Rejection judgeStatusLength(final long offset, final long length) {
        return length == 0 ? Rejection.EMPTY_RANGE : judgeRange(0, 0, offset, length, Rejection.BEYOND_END);
    }

    private @Nullable Rejection judgeChange(
            final int flags, final int allowed, final long offset, final long length, final Rejection beyond) {
        return readOnly ? Rejection.READ_ONLY : judgeRange(flags, allowed, offset, length, beyond);
    }

    private @Nullable Rejection judgeRange(
            final int flags, final int allowed, final long offset, final long length, final Rejection beyond) {
        if ((flags & ~allowed) != 0) {
            return Rejection.UNKNOWN_FLAG;
        }
        if (offset < 0 || length < 0 || offset > size || length > size - offset) {
            return beyond;
        }
        return ((offset | length) & blockMask) != 0 ? Rejection.MISALIGNED : null;
    }
}
