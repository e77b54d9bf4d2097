package dev.fusedio.ring;

import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Libc;
import dev.fusedio.sys.Mapping;
import dev.fusedio.sys.Memory;
import java.io.IOException;
import java.lang.foreign.Arena;

/** The kernel's io_uring, by raw system calls: entering it and draining it. {@link RingSetup} creates it. */
public final class KernelRing implements RingDriver {
    private static final int GETEVENTS_ARG_BYTES = 24;

    /** Pause before entries that the kernel did not take are given to it again, when there is nothing else to do. */
    private static final long RETRY_NANOS = 1_000_000;

    /** How long to wait at the ring's end for operations that are being carried out when they are cancelled. */
    private static final long CANCEL_NANOS = 50_000_000;

    private static final long DRAIN_NANOS = 5_000_000;
    private static final int FRUITLESS_DRAINS = 2;

    private final Arena arena = Arena.ofShared();
    private final Thread owner = Thread.currentThread();
    private final Libc libc;
    private final RingHandle handle;
    private final int enterFd;
    private final int enterFlags;
    private final Mapping rings;
    private final Mapping sqes;
    private final SubmissionQueue submissionQueue;
    private final CompletionQueue completionQueue;
    private final FileTable files;
    private final BufferTable buffers;
    private final RingFeatures features;
    private final long timeoutArgument;
    private final long timespec;
    private long enters;
    private long submissions;
    private long completions;
    private long overflows;
    private boolean overflowSeen;
    private boolean closed;
    private boolean quiet;

    /**
     * Sets a ring up for the calling thread, which alone may use it.
     *
     * @param libc the thread's own
     * @param entries submission entries, a power of two; the completion ring has eight times as many
     * @throws RingUnavailableException when io_uring is refused as a whole
     */
    public KernelRing(final Libc libc, final int entries) throws IOException {
        this.libc = libc;
        final RingSetup setup = setUp(entries);
        this.handle = setup.handle();
        this.rings = setup.rings();
        this.sqes = setup.sqes();
        this.submissionQueue = setup.submissionQueue();
        this.completionQueue = setup.completionQueue();
        final int registered = setup.registerRingDescriptor();
        this.enterFd = registered < 0 ? handle.fd() : registered;
        this.enterFlags = registered < 0 ? 0 : IoUring.ENTER_REGISTERED_RING;
        this.files = setup.registerFileTable();
        this.buffers = new BufferTable(handle, arena);
        this.features = setup.features();
        /* struct io_uring_getevents_arg { __u64 sigmask; __u32 sigmask_sz; __u32 min_wait_usec; __u64 ts; } */
        this.timeoutArgument = arena.allocate(GETEVENTS_ARG_BYTES + 16L, 8).address();
        this.timespec = timeoutArgument + GETEVENTS_ARG_BYTES;
        Memory.putLong(timeoutArgument + 16, timespec);
    }

    private RingSetup setUp(final int entries) throws IOException {
        try {
            return new RingSetup(libc, arena, entries);
        } catch (final IOException | RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    @Override
    public long sqe() {
        if (!submissionQueue.hasRoom(1)) {
            makeRoom(1);
        }
        return submissionQueue.next();
    }

    @Override
    public void reserve(final int count) {
        if (count > submissionQueue.entries()) {
            throw new IllegalArgumentException(
                    "room for " + count + " entries in a ring of " + submissionQueue.entries());
        }
        if (!submissionQueue.hasRoom(count)) {
            makeRoom(count);
        }
    }

    /** Submits once; what finds no room after that waits outside the ring. */
    private void makeRoom(final int count) {
        enter(false, 0);
        submissionQueue.settle(count);
    }

    @Override
    public int pending() {
        return submissionQueue.pending();
    }

    @Override
    public void enter(final boolean wait, final long timeoutNanos) {
        int pending = submissionQueue.publish();
        while (submissionQueue.hasBacklog() && enterKernel(pending, false, 0) > 0) {
            pending = submissionQueue.publish();
        }
        final boolean idle = wait && completionQueue.isEmpty();
        final boolean sleep = idle && !submissionQueue.hasBacklog();
        if (pending == 0 && !sleep && !completionQueue.isEmpty() && !overflowSeen) {
            return; // nothing to hand over, and there is work in the ring already
        }
        final int taken = enterKernel(pending, sleep, timeoutNanos);
        if (idle && taken < pending && completionQueue.isEmpty()) {
            // the kernel does not wait after it took less than it was given: do not ask it without a pause
            enterKernel(0, true, timeoutNanos < 0 ? RETRY_NANOS : Math.min(timeoutNanos, RETRY_NANOS));
        }
    }

    /**
     * One io_uring_enter.
     *
     * @param pending published entries
     * @param sleep whether to wait for a completion, {@code timeoutNanos} at most; negative for no limit
     * @return how many entries the kernel took
     */
    private int enterKernel(final int pending, final boolean sleep, final long timeoutNanos) {
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
        final int result = (int) libc.syscall(
                IoUring.SYS_IO_URING_ENTER, enterFd, pending, sleep ? 1 : 0, flags, argument, argumentBytes);
        if (result > 0) {
            submissions += result;
            if (result < pending) {
                submissionQueue.repairTornChain();
            }
        } else if (result < 0) {
            onEnterError(-result);
        }
        final boolean overflow = submissionQueue.overflowed();
        if (overflow && !overflowSeen) {
            overflows++;
        }
        overflowSeen = overflow;
        return Math.max(result, 0);
    }

    private static void onEnterError(final int errno) {
        final boolean passing = errno == Errno.EINTR // a signal; the caller's loop comes round again
                || errno == Errno.ETIME // the time given is over
                || errno == Errno.EAGAIN // no memory for a request just now: the entries wait
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

    /** Submission entries of the ring. */
    public int entries() {
        return submissionQueue.entries();
    }

    @Override
    public RingFeatures features() {
        return features;
    }

    @Override
    public int registerBuffers(final long address, final long length, final int spare) {
        return buffers.register(address, length, spare);
    }

    @Override
    public int takeBufferIndex() {
        return buffers.take();
    }

    @Override
    public void giveBufferIndex(final int index) {
        buffers.give(index);
    }

    @Override
    public int registerProvidedBuffers(final int group, final long ringAddress, final int entries) {
        /* struct io_uring_buf_reg { __u64 ring_addr; __u32 ring_entries; __u16 bgid; __u16 flags; __u64 resv[3]; } */
        final long argument = arena.allocate(40, 8).address();
        Memory.putLong(argument, ringAddress);
        Memory.putInt(argument + 8, entries);
        Memory.putShort(argument + 12, (short) group);
        return (int) handle.register(IoUring.REGISTER_PBUF_RING, argument, 1);
    }

    @Override
    public int installFile(final int descriptor) {
        return files.install(descriptor);
    }

    @Override
    public void removeFile(final int index) {
        files.remove(index);
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

    /** Operations that the kernel has taken and not ended. */
    private int inFlight() {
        return submissionQueue.taken() - completionQueue.ended();
    }

    /**
     * Cancels what is in flight, waits for its end, about two seconds at most, and frees the ring; {@link #isQuiet}
     * then says whether it did end. Called by the ring's thread, which alone can do all of that.
     */
    @Override
    public void close() {
        close(false);
    }

    /** As {@link #close}, and waits in any case until the kernel has freed the ring, its locked memory included. */
    public void closeAndAwait() {
        close(true);
    }

    private void close(final boolean await) {
        if (closed) {
            return;
        }
        closed = true;
        final boolean own = Thread.currentThread().equals(owner);
        if (own) {
            cancelAll();
        }
        quiet = inFlight() == 0;
        try (RingEnd end = quiet && !await ? null : new RingEnd(libc, files)) {
            if (own
                    && enterFlags
                            != 0) { // the registration holds the ring as a descriptor does, and so do the mappings
                Memory.putLong(timeoutArgument, enterFd);
                Memory.putLong(timeoutArgument + 8, 0);
                handle.register(IoUring.UNREGISTER_RING_FDS, timeoutArgument, 1);
            }
            sqes.close();
            rings.close();
            libc.files().close(handle.fd());
            if (end != null) {
                quiet |= end.await();
            }
        }
        submissionQueue.close();
        arena.close();
    }

    /** Commands of drivers, such as ublk's, are not reached by this: they end with the ring. */
    private void cancelAll() {
        if (inFlight() == 0) {
            return;
        }
        /*
         * struct io_uring_sync_cancel_reg { __u64 addr; __s32 fd; __u32 flags; struct __kernel_timespec timeout;
         *     __u8 opcode; __u8 pad[7]; __u64 pad2[3]; }
         */
        final long argument = arena.allocate(64, 8).address();
        Memory.putInt(argument + 8, -1);
        Memory.putInt(argument + 12, IoUring.ASYNC_CANCEL_ALL | IoUring.ASYNC_CANCEL_ANY);
        Memory.putLong(argument + 24, CANCEL_NANOS);
        handle.register(IoUring.REGISTER_SYNC_CANCEL, argument, 1); // -EINVAL before Linux 6.0
        for (int fruitless = 0; inFlight() != 0 && fruitless < FRUITLESS_DRAINS; ) {
            Memory.putLong(timespec, 0);
            Memory.putLong(timespec + 8, DRAIN_NANOS);
            libc.syscall(
                    IoUring.SYS_IO_URING_ENTER,
                    handle.fd(),
                    0,
                    1,
                    IoUring.ENTER_GETEVENTS | IoUring.ENTER_EXT_ARG,
                    timeoutArgument,
                    GETEVENTS_ARG_BYTES);
            final int ended = completionQueue.drain((userData, result, flags) -> {});
            fruitless = ended == 0 ? fruitless + 1 : 0;
        }
    }

    /**
     * After {@link #close}: whether the kernel is done with all memory that operations named. If not, such memory must
     * never be used for anything else.
     */
    public boolean isQuiet() {
        return quiet;
    }
}
