package dev.fusedio.ring;

import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Libc;
import dev.fusedio.sys.Memory;
import dev.fusedio.sys.SimulatedTime;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A kernel's io_uring, simulated: reads the very entries that {@link Sqe} writes, works on simulated files and sockets,
 * and does what {@link SimulatedFaults} says. All chance comes from the seed; one thread.
 *
 * <p>Beside playing the kernel it watches the program. An {@link AssertionError} comes out of {@link #enter} when
 *
 * <ul>
 *   <li>an entry was taken and not filled, or has an operation that the simulation doesn't know;
 *   <li>memory that an operation in flight is to fill is used by another one, or what it is to send has changed;
 *   <li>a provided buffer is on offer twice, or is received into while it is being sent or written;
 *   <li>the loop would sleep for ever: nothing is under way and there is no time limit.
 * </ul>
 *
 * <p>Descriptors are numbers from 1,000,000 on, which the real kernel refuses (EBADF): system calls that the program
 * makes on them by {@code Libc} fail and harm nothing, and aren't seen here. Where a test wants a program's
 * {@code close(2)} or {@code shutdown(2)} to have its effect, it calls {@link #closeDescriptor} or
 * {@link #shutdownDescriptor} itself, or
 * asks for {@link #noticeSystemCalls}.
 */
public final class SimulatedRing implements RingDriver {
    /** The lowest simulated descriptor. */
    public static final int FIRST_DESCRIPTOR = 1_000_000;

    private static final byte UNFILLED = (byte) 0xEE;
    private static final int ENOENT = 2;

    /* what the kernel and the program share beside the entries: three words, and where they are */
    private static final int HEAD = 0;
    private static final int TAIL = 4;
    private static final int FLAGS = 8;
    private static final int HEADER_BYTES = 12;
    private static final int OFFSETS_BYTES = 40;

    private final Chance chance;
    private final SimulatedTime time;
    private int spareBuffers;
    private final int entries;
    private final long sqes;
    private final long header;
    private final SubmissionQueue queue;
    private final SimulatedDescriptor wakeUp = new SimulatedSpecials.WakeUp();
    private final SimulatedDescriptor zeroes = new SimulatedSpecials.Zeroes();
    private final SimulatedDescriptor none = new SimulatedSpecials.NoFile();
    private final Map<Integer, SimulatedDescriptor> descriptors = new HashMap<>();
    private final SimulatedFileTable table;
    private final SimulatedCompletions completions;
    private final Map<Integer, SimulatedBuffers> buffers = new HashMap<>();
    private final SimulatedLentBuffers lent = new SimulatedLentBuffers();

    /** Operations that have begun, oldest first. */
    private final List<SimulatedOperation> active = new ArrayList<>();

    /** Closed descriptors whose last bytes still travel. */
    private final List<SimulatedDescriptor> lingering = new ArrayList<>();

    private int refusals;
    private int nextDescriptor = FIRST_DESCRIPTOR;
    private @Nullable Libc noticingBy;
    private long bufferAddress;
    private long bufferLength = -1;
    private long enters;
    private long submissions;
    private boolean closed;

    /**
     * @param seed of all chance
     * @param arena keeps the entries' memory
     * @param entries of the submission queue, a power of two
     * @param completionEntries of the completion queue; what is beyond waits in the kernel and counts as overflow
     * @param files places in the file table; 0 for a kernel that has none
     */
    public SimulatedRing(
            final long seed,
            final SimulatedFaults faults,
            final SimulatedTime time,
            final Arena arena,
            final int entries,
            final int completionEntries,
            final int files) {
        this.chance = new Chance(seed, faults);
        this.time = time;
        this.entries = entries;
        this.completions = new SimulatedCompletions(completionEntries);
        this.table = new SimulatedFileTable(files);
        this.sqes = arena.allocate((long) entries * IoUring.SQE_BYTES, 64).address();
        this.header = arena.allocate(HEADER_BYTES, 8).address();
        final long offsets = arena.allocate(OFFSETS_BYTES, 8).address();
        Memory.putInt(offsets + IoUring.SQ_HEAD, HEAD);
        Memory.putInt(offsets + IoUring.SQ_TAIL, TAIL);
        Memory.putInt(offsets + IoUring.SQ_FLAGS, FLAGS);
        this.queue = new SubmissionQueue(new Libc(arena), header, offsets, sqes, entries, false);
    }

    /** As the other constructor, with 64 entries, 256 completions and 64 files. */
    public SimulatedRing(final long seed, final SimulatedFaults faults, final SimulatedTime time, final Arena arena) {
        this(seed, faults, time, arena, 64, 256, 64);
    }

    // --- what the test sets up --------------------------------------------------------------------------------------

    /** A new file of {@code size} zeroes. */
    public SimulatedFile file(final long size) {
        return open(new SimulatedFile(size));
    }

    /**
     * Gives sockets made from now on a real descriptor, of a socket that is used for nothing else, so that shutdown(2)
     * and close(2) of the program, which don't go by the ring, have their effect: what is in flight ends as after
     * {@code shutdown(fd, SHUT_RDWR)}, and the peer sees the end.
     *
     * @param libc the thread's own
     */
    public void noticeSystemCalls(final Libc libc) {
        noticingBy = libc;
    }

    /** A new connected socket, whose descriptor the program is given by the test. */
    public SimulatedSocket socket() {
        final SimulatedSocket socket = new SimulatedSocket(chance.socketBuffer());
        if (noticingBy == null) {
            return open(socket);
        }
        final SocketTwin twin = new SocketTwin(noticingBy);
        socket.noticeBy(twin);
        socket.opened(twin.fd());
        final SimulatedDescriptor before = descriptors.put(twin.fd(), socket);
        if (before != null) { // the program closed it, and the kernel gave its number out again
            lingering.add(before);
        }
        return socket;
    }

    /** Lets the next {@code times} attempts to submit take nothing. */
    public void takeNothing(final int times) {
        refusals = times;
    }

    /** A new listening socket. */
    public SimulatedListener listener() {
        return open(new SimulatedListener(this));
    }

    /**
     * A new character device of a ublk device with one queue.
     *
     * @param descriptors address of {@code depth} {@code struct ublksrv_io_desc}
     */
    public SimulatedUblk ublk(final long descriptors, final int depth) {
        return open(new SimulatedUblk(descriptors, depth));
    }

    /**
     * Puts a block request's pages into the buffer table: operations of the ring reach them by index and offset.
     *
     * @return the index, from 1 on
     */
    public int lend(final long address, final int length) {
        return lent.add(address, length);
    }

    /** The block request has ended: its pages are not to be reached any more, and nothing may be using them. */
    public void takeBack(final int index) {
        lent.remove(index, active);
    }

    private <T extends SimulatedDescriptor> T open(final T descriptor) {
        descriptor.opened(nextDescriptor);
        descriptors.put(nextDescriptor++, descriptor);
        return descriptor;
    }

    /** close(2): what is in flight goes on, new operations get -EBADF, a socket's peer sees the end. */
    public int closeDescriptor(final int descriptor) {
        final SimulatedDescriptor closing = descriptors.remove(descriptor);
        if (closing == null) {
            return -Errno.EBADF;
        }
        closing.closed();
        lingering.add(closing);
        return 0;
    }

    /** shutdown(2): 0 SHUT_RD, 1 SHUT_WR, 2 SHUT_RDWR. */
    public int shutdownDescriptor(final int descriptor, final int how) {
        if (descriptors.get(descriptor) instanceof SimulatedSocket socket) {
            socket.shutdown(how);
            return 0;
        }
        return -Errno.EBADF;
    }

    /** Whether nothing would happen any more without a new submission, a peer's action or time. */
    public boolean isQuiet() {
        if (pending() > 0 || !completions.isQuiet()) {
            return false;
        }
        for (final SimulatedOperation operation : active) {
            if (operation.delay > 0 || operation.performed || target(operation).ready(operation)) {
                return false;
            }
        }
        return descriptors.values().stream().allMatch(SimulatedDescriptor::isQuiet)
                && lingering.stream().allMatch(SimulatedDescriptor::isQuiet);
    }

    /** Operations that were submitted and have not completed, those in chains not counted. */
    public int inFlight() {
        return active.size();
    }

    // --- for the descriptors ----------------------------------------------------------------------------------------

    Chance chance() {
        return chance;
    }

    @Nullable SimulatedBuffers buffers(final int group) {
        return buffers.get(group);
    }

    /** Fails when an operation other than {@code but} uses this memory. */
    void requireIdle(final long address, final long length, final SimulatedOperation but) {
        for (final SimulatedOperation other : active) {
            if (other != but && other.touches(address, length)) {
                throw new AssertionError(but + " fills memory that is in use by " + other);
            }
        }
    }

    // --- the driver -------------------------------------------------------------------------------------------------

    @Override
    public long sqe() {
        requireOpen();
        if (!queue.hasRoom(1)) {
            makeRoom(1);
        }
        final long sqe = queue.next();
        Memory.fill(sqe, IoUring.SQE_BYTES, UNFILLED);
        return sqe;
    }

    @Override
    public void reserve(final int count) {
        requireOpen();
        if (count > entries) {
            throw new IllegalArgumentException("room for " + count + " entries in a ring of " + entries);
        }
        if (!queue.hasRoom(count)) {
            makeRoom(count);
        }
    }

    private void makeRoom(final int count) {
        submit();
        queue.settle(count);
    }

    @Override
    public int pending() {
        return queue.pending();
    }

    @Override
    public void enter(final boolean wait, final long timeoutNanos) {
        requireOpen();
        submit();
        final boolean sleep = wait && pending() == 0; // the kernel does not wait after it took less than it was given
        completions.flush();
        step();
        while (sleep && completions.isEmpty() && !isQuiet()) {
            step();
        }
        if (sleep && completions.isEmpty()) {
            if (timeoutNanos < 0) {
                throw new AssertionError("the loop would sleep for ever; in flight: " + active);
            }
            time.advance(timeoutNanos);
        }
    }

    @Override
    public int drain(final CompletionSink sink) {
        requireOpen();
        return completions.drain(sink);
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the ring is closed");
        }
    }

    // --- submission -------------------------------------------------------------------------------------------------

    /** As the kernel's driver does: again while entries wait outside the ring and the kernel takes some. */
    private void submit() {
        int taken;
        do {
            final int published = queue.publish();
            enters++;
            taken = refusals > 0 ? 0 : take(chance.submission(published), published);
            refusals = Math.max(refusals - 1, 0);
        } while (taken > 0 && queue.hasBacklog());
    }

    /** Takes {@code count} entries, and more when these end within a chain, but none that is not {@code published}. */
    private int take(final int count, final int published) {
        if (published > entries) {
            throw new AssertionError(published + " entries are published in a ring of " + entries);
        }
        SimulatedOperation before = null;
        int i = 0;
        for (; i < published && (i < count || before != null); i++) {
            final SimulatedOperation operation = take();
            if (before == null) {
                activate(operation);
            } else {
                before.next = operation;
            }
            before = operation.has(IoUring.SQE_IO_LINK) ? operation : null;
        }
        return i;
    }

    private SimulatedOperation take() {
        final int head = Memory.getInt(header + HEAD);
        if (head == Memory.getInt(header + TAIL)) {
            throw new AssertionError("nothing is published");
        }
        Memory.putIntRelease(header + HEAD, head + 1);
        final long sqe = sqes + (long) (head & (entries - 1)) * IoUring.SQE_BYTES;
        if (Memory.getByte(sqe) == UNFILLED) {
            throw new AssertionError("a submission entry was taken and not filled");
        }
        submissions++;
        final SimulatedOperation operation = new SimulatedOperation(sqe);
        Memory.fill(sqe, IoUring.SQE_BYTES, UNFILLED);
        operation.target = resolve(operation);
        return operation;
    }

    private @Nullable SimulatedDescriptor resolve(final SimulatedOperation operation) {
        if (operation.needsNoFile()) {
            return none;
        }
        if (operation.has(IoUring.SQE_FIXED_FILE)) {
            return table.get(operation.fd);
        }
        if (operation.opcode == IoUring.OP_READ_FIXED && isZeroDevice(operation.fd)) {
            return zeroes;
        }
        final boolean real =
                operation.fd >= 0 && operation.fd < FIRST_DESCRIPTOR && !descriptors.containsKey(operation.fd);
        return real && operation.opcode == IoUring.OP_READ && operation.len == Long.BYTES
                ? wakeUp
                : descriptors.get(operation.fd);
    }

    /** Whether the program has opened the real /dev/zero, perhaps by a number that a socket had before. */
    private static boolean isZeroDevice(final int descriptor) {
        try {
            return descriptor >= 0
                    && descriptor < FIRST_DESCRIPTOR
                    && Files.readSymbolicLink(Path.of("/proc/self/fd", Integer.toString(descriptor)))
                            .equals(Path.of("/dev/zero"));
        } catch (final IOException e) {
            return false; // closed
        }
    }

    private SimulatedDescriptor target(final SimulatedOperation operation) {
        return operation.target == null ? none : operation.target;
    }

    private void activate(final SimulatedOperation operation) {
        operation.delay = chance.lateness();
        if (operation.isFixed() && operation.bufIndex > 0) {
            lent.reach(operation);
        }
        if (!wakeUp.equals(operation.target)) {
            for (final SimulatedOperation other : active) {
                if (operation.disturbs(other)) {
                    throw new AssertionError(operation + " uses memory that is in use by " + other);
                }
            }
            operation.begin();
        }
        active.add(operation);
    }

    // --- progress ---------------------------------------------------------------------------------------------------

    /** One step of the world: the network moves, then every operation has its chance. */
    private void step() {
        final List<SimulatedDescriptor> moving = new ArrayList<>(descriptors.values());
        moving.addAll(lingering);
        moving.forEach(descriptor -> descriptor.tick(this));
        final List<SimulatedOperation> turn = new ArrayList<>(active);
        chance.perhapsShuffle(turn);
        for (final SimulatedOperation operation : turn) {
            if (active.contains(operation)) { // or it was cancelled by one before it
                advance(operation);
            }
        }
    }

    private void advance(final SimulatedOperation operation) {
        if (operation.performed) {
            if (--operation.hold <= 0) {
                complete(operation);
            }
        } else if (operation.delay > 0) {
            operation.delay--;
        } else {
            final int result = perform(operation);
            if (result != SimulatedDescriptor.BLOCKED && result != SimulatedDescriptor.UNFINISHED) {
                performed(operation, result);
            }
        }
    }

    private void performed(final SimulatedOperation operation, final int result) {
        operation.result = result;
        operation.performed = true;
        operation.hold = chance.lateness();
        if (operation.hold == 0) {
            complete(operation);
        }
    }

    private int perform(final SimulatedOperation operation) {
        final SimulatedDescriptor target = operation.target;
        if (target == null) {
            return -Errno.EBADF;
        }
        if (operation.isFixed() && !inRegisteredBuffer(operation)) {
            return -Errno.EFAULT;
        }
        return target.perform(operation, this);
    }

    private boolean inRegisteredBuffer(final SimulatedOperation operation) {
        if (operation.bufIndex > 0) {
            return operation.total() == operation.len;
        }
        return operation.addr >= bufferAddress && operation.addr + operation.len <= bufferAddress + bufferLength;
    }

    private void complete(final SimulatedOperation operation) {
        operation.verifyUntouched();
        active.remove(operation);
        if (operation.opcode == IoUring.OP_SEND_ZC && operation.result >= 0) {
            post(operation.userData, operation.result, IoUring.CQE_F_MORE);
            notifyLater(operation);
        } else if (operation.result < 0 || !operation.has(IoUring.SQE_CQE_SKIP_SUCCESS)) {
            post(operation.userData, operation.result, operation.completionFlags);
        }
        SimulatedOperation follower = operation.next;
        if (follower == null) {
            return;
        }
        if (!operation.breaksChain()) {
            activate(follower);
            return;
        }
        while (follower != null) {
            post(follower.userData, -Errno.ECANCELED, 0);
            follower = follower.next;
        }
    }

    /** The payload of SEND_ZC stays with the kernel until its notification. */
    private void notifyLater(final SimulatedOperation sent) {
        sent.target = new SimulatedSpecials.Notification();
        sent.performed = false;
        sent.delay = chance.steps();
        active.add(sent);
    }

    void notified(final SimulatedOperation sent) {
        sent.verifyUntouched();
        active.remove(sent);
        post(sent.userData, 0, IoUring.CQE_F_NOTIF);
    }

    void post(final long userData, final int result, final int flags) {
        completions.post(userData, result, flags);
    }

    int cancel(final long userData) {
        for (final SimulatedOperation operation : active) {
            if (operation.userData != userData || operation.opcode == IoUring.OP_ASYNC_CANCEL) {
                continue;
            }
            if (operation.performed) {
                return -SimulatedDescriptor.EALREADY;
            }
            operation.performed = true;
            operation.result = SimulatedDescriptor.cancelled(operation);
            complete(operation);
            return 0;
        }
        return -ENOENT;
    }

    // --- registration -----------------------------------------------------------------------------------------------

    @Override
    public RingFeatures features() {
        return new RingFeatures(List.of("SIMULATED"), List.of());
    }

    @Override
    public int registerBuffers(final long address, final long length, final int spare) {
        bufferAddress = address;
        bufferLength = length;
        return 0;
    }

    /** Has {@link #takeBufferIndex} give out indexes, which stay empty unless the test lends buffers there. */
    public void offerBufferIndexes(final int count) {
        spareBuffers = count;
    }

    @Override
    public int takeBufferIndex() {
        return spareBuffers == 0 ? -1 : spareBuffers--; // nobody lends buffers to a simulated ring unless a test does
    }

    @Override
    public void giveBufferIndex(final int index) {
        // none is given out again
    }

    @Override
    public int registerProvidedBuffers(final int group, final long ringAddress, final int count) {
        if (Integer.bitCount(count) != 1 || count > 32768) {
            return -Errno.EINVAL;
        }
        return buffers.putIfAbsent(group, new SimulatedBuffers(ringAddress, count)) == null ? 0 : -Errno.EEXIST;
    }

    @Override
    public int installFile(final int descriptor) {
        if (chance.happens(Fault.TABLE_FULL)) {
            return -1;
        }
        final SimulatedDescriptor file = isZeroDevice(descriptor) ? zeroes : descriptors.get(descriptor);
        return file == null ? -1 : table.install(file);
    }

    @Override
    public void removeFile(final int index) {
        table.remove(index);
    }

    /** Places of the file table that are taken. */
    public int installedFiles() {
        return table.used();
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
        return completions.drained();
    }

    @Override
    public long overflows() {
        return completions.overflows();
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            queue.close();
            Stream.concat(descriptors.values().stream(), lingering.stream()).forEach(SimulatedDescriptor::free);
        }
    }
}
