package dev.fusedio.ring;

import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Memory;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * The character device of a simulated ublk device with one queue, whose data is copied (UBLK_F_USER_COPY). It watches
 * the server: each tag has one fetch outstanding at most, a commit is for a request that was handed out, a copy lies
 * within a request's data and goes the right way.
 */
public final class SimulatedUblk extends SimulatedDescriptor {
    private static final int FETCH_REQ = 0xC0107520;
    private static final int COMMIT_AND_FETCH_REQ = 0xC0107521;
    private static final int REGISTER_IO_BUF = 0xC0107523;
    private static final int DESCRIPTOR_BYTES = 24;
    private static final long USER_COPY = 0x80000000L;

    private final long descriptors;
    private final Request[] current;
    private final boolean[] waiting;
    private final ArrayDeque<Request> pending = new ArrayDeque<>();
    private boolean stopping;
    private int refused;

    SimulatedUblk(final long descriptors, final int depth) {
        this.descriptors = descriptors;
        this.current = new Request[depth];
        this.waiting = new boolean[depth];
    }

    /** A request of the block layer's. */
    public static final class Request {
        private final int opFlags;
        private final long sector;
        private final int sectors;
        private final byte[] data;
        private @Nullable Integer result;

        /**
         * @param opFlags UBLK_IO_OP_* and UBLK_IO_F_*
         * @param data what a WRITE brings, what a READ is to fill; empty for others
         */
        public Request(final int opFlags, final long sector, final int sectors, final byte[] data) {
            this.opFlags = opFlags;
            this.sector = sector;
            this.sectors = sectors;
            this.data = data;
        }

        /** What was committed; null while it is on its way. */
        public @Nullable Integer result() {
            return result;
        }

        /** What a READ was given. */
        public byte[] data() {
            return data;
        }

        private boolean is(final int operation) {
            return (opFlags & 0xFF) == operation;
        }
    }

    /** The block layer asks for something. */
    public void submit(final Request request) {
        pending.add(request);
    }

    /** Registrations of a request's pages, all of which this driver refuses. */
    public int refusedRegistrations() {
        return refused;
    }

    /** STOP_DEV: tags that wait are aborted, others when they are committed. */
    public void stop() {
        stopping = true;
    }

    @Override
    boolean ready(final SimulatedOperation operation) {
        return operation.opcode != IoUring.OP_URING_CMD || !operation.tried || stopping || !pending.isEmpty();
    }

    @Override
    int perform(final SimulatedOperation operation, final SimulatedRing ring) {
        return switch (operation.opcode) {
            case IoUring.OP_URING_CMD -> command(operation);
            case IoUring.OP_READ, IoUring.OP_WRITE -> copy(operation, ring);
            default -> -Errno.EOPNOTSUPP;
        };
    }

    private int command(final SimulatedOperation operation) {
        final int tag = (int) (operation.command >>> 16) & 0xFFFF;
        if ((int) operation.off == REGISTER_IO_BUF) {
            refused++;
            return -Errno.ENOMEM;
        }
        if (!operation.tried) {
            operation.tried = true;
            take(operation, tag, (int) (operation.command >>> 32));
        }
        if (stopping) {
            waiting[tag] = false;
            return -Errno.ENODEV;
        }
        final Request next = pending.poll();
        if (next == null) {
            return BLOCKED;
        }
        waiting[tag] = false;
        current[tag] = next;
        final long at = descriptors + (long) tag * DESCRIPTOR_BYTES;
        Memory.putInt(at, next.opFlags);
        Memory.putInt(at + 4, next.sectors);
        Memory.putLong(at + 8, next.sector);
        return 0;
    }

    private void take(final SimulatedOperation operation, final int tag, final int result) {
        if (waiting[tag]) {
            throw new AssertionError("tag " + tag + " was fetched twice");
        }
        waiting[tag] = true;
        final Request done = current[tag];
        switch ((int) operation.off) {
            case FETCH_REQ -> {
                if (done != null) {
                    throw new AssertionError("tag " + tag + " was fetched with a request in hand");
                }
            }
            case COMMIT_AND_FETCH_REQ -> {
                if (done == null) {
                    throw new AssertionError("tag " + tag + " was committed without a request");
                }
                current[tag] = null;
                done.result = result;
            }
            default -> throw new AssertionError("command " + Long.toHexString(operation.off));
        }
    }

    private int copy(final SimulatedOperation operation, final SimulatedRing ring) {
        final long place = operation.off - USER_COPY;
        final Request request = current[(int) (place >>> 25) & 0xFFFF];
        final int at = (int) place & ((1 << 25) - 1);
        if (request == null || at + operation.total() > request.data.length) {
            throw new AssertionError("a copy at " + Long.toHexString(operation.off) + " of no request's data");
        }
        if (!request.is(operation.opcode == IoUring.OP_READ ? 1 : 0)) {
            throw new AssertionError("a copy the wrong way");
        }
        final int passing = ring.chance().passing();
        if (passing != 0) {
            return passing;
        }
        final int length = ring.chance().perhapsShort(operation.total());
        if (operation.opcode == IoUring.OP_READ) {
            Memory.put(operation.addr, request.data, at, length);
        } else {
            Memory.get(operation.addr, request.data, at, length);
        }
        return length;
    }
}
