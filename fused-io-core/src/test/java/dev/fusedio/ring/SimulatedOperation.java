package dev.fusedio.ring;

import dev.fusedio.sys.Memory;
import java.nio.ByteBuffer;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * One submission, read from its 64 bytes as the kernel does at submission: a {@code msghdr} and its vectors are copied,
 * the payload they point to is not.
 *
 * <p>While it runs, its payload is on loan to the kernel. That is watched: what is to be sent or written must not change,
 * and what is to be filled must not be in use by anything else. What is to be filled is spoilt at the start, so that
 * nobody mistakes old content for new.
 */
final class SimulatedOperation {
    private static final byte SPOILT = (byte) 0xD5;

    final int opcode;
    final int flags;
    final int ioprio;
    final int fd;
    final long off;
    final long addr;
    final int len;
    final int opFlags;
    final int bufIndex;
    final long userData;

    /** {@code sqe->cmd}, its first eight bytes. */
    final long command;

    /** Pairs of address and length, in the order of the stream. */
    private final long[] regions;

    private final boolean fills;
    private long checksum;

    @Nullable SimulatedDescriptor target;

    @Nullable SimulatedOperation next;

    /** Bytes transferred so far. */
    int moved;

    /** Steps until it starts. */
    int delay;

    /** Steps until its completion is shown. */
    int hold;

    /** Whether it was attempted before. */
    boolean tried;

    boolean performed;
    int result;
    int completionFlags;

    SimulatedOperation(final long sqe) {
        opcode = Memory.getByte(sqe + IoUring.SQE_OPCODE);
        flags = Memory.getByte(sqe + IoUring.SQE_FLAGS) & 0xFF;
        ioprio = Memory.getShort(sqe + IoUring.SQE_IOPRIO) & 0xFFFF;
        fd = Memory.getInt(sqe + IoUring.SQE_FD);
        off = Memory.getLong(sqe + IoUring.SQE_OFF);
        addr = Memory.getLong(sqe + IoUring.SQE_ADDR);
        len = Memory.getInt(sqe + IoUring.SQE_LEN);
        opFlags = Memory.getInt(sqe + IoUring.SQE_OP_FLAGS);
        userData = Memory.getLong(sqe + IoUring.SQE_USER_DATA);
        command = Memory.getLong(sqe + IoUring.SQE_ADDR3);
        bufIndex = Memory.getShort(sqe + IoUring.SQE_BUF_INDEX) & 0xFFFF;
        regions = switch (opcode) {
            case IoUring.OP_READ,
                    IoUring.OP_READ_FIXED,
                    IoUring.OP_WRITE,
                    IoUring.OP_WRITE_FIXED,
                    IoUring.OP_SEND,
                    IoUring.OP_SEND_ZC -> new long[] {addr, len & 0xFFFF_FFFFL};
            case IoUring.OP_RECV -> has(IoUring.SQE_BUFFER_SELECT) ? new long[0] : new long[] {addr, len};
            case IoUring.OP_SENDMSG -> vectors(addr);
            default -> new long[0];
        };
        fills = opcode == IoUring.OP_READ || opcode == IoUring.OP_READ_FIXED || opcode == IoUring.OP_RECV;
    }

    /** struct msghdr: msg_iov at 16, msg_iovlen at 24; struct iovec: base and length. */
    private static long[] vectors(final long message) {
        final long iov = Memory.getLong(message + 16);
        final int count = (int) Memory.getLong(message + 24);
        final long[] pairs = new long[2 * count];
        for (int i = 0; i < pairs.length; i++) {
            pairs[i] = Memory.getLong(iov + 8L * i);
        }
        return pairs;
    }

    /** Whether its address is of a registered buffer. */
    boolean isFixed() {
        return switch (opcode) {
            case IoUring.OP_READ_FIXED, IoUring.OP_WRITE_FIXED -> true;
            case IoUring.OP_SEND, IoUring.OP_SEND_ZC, IoUring.OP_RECV -> (ioprio & IoUring.RECVSEND_FIXED_BUF) != 0;
            default -> false;
        };
    }

    /** Its address turns out to be an offset in a buffer at {@code base}. */
    void relocate(final long base) {
        regions[0] = base + addr;
    }

    /** It has no memory: its buffer isn't there, or ends before. */
    void withhold() {
        regions[1] = 0;
    }

    boolean has(final int flag) {
        return (flags & flag) != 0;
    }

    boolean needsNoFile() {
        return opcode == IoUring.OP_NOP || opcode == IoUring.OP_ASYNC_CANCEL || opcode == IoUring.OP_CLOSE;
    }

    /** Bytes that it is to transfer. */
    int total() {
        long total = 0;
        for (int i = 1; i < regions.length; i += 2) {
            total += regions[i];
        }
        return Math.toIntExact(total);
    }

    int remaining() {
        return total() - moved;
    }

    boolean isTransfer() {
        return regions.length > 0 || has(IoUring.SQE_BUFFER_SELECT);
    }

    /** Whether a transfer is not finished before all is moved. */
    boolean waitsForAll() {
        return (opFlags & Sqe.MSG_WAITALL) != 0;
    }

    /** Whether this outcome breaks a chain: an error, or a transfer that is short of what it promised. */
    boolean breaksChain() {
        return switch (opcode) {
            case IoUring.OP_READ, IoUring.OP_READ_FIXED, IoUring.OP_WRITE, IoUring.OP_WRITE_FIXED -> result != total();
            case IoUring.OP_SEND, IoUring.OP_SENDMSG, IoUring.OP_SEND_ZC, IoUring.OP_RECV ->
                result < 0 || (waitsForAll() && result < total());
            default -> result < 0;
        };
    }

    /** The address of the next byte to transfer and, by {@link #contiguous}, how many follow it. */
    long at() {
        long skip = moved;
        for (int i = 0; i < regions.length; i += 2) {
            if (skip < regions[i + 1]) {
                return regions[i] + skip;
            }
            skip -= regions[i + 1];
        }
        return 0;
    }

    int contiguous() {
        long skip = moved;
        for (int i = 0; i < regions.length; i += 2) {
            if (skip < regions[i + 1]) {
                return (int) (regions[i + 1] - skip);
            }
            skip -= regions[i + 1];
        }
        return 0;
    }

    /** The kernel begins to use the payload. */
    void begin() {
        if (fills) {
            for (int i = 0; i < regions.length; i += 2) {
                Memory.fill(regions[i], regions[i + 1], SPOILT);
            }
        } else {
            checksum = checksum();
        }
    }

    /** The kernel has done with the payload. */
    void verifyUntouched() {
        if (!fills && checksum != checksum()) {
            throw new AssertionError(this + ": its payload was changed while the kernel was using it");
        }
    }

    private long checksum() {
        final CRC32 crc = new CRC32();
        for (int i = 0; i < regions.length; i += 2) {
            final ByteBuffer view = Memory.segment(regions[i], regions[i + 1]).asByteBuffer();
            crc.update(view);
        }
        return crc.getValue();
    }

    /** Whether both use the same memory and one of them fills it. */
    boolean disturbs(final SimulatedOperation other) {
        if (!fills && !other.fills) {
            return false;
        }
        for (int i = 0; i < other.regions.length; i += 2) {
            if (touches(other.regions[i], other.regions[i + 1])) {
                return true;
            }
        }
        return false;
    }

    boolean touches(final long address, final long length) {
        for (int i = 0; i < regions.length; i += 2) {
            if (address < regions[i] + regions[i + 1] && regions[i] < address + length) {
                return true;
            }
        }
        return false;
    }

    @Override
    public String toString() {
        return "operation " + opcode + " on descriptor " + fd + ", " + len + " bytes at " + Long.toHexString(addr)
                + ", offset " + off + ", user data " + Long.toHexString(userData);
    }
}
