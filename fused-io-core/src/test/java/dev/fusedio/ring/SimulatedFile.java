package dev.fusedio.ring;

import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Memory;
import java.util.Arrays;
import java.util.BitSet;
import java.util.SplittableRandom;

/**
 * A regular file of a simulated kernel, or a block device: the content as programs see it, and what of it would survive
 * a power cut.
 */
public final class SimulatedFile extends SimulatedDescriptor {
    private static final int PAGE = 4096;
    private static final int RWF_DSYNC = 0x2;
    private static final int FALLOC_KEEP_SIZE = 0x01;
    private static final int FALLOC_PUNCH_HOLE = 0x02;
    private static final int FALLOC_ZERO_RANGE = 0x10;

    private byte[] content;
    private byte[] durable;
    private final BitSet dirty = new BitSet();
    private boolean allocates = true;

    SimulatedFile(final long size) {
        content = new byte[Math.toIntExact(size)];
        durable = content.clone();
    }

    /** The content as programs see it. */
    public byte[] content() {
        return content.clone();
    }

    /** Bytes. */
    public long size() {
        return content.length;
    }

    /** Whether all of a range is on stable storage as programs see it. */
    public boolean isDurable(final long position, final int length) {
        final int at = Math.toIntExact(position);
        return Arrays.equals(content, at, at + length, durable, at, at + length);
    }

    /** What a power cut could leave: all that is durable, and any of the pages that are not. */
    public byte[] afterPowerCut(final long seed) {
        final SplittableRandom random = new SplittableRandom(seed);
        final byte[] left = Arrays.copyOf(durable, content.length);
        for (int page = dirty.nextSetBit(0); page >= 0; page = dirty.nextSetBit(page + 1)) {
            if (random.nextBoolean()) {
                final int from = page * PAGE;
                final int to = Math.min(from + PAGE, content.length);
                System.arraycopy(content, from, left, from, to - from);
            }
        }
        return left;
    }

    /** Sets content from outside; it is durable. */
    public void put(final long position, final byte[] bytes) {
        final int at = Math.toIntExact(position);
        System.arraycopy(bytes, 0, content, at, bytes.length);
        System.arraycopy(bytes, 0, durable, at, bytes.length);
    }

    /** Cuts or extends it from outside. */
    public void truncate(final long size) {
        content = Arrays.copyOf(content, Math.toIntExact(size));
        durable = Arrays.copyOf(durable, content.length);
    }

    /** Makes fallocate answer -EOPNOTSUPP from now on, as some file systems do. */
    public void refuseAllocate() {
        allocates = false;
    }

    @Override
    boolean ready(final SimulatedOperation operation) {
        return true;
    }

    @Override
    int perform(final SimulatedOperation operation, final SimulatedRing ring) {
        return switch (operation.opcode) {
            case IoUring.OP_READ, IoUring.OP_READ_FIXED -> read(operation, ring);
            case IoUring.OP_WRITE, IoUring.OP_WRITE_FIXED -> write(operation, ring);
            case IoUring.OP_FSYNC -> sync(ring);
            case IoUring.OP_FALLOCATE -> allocate(operation, ring);
            case IoUring.OP_FADVISE -> 0;
            default -> -ENOTSOCK;
        };
    }

    private static int fault(final SimulatedRing ring) {
        final int passing = ring.chance().passing();
        if (passing != 0) {
            return passing;
        }
        return ring.chance().happens(Fault.EIO) ? -Errno.EIO : 0;
    }

    private int read(final SimulatedOperation operation, final SimulatedRing ring) {
        final int fault = fault(ring);
        if (fault != 0) {
            return fault;
        }
        if (operation.off >= content.length) {
            return 0;
        }
        final int at = (int) operation.off;
        final int length = ring.chance().perhapsShort(Math.min(operation.total(), content.length - at));
        Memory.put(operation.addr, content, at, length);
        return length;
    }

    private int write(final SimulatedOperation operation, final SimulatedRing ring) {
        final int fault = fault(ring);
        if (fault != 0) {
            return fault;
        }
        if (ring.chance().happens(Fault.ENOSPC)) {
            return -Errno.ENOSPC;
        }
        final int at = Math.toIntExact(operation.off);
        final int length = ring.chance().perhapsShort(operation.total());
        extend(at + length);
        Memory.get(operation.addr, content, at, length);
        changed(at, length);
        if ((operation.opFlags & RWF_DSYNC) != 0) {
            System.arraycopy(content, at, durable, at, length);
        }
        return length;
    }

    private int sync(final SimulatedRing ring) {
        if (ring.chance().happens(Fault.EIO)) {
            return -Errno.EIO;
        }
        durable = content.clone();
        dirty.clear();
        return 0;
    }

    /** The length is in {@code addr} and the mode in {@code len}. */
    private int allocate(final SimulatedOperation operation, final SimulatedRing ring) {
        final int mode = operation.len;
        final boolean punch = mode == (FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE);
        final boolean zero = (mode & ~FALLOC_KEEP_SIZE) == FALLOC_ZERO_RANGE;
        if (!allocates || (!punch && !zero && (mode & ~FALLOC_KEEP_SIZE) != 0)) {
            return -Errno.EOPNOTSUPP;
        }
        if (operation.off < 0 || operation.addr <= 0) {
            return -Errno.EINVAL;
        }
        if (!punch && ring.chance().happens(Fault.ENOSPC)) {
            return -Errno.ENOSPC;
        }
        if (ring.chance().happens(Fault.EIO)) {
            return -Errno.EIO;
        }
        final int at = Math.toIntExact(operation.off);
        if ((mode & FALLOC_KEEP_SIZE) == 0) {
            extend(Math.toIntExact(at + operation.addr));
        }
        if (punch || zero) {
            final int end = (int) Math.min(at + operation.addr, content.length);
            if (at < end) {
                Arrays.fill(content, at, end, (byte) 0);
                changed(at, end - at);
            }
        }
        return 0;
    }

    private void extend(final int size) {
        if (size > content.length) {
            truncate(size);
        }
    }

    private void changed(final int at, final int length) {
        if (length > 0) {
            dirty.set(at / PAGE, (at + length - 1) / PAGE + 1);
        }
    }
}
