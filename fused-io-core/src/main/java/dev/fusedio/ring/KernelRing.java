package dev.fusedio.ring;

import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Libc;
import dev.fusedio.sys.Mapping;
import dev.fusedio.sys.Memory;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** The kernel's io_uring, by raw system calls. */
public final class KernelRing implements RingDriver {
    /** Set-up flags, best first: each line is what an older kernel is asked for when the one above is refused. */
    private static final int[] SETUP_LADDER = {
        IoUring.SETUP_SINGLE_ISSUER | IoUring.SETUP_DEFER_TASKRUN | IoUring.SETUP_NO_SQARRAY, // Linux 6.6
        IoUring.SETUP_SINGLE_ISSUER | IoUring.SETUP_DEFER_TASKRUN, // Linux 6.1
        IoUring.SETUP_COOP_TASKRUN, // Linux 5.19
    };

    private static final int COMMON_FLAGS = IoUring.SETUP_CQSIZE | IoUring.SETUP_CLAMP | IoUring.SETUP_SUBMIT_ALL;

    private static final int FILE_TABLE = 4096;
    private static final int GETEVENTS_ARG_BYTES = 24;

    private static final int RSRC_REGISTER_BYTES = 32;
    private static final int PROBED_OPERATIONS = 64;

    private final Arena arena = Arena.ofShared();
    private final Libc libc;
    private final int fd;
    private final int enterFd;
    private final int enterFlags;
    private final Mapping ring;
    private final Mapping sqes;
    private final SubmissionQueue submissionQueue;
    private final CompletionQueue completionQueue;
    private final RingFeatures features;
    private final long timeoutArgument;
    private final long timespec;
    private final long update;
    private final int[] freeFiles;
    private int freeFileCount;
    private int[] freeBuffers = new int[0];
    private int freeBufferCount;
    private long enters;
    private long submissions;
    private long completions;
    private long overflows;
    private boolean overflowSeen;
    private boolean closed;

    /**
     * Sets a ring up for the calling thread, which alone may use it.
     *
     * @param libc the thread's own
     * @param entries submission entries, a power of two; the completion ring has eight times as many
     * @throws RingUnavailableException when io_uring is refused as a whole
     */
    public KernelRing(final Libc libc, final int entries) throws IOException {
        this.libc = libc;
        final List<String> granted = new ArrayList<>();
        final List<RingFeatures.Refusal> refused = new ArrayList<>();
        final MemorySegment params = arena.allocate(IoUring.PARAMS_BYTES, 8);
        this.fd = setup(params, entries, granted, refused);
        final int flags = Memory.getInt(params.address() + IoUring.PARAMS_FLAGS);
        final int offered = Memory.getInt(params.address() + IoUring.PARAMS_FEATURES);
        final int required = IoUring.FEAT_SINGLE_MMAP | IoUring.FEAT_NODROP | IoUring.FEAT_EXT_ARG;
        if ((offered & required) != required) {
            libc.close(fd);
            throw RingUnavailableException.of(Errno.EINVAL);
        }
        final int sqEntries = Memory.getInt(params.address() + IoUring.PARAMS_SQ_ENTRIES);
        final int cqEntries = Memory.getInt(params.address() + IoUring.PARAMS_CQ_ENTRIES);
        final long sqOffsets = params.address() + IoUring.PARAMS_SQ_OFF;
        final long cqOffsets = params.address() + IoUring.PARAMS_CQ_OFF;
        final boolean indexed = (flags & IoUring.SETUP_NO_SQARRAY) == 0;
        final long cqEnd = Memory.getInt(cqOffsets + IoUring.CQ_CQES) + (long) cqEntries * IoUring.CQE_BYTES;
        final long sqEnd = indexed ? Memory.getInt(sqOffsets + IoUring.SQ_ARRAY) + 4L * sqEntries : 0;
        this.ring = Mapping.ofDescriptor(libc, fd, IoUring.OFF_SQ_RING, Math.max(cqEnd, sqEnd), "the io_uring rings");
        this.sqes = Mapping.ofDescriptor(
                libc, fd, IoUring.OFF_SQES, (long) sqEntries * IoUring.SQE_BYTES, "the submission entries");
        this.submissionQueue = new SubmissionQueue(ring.address(), sqOffsets, sqes.address(), sqEntries, indexed);
        this.completionQueue = new CompletionQueue(ring.address(), cqOffsets, cqEntries);

        /* struct io_uring_getevents_arg { __u64 sigmask; __u32 sigmask_sz; __u32 min_wait_usec; __u64 ts; } */
        final MemorySegment argument = arena.allocate(GETEVENTS_ARG_BYTES + 16L, 8);
        this.timeoutArgument = argument.address();
        this.timespec = timeoutArgument + GETEVENTS_ARG_BYTES;
        Memory.putLong(timeoutArgument + 16, timespec);
        this.update = arena.allocate(RSRC_REGISTER_BYTES + 16, 8).address();

        final int registered = registerRingDescriptor();
        if (registered >= 0) {
            enterFd = registered;
            enterFlags = IoUring.ENTER_REGISTERED_RING;
            granted.add("REGISTER_RING_FDS");
        } else {
            enterFd = fd;
            enterFlags = 0;
            refused.add(new RingFeatures.Refusal(
                    "REGISTER_RING_FDS", Errno.name(registered) + "; Linux 5.18 or newer has it"));
        }
        freeFiles = new int[FILE_TABLE];
        final int files = registerFileTable();
        if (files >= 0) {
            granted.add("REGISTER_FILES");
            for (int i = 0; i < FILE_TABLE; i++) {
                freeFiles[i] = FILE_TABLE - 1 - i;
            }
            freeFileCount = FILE_TABLE;
        } else {
            refused.add(new RingFeatures.Refusal(
                    "REGISTER_FILES",
                    Errno.name(files) + "; the table is bounded by the limit on open files (ulimit -n)"));
        }
        probeOperations(granted, refused);
        features = new RingFeatures(granted, refused);
    }

    private int setup(
            final MemorySegment params,
            final int entries,
            final List<String> granted,
            final List<RingFeatures.Refusal> refused)
            throws RingUnavailableException {
        int errno = Errno.EINVAL;
        for (int step = 0; step < SETUP_LADDER.length; step++) {
            params.fill((byte) 0);
            final int wanted = SETUP_LADDER[step] | COMMON_FLAGS;
            Memory.putInt(params.address() + IoUring.PARAMS_FLAGS, wanted);
            Memory.putInt(params.address() + IoUring.PARAMS_CQ_ENTRIES, entries * 8);
            final long result = libc.syscall(IoUring.SYS_IO_URING_SETUP, entries, params.address(), 0, 0, 0, 0);
            if (result >= 0) {
                // Never trust that flags were taken: completions would otherwise be looked for in the wrong place.
                final int got = Memory.getInt(params.address() + IoUring.PARAMS_FLAGS);
                if ((got & SETUP_LADDER[step]) != SETUP_LADDER[step]) {
                    throw new AssertionError("io_uring_setup dropped flags: asked for " + Integer.toHexString(wanted)
                            + ", got " + Integer.toHexString(got));
                }
                granted.addAll(names(got));
                for (final String missed : names(SETUP_LADDER[0] & ~got)) {
                    refused.add(new RingFeatures.Refusal(
                            missed, "io_uring_setup answered EINVAL; Linux 6.1 has the first two, 6.6 all"));
                }
                return (int) result;
            }
            errno = (int) -result;
            if (errno != Errno.EINVAL) {
                break; // not a question of flags
            }
        }
        throw RingUnavailableException.of(errno);
    }

    private static List<String> names(final int flags) {
        final List<String> names = new ArrayList<>();
        if ((flags & IoUring.SETUP_SINGLE_ISSUER) != 0) {
            names.add("SINGLE_ISSUER");
        }
        if ((flags & IoUring.SETUP_DEFER_TASKRUN) != 0) {
            names.add("DEFER_TASKRUN");
        }
        if ((flags & IoUring.SETUP_COOP_TASKRUN) != 0) {
            names.add("COOP_TASKRUN");
        }
        if ((flags & IoUring.SETUP_NO_SQARRAY) != 0) {
            names.add("NO_SQARRAY");
        }
        if ((flags & IoUring.SETUP_SUBMIT_ALL) != 0) {
            names.add("SUBMIT_ALL");
        }
        return names;
    }

    private long register(final int operation, final long argument, final int count) {
        return libc.syscall(IoUring.SYS_IO_URING_REGISTER, fd, operation, argument, count, 0, 0);
    }

    /** The ring's own descriptor in the task's table of rings: one look-up less for each enter. */
    private int registerRingDescriptor() {
        /* struct io_uring_rsrc_update { __u32 offset; __u32 resv; __u64 data; }, offset -1 for any */
        Memory.putLong(update, 0xFFFF_FFFFL);
        Memory.putLong(update + 8, fd);
        final long result = register(IoUring.REGISTER_RING_FDS, update, 1);
        return result < 0 ? (int) result : Memory.getInt(update);
    }

    private int registerFileTable() {
        /* struct io_uring_rsrc_register { __u32 nr; __u32 flags; __u64 resv2; __u64 data; __u64 tags; } */
        Memory.putInt(update, FILE_TABLE);
        Memory.putInt(update + 4, IoUring.RSRC_REGISTER_SPARSE);
        Memory.putLong(update + 8, 0);
        Memory.putLong(update + 16, 0);
        Memory.putLong(update + 24, 0);
        return (int) register(IoUring.REGISTER_FILES2, update, RSRC_REGISTER_BYTES);
    }

    /** Asks which operations this kernel has, rather than concluding it from its version. */
    private void probeOperations(final List<String> granted, final List<RingFeatures.Refusal> refused)
            throws RingUnavailableException {
        /*
         * struct io_uring_probe { __u8 last_op; __u8 ops_len; __u16 resv; __u32 resv2[3]; struct io_uring_probe_op ops[]; }
         * struct io_uring_probe_op { __u8 op; __u8 resv; __u16 flags; __u32 resv2; }
         */
        final long probe = arena.allocate(16 + 8L * PROBED_OPERATIONS, 8).address();
        final long answer = register(IoUring.REGISTER_PROBE, probe, PROBED_OPERATIONS);
        if (answer < 0) {
            throw RingUnavailableException.of((int) answer);
        }
        for (final RingOperation operation : RingOperation.values()) {
            final boolean supported = operation.opcode() < PROBED_OPERATIONS
                    && (Memory.getShort(probe + 16 + 8L * operation.opcode() + 2) & IoUring.PROBE_OP_SUPPORTED) != 0;
            if (supported) {
                granted.add("OP_" + operation);
            } else if (operation.required()) {
                throw RingUnavailableException.ofOperation("IORING_OP_" + operation);
            } else {
                refused.add(new RingFeatures.Refusal("OP_" + operation, "this kernel doesn't have it"));
            }
        }
    }

    private int updateFile(final int index, final int descriptor) {
        Memory.putLong(update, index);
        Memory.putLong(update + 8, update + 16);
        Memory.putInt(update + 16, descriptor);
        return (int) register(IoUring.REGISTER_FILES_UPDATE, update, 1);
    }

    @Override
    public long sqe() {
        if (submissionQueue.free() == 0) {
            submit();
        }
        return submissionQueue.next();
    }

    @Override
    public void reserve(final int count) {
        if (count > submissionQueue.entries()) {
            throw new IllegalArgumentException(
                    "room for " + count + " entries in a ring of " + submissionQueue.entries());
        }
        while (submissionQueue.free() < count) {
            submit();
        }
    }

    @Override
    public int pending() {
        return submissionQueue.unpublished();
    }

    /** Hands over what is pending, or a part of it. */
    private void submit() {
        final int free = submissionQueue.free();
        enter(false, 0);
        if (submissionQueue.free() == free) {
            throw new IllegalStateException("the kernel took no submission although room is needed");
        }
    }

    @Override
    public void enter(final boolean wait, final long timeoutNanos) {
        final int pending = submissionQueue.publish();
        final boolean sleep = wait && completionQueue.isEmpty();
        if (pending == 0 && !sleep && !completionQueue.isEmpty() && !overflowSeen) {
            return; // nothing to hand over, and there is work in the ring already
        }
        int flags = enterFlags | IoUring.ENTER_GETEVENTS;
        long argument = 0;
        long argumentBytes = 0;
        if (sleep && timeoutNanos >= 0) {
            Memory.putLong(timespec, timeoutNanos / 1_000_000_000L);
            Memory.putLong(timespec + 8, timeoutNanos % 1_000_000_000L);
            flags |= IoUring.ENTER_EXT_ARG;
            argument = timeoutArgument;
            argumentBytes = GETEVENTS_ARG_BYTES;
        }
        enters++;
        final long result = libc.syscall(
                IoUring.SYS_IO_URING_ENTER, enterFd, pending, sleep ? 1 : 0, flags, argument, argumentBytes);
        if (result > 0) {
            submissions += result;
        } else if (result < 0) {
            onEnterError((int) -result);
        }
        final boolean overflow = submissionQueue.overflowed();
        if (overflow && !overflowSeen) {
            overflows++;
        }
        overflowSeen = overflow;
    }

    private static void onEnterError(final int errno) {
        final boolean passing = errno == Errno.EINTR // a signal; the caller's loop comes round again
                || errno == Errno.ETIME // the time given is over
                || errno == Errno.EAGAIN // no memory for a request just now: entries stay in the queue
                || errno == Errno.EBUSY; // the overflow backlog must be drained first
        if (!passing) { // EBADF, EFAULT, EINVAL, EBADR, EEXIST, ENXIO: this class broke the interface's rules
            throw new IllegalStateException("io_uring_enter: " + Errno.name(errno));
        }
    }

    @Override
    public int drain(final CompletionSink sink) {
        final int count = completionQueue.drain(sink);
        completions += count;
        return count;
    }

    @Override
    public RingFeatures features() {
        return features;
    }

    @Override
    public int registerBuffers(final long address, final long length, final int spare) {
        /* struct io_uring_rsrc_register, as above */
        Memory.zero(update, RSRC_REGISTER_BYTES);
        Memory.putInt(update, 1 + spare);
        Memory.putInt(update + 4, IoUring.RSRC_REGISTER_SPARSE);
        final int table = (int) register(IoUring.REGISTER_BUFFERS2, update, RSRC_REGISTER_BYTES);
        if (table < 0) { // before Linux 5.19: one buffer and no more
            putIovec(update, address, length);
            return (int) register(IoUring.REGISTER_BUFFERS, update, 1);
        }
        freeBuffers = new int[spare];
        for (int i = 0; i < spare; i++) {
            freeBuffers[i] = spare - i;
        }
        freeBufferCount = spare;
        /* struct io_uring_rsrc_update2 { __u32 offset; __u32 resv; __u64 data; __u64 tags; __u32 nr; __u32 resv2; } */
        Memory.zero(update, RSRC_REGISTER_BYTES);
        Memory.putLong(update + 8, update + RSRC_REGISTER_BYTES);
        Memory.putInt(update + 24, 1);
        putIovec(update + RSRC_REGISTER_BYTES, address, length);
        return Math.min((int) register(IoUring.REGISTER_BUFFERS_UPDATE, update, RSRC_REGISTER_BYTES), 0);
    }

    private static void putIovec(final long at, final long address, final long length) {
        Memory.putLong(at, address);
        Memory.putLong(at + 8, length);
    }

    @Override
    public int takeBufferIndex() {
        return freeBufferCount == 0 ? -1 : freeBuffers[--freeBufferCount];
    }

    @Override
    public void giveBufferIndex(final int index) {
        freeBuffers[freeBufferCount++] = index;
    }

    @Override
    public int registerProvidedBuffers(final int group, final long ringAddress, final int entries) {
        /* struct io_uring_buf_reg { __u64 ring_addr; __u32 ring_entries; __u16 bgid; __u16 flags; __u64 resv[3]; } */
        final long argument = arena.allocate(40, 8).address();
        Memory.putLong(argument, ringAddress);
        Memory.putInt(argument + 8, entries);
        Memory.putShort(argument + 12, (short) group);
        return (int) register(IoUring.REGISTER_PBUF_RING, argument, 1);
    }

    @Override
    public int installFile(final int descriptor) {
        if (freeFileCount == 0) {
            return -1;
        }
        final int index = freeFiles[freeFileCount - 1];
        if (updateFile(index, descriptor) < 0) {
            return -1;
        }
        freeFileCount--;
        return index;
    }

    @Override
    public void removeFile(final int index) {
        updateFile(index, -1);
        freeFiles[freeFileCount++] = index;
    }

    @Override
    public int fd() {
        return fd;
    }

    @Override
    public long enters() {
        return enters;
    }

    @Override
    public long submissions() {
        return submissions;
    }

    @Override
    public long completions() {
        return completions;
    }

    @Override
    public long overflows() {
        return overflows;
    }

    /** Closes the ring first, so that the kernel is done with the memory before it is unmapped. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        libc.close(fd);
        sqes.close();
        ring.close();
        arena.close();
    }
}
