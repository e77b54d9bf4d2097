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

/** Creates a ring: its flags, its mappings, its own descriptor's registration, and what this kernel can do. */
final class RingSetup {
    /** Set-up flags, best first: each line is what an older kernel is asked for when the one above is refused. */
    private static final int[] LADDER = {
        IoUring.SETUP_SINGLE_ISSUER | IoUring.SETUP_DEFER_TASKRUN | IoUring.SETUP_NO_SQARRAY, // Linux 6.6
        IoUring.SETUP_SINGLE_ISSUER | IoUring.SETUP_DEFER_TASKRUN, // Linux 6.1
        IoUring.SETUP_COOP_TASKRUN, // Linux 5.19
    };

    private static final int COMMON_FLAGS = IoUring.SETUP_CQSIZE | IoUring.SETUP_CLAMP | IoUring.SETUP_SUBMIT_ALL;
    private static final int REQUIRED_FEATURES = IoUring.FEAT_SINGLE_MMAP | IoUring.FEAT_NODROP | IoUring.FEAT_EXT_ARG;

    /** Completion entries for each submission entry. */
    private static final int COMPLETIONS_PER_SUBMISSION = 8;

    private static final int PROBED_OPERATIONS = 64;

    private final List<String> granted = new ArrayList<>();
    private final List<RingFeatures.Refusal> refused = new ArrayList<>();
    private final Arena arena;
    private final RingHandle handle;
    private final Mapping rings;
    private final Mapping sqes;
    private final SubmissionQueue submissionQueue;
    private final CompletionQueue completionQueue;

    /**
     * Sets a ring up for the calling thread.
     *
     * @param arena as long-lived as the ring
     * @param entries submission entries, a power of two
     * @throws RingUnavailableException when io_uring is refused as a whole
     */
    RingSetup(final Libc libc, final Arena arena, final int entries) throws IOException {
        this.arena = arena;
        final MemorySegment params = arena.allocate(IoUring.PARAMS_BYTES, 8);
        this.handle = new RingHandle(libc, create(libc, params, entries));
        final List<Mapping> mapped = new ArrayList<>();
        try {
            final int flags = Memory.getInt(params.address() + IoUring.PARAMS_FLAGS);
            final int offered = Memory.getInt(params.address() + IoUring.PARAMS_FEATURES);
            if ((offered & REQUIRED_FEATURES) != REQUIRED_FEATURES) {
                throw RingUnavailableException.of(Errno.EINVAL);
            }
            final int sqEntries = Memory.getInt(params.address() + IoUring.PARAMS_SQ_ENTRIES);
            final int cqEntries = Memory.getInt(params.address() + IoUring.PARAMS_CQ_ENTRIES);
            final long sqOffsets = params.address() + IoUring.PARAMS_SQ_OFF;
            final long cqOffsets = params.address() + IoUring.PARAMS_CQ_OFF;
            final boolean indexed = (flags & IoUring.SETUP_NO_SQARRAY) == 0;
            final long cqEnd = Memory.getInt(cqOffsets + IoUring.CQ_CQES) + (long) cqEntries * IoUring.CQE_BYTES;
            final long sqEnd = indexed ? Memory.getInt(sqOffsets + IoUring.SQ_ARRAY) + 4L * sqEntries : 0;
            this.rings = Mapping.ofDescriptor(
                    libc, handle.fd(), IoUring.OFF_SQ_RING, Math.max(cqEnd, sqEnd), "the io_uring rings");
            mapped.add(rings);
            this.sqes = Mapping.ofDescriptor(
                    libc,
                    handle.fd(),
                    IoUring.OFF_SQES,
                    (long) sqEntries * IoUring.SQE_BYTES,
                    "the submission entries");
            mapped.add(sqes);
            this.submissionQueue =
                    new SubmissionQueue(libc, rings.address(), sqOffsets, sqes.address(), sqEntries, indexed);
            this.completionQueue = new CompletionQueue(rings.address(), cqOffsets, cqEntries);
            probeOperations();
        } catch (final IOException | RuntimeException | Error e) {
            mapped.forEach(Mapping::close);
            libc.files().close(handle.fd());
            throw e;
        }
    }

    private int create(final Libc libc, final MemorySegment params, final int entries) throws RingUnavailableException {
        int errno = Errno.EINVAL;
        for (final int step : LADDER) {
            params.fill((byte) 0);
            final int wanted = step | COMMON_FLAGS;
            Memory.putInt(params.address() + IoUring.PARAMS_FLAGS, wanted);
            Memory.putInt(params.address() + IoUring.PARAMS_CQ_ENTRIES, entries * COMPLETIONS_PER_SUBMISSION);
            final long result = libc.syscall(IoUring.SYS_IO_URING_SETUP, entries, params.address(), 0, 0, 0, 0);
            if (result >= 0) {
                // Never trust that flags were taken: completions would otherwise be looked for in the wrong place.
                final int got = Memory.getInt(params.address() + IoUring.PARAMS_FLAGS);
                if ((got & step) != step) {
                    throw new AssertionError("io_uring_setup dropped flags: asked for " + Integer.toHexString(wanted)
                            + ", got " + Integer.toHexString(got));
                }
                granted.addAll(names(got));
                for (final String missed : names(LADDER[0] & ~got)) {
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

    /** Asks which operations this kernel has, rather than concluding it from its version. */
    private void probeOperations() throws RingUnavailableException {
        /*
         * struct io_uring_probe { __u8 last_op; __u8 ops_len; __u16 resv; __u32 resv2[3]; struct io_uring_probe_op ops[]; }
         * struct io_uring_probe_op { __u8 op; __u8 resv; __u16 flags; __u32 resv2; }
         */
        final long probe = arena.allocate(16 + 8L * PROBED_OPERATIONS, 8).address();
        final long answer = handle.register(IoUring.REGISTER_PROBE, probe, PROBED_OPERATIONS);
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

    /**
     * Registers the ring's own descriptor in the task's table of rings: one lookup less for each enter. The
     * registration keeps the ring until the thread ends or takes it back.
     *
     * @return the index there, or -1 when it was refused
     */
    int registerRingDescriptor() {
        /* struct io_uring_rsrc_update { __u32 offset; __u32 resv; __u64 data; }, offset -1 for any */
        final long update = arena.allocate(16, 8).address();
        Memory.putLong(update, 0xFFFF_FFFFL);
        Memory.putLong(update + 8, handle.fd());
        final long result = handle.register(IoUring.REGISTER_RING_FDS, update, 1);
        if (result < 0) {
            refused.add(new RingFeatures.Refusal(
                    "REGISTER_RING_FDS", Errno.name((int) result) + "; Linux 5.18 or newer has it"));
            return -1;
        }
        granted.add("REGISTER_RING_FDS");
        return Memory.getInt(update);
    }

    /** The file table, whether this kernel grants one or not. */
    FileTable registerFileTable() {
        final FileTable table = new FileTable(handle, arena);
        final RingFeatures.Refusal refusal = table.refusal();
        if (refusal == null) {
            granted.add("REGISTER_FILES");
        } else {
            refused.add(refusal);
        }
        return table;
    }

    RingHandle handle() {
        return handle;
    }

    Mapping rings() {
        return rings;
    }

    Mapping sqes() {
        return sqes;
    }

    SubmissionQueue submissionQueue() {
        return submissionQueue;
    }

    CompletionQueue completionQueue() {
        return completionQueue;
    }

    /** What was granted and refused so far. */
    RingFeatures features() {
        return new RingFeatures(granted, refused);
    }
}
