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

    private final Arena arena = Arena.ofShared();
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

    /** Closes the ring first, so that the kernel is done with the memory before it is unmapped. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        libc.close(handle.fd());
        sqes.close();
        rings.close();
        submissionQueue.close();
        arena.close();
    }
}
