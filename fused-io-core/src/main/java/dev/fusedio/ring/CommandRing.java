package dev.fusedio.ring;

import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Libc;
import dev.fusedio.sys.Mapping;
import dev.fusedio.sys.Memory;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A ring of one purpose: driver commands whose payload needs a 128-byte entry, one at a time, each waited for. For the
 * control plane; it blocks, and is never used on a loop. One thread at a time.
 */
public final class CommandRing implements AutoCloseable {
    /** Bytes of payload in a 128-byte entry. */
    public static final int PAYLOAD_BYTES = 80;

    private static final int SQE128_BYTES = 2 * IoUring.SQE_BYTES;
    private static final int ENTRIES = 4;

    private final Arena arena = Arena.ofShared();
    private final Libc libc = new Libc(arena);
    private final int fd;
    private final Mapping ring;
    private final Mapping sqes;
    private final long tail;
    private final int mask;
    private final CompletionQueue completions;
    private int next;
    private int outcome;

    /** @throws RingUnavailableException when io_uring, or its 128-byte entries (Linux 5.19), can't be had */
    public CommandRing() throws IOException {
        final MemorySegment params = arena.allocate(IoUring.PARAMS_BYTES, 8);
        final long at = params.address();
        Memory.putInt(at + IoUring.PARAMS_FLAGS, IoUring.SETUP_SQE128);
        final long result = libc.syscall(IoUring.SYS_IO_URING_SETUP, ENTRIES, at, 0, 0, 0, 0);
        if (result < 0) {
            arena.close();
            throw RingUnavailableException.of((int) result);
        }
        fd = (int) result;
        final int sqEntries = Memory.getInt(at + IoUring.PARAMS_SQ_ENTRIES);
        final int cqEntries = Memory.getInt(at + IoUring.PARAMS_CQ_ENTRIES);
        final long sqOffsets = at + IoUring.PARAMS_SQ_OFF;
        final long cqOffsets = at + IoUring.PARAMS_CQ_OFF;
        final long cqEnd = Memory.getInt(cqOffsets + IoUring.CQ_CQES) + (long) cqEntries * IoUring.CQE_BYTES;
        final long sqEnd = Memory.getInt(sqOffsets + IoUring.SQ_ARRAY) + 4L * sqEntries;
        ring = Mapping.ofDescriptor(libc, fd, IoUring.OFF_SQ_RING, Math.max(cqEnd, sqEnd), "a command ring");
        sqes = Mapping.ofDescriptor(
                libc, fd, IoUring.OFF_SQES, (long) sqEntries * SQE128_BYTES, "a command ring's entries");
        tail = ring.address() + Memory.getInt(sqOffsets + IoUring.SQ_TAIL);
        mask = sqEntries - 1;
        final long array = ring.address() + Memory.getInt(sqOffsets + IoUring.SQ_ARRAY);
        for (int i = 0; i < sqEntries; i++) {
            Memory.putInt(array + 4L * i, i);
        }
        completions = new CompletionQueue(ring.address(), cqOffsets, cqEntries);
    }

    /**
     * Sends a command and waits for its end, however long that takes.
     *
     * @param target the device's descriptor
     * @param commandOp the driver's code
     * @param payload address of {@code bytes} bytes, at most {@link #PAYLOAD_BYTES}
     * @return what the driver answered: zero or more, or a negated error number
     */
    public int call(final int target, final int commandOp, final long payload, final int bytes) {
        if (bytes > PAYLOAD_BYTES) {
            throw new IllegalArgumentException("a command of " + bytes + " bytes");
        }
        final long sqe = sqes.address() + (long) (next & mask) * SQE128_BYTES;
        Memory.zero(sqe, SQE128_BYTES);
        Sqe.uringCmd(sqe, target, 0, commandOp, 0, 0, 0, 0);
        Memory.copy(payload, sqe + IoUring.SQE_ADDR3, bytes);
        Memory.putIntRelease(tail, ++next);
        int submitted = 0;
        while (completions.isEmpty()) {
            final long entered =
                    libc.syscall(IoUring.SYS_IO_URING_ENTER, fd, 1 - submitted, 1, IoUring.ENTER_GETEVENTS, 0, 0);
            if (entered > 0) {
                submitted = 1;
            } else if (entered < 0 && entered != -Errno.EINTR && entered != -Errno.EAGAIN && entered != -Errno.EBUSY) {
                throw new IllegalStateException("io_uring_enter of a command ring: " + Errno.name((int) entered));
            }
        }
        completions.drain((userData, result, flags) -> outcome = result);
        return outcome;
    }

    @Override
    public void close() {
        libc.files().close(fd);
        sqes.close();
        ring.close();
        arena.close();
    }
}
