package dev.fusedio.fused;

import dev.fusedio.loop.Completable;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.loop.FailureOwner;
import dev.fusedio.ring.Sqe;
import dev.fusedio.sys.Errno;
import org.jspecify.annotations.Nullable;

/**
 * A primary request with its buffer, and the secondary operations that borrow it.
 *
 * <ol>
 *   <li>The primary provides one buffer: a length and a direction. {@link Direction#SRC}: secondaries read from it.
 *       {@link Direction#DEST}: secondaries write to it.
 *   <li>A secondary borrows {@code [offset, offset + length)}. Beyond the buffer: -EFAULT. The wrong direction, no
 *       buffer yet, or a buffer without data: -EINVAL. Several may borrow at once or one after another.
 *   <li>The primary completes after its last secondary, always, and exactly once; its result says what failed first.
 *       The buffer is not reachable after that.
 *   <li>If the primary can't start, no secondary is issued.
 *   <li>Short transfers are continued; a secondary ends with its full length or an error number.
 * </ol>
 *
 * <p>Objects are pooled by their owners and used again after completion. The loop's thread only.
 *
 * <p>Providers: leased memory ({@link #lease}), memory of the owner's such as a receive buffer ({@link #provide}), and the
 * pages of a block request, which the kernel lends by index ({@link #provideKernelBuffer}).
 *
 * <p>Longer than most classes: the contract is kept in one place.
 */
public final class FusedCommand implements Completable {
    /** The operation goes on; its owner will be told. No result of an operation has this value. */
    public static final int PENDING = Integer.MIN_VALUE;

    /** Secondaries that may be in flight on the ring for one command. */
    public static final int MAX_TRANSFERS = 4;

    /** Sends and receives that may be in flight for one command. */
    public static final int MAX_SOCKET_TRANSFERS = 2;

    /** A tag for secondaries that transfer nothing: fdatasync, fallocate. */
    private static final int TAG_PLAIN = RingTransfers.TAGS;

    /** The slab's place in the ring's buffer table. */
    private static final int SLAB = 0;

    /** No place in the ring's buffer table. */
    private static final int NOT_REGISTERED = -1;

    /** What a command tells its owner. */
    public interface Owner extends FailureOwner {
        /**
         * All secondaries that were issued have ended; more may be issued, or the command finished. Not called for
         * secondaries that ended at once.
         *
         * @param firstError 0, or the negated error number of the secondary that failed first
         */
        void onSecondariesDone(int firstError);

        /**
         * The command has completed and its buffer is gone; the object may be used again.
         *
         * @param result what {@link FusedCommand#finish} was given, or the first error if that was no error
         */
        void onCommandComplete(int result);

        /** One of the two methods above let an exception through, a defect of this program. */
        @Override
        void onFailure(RuntimeException e);
    }

    /** Looks at what the secondaries of a command came to before its owner does. */
    @FunctionalInterface
    public interface Review {
        /**
         * Judges one secondary's end. On the loop's thread; must not block.
         *
         * @param outcome zero or more, or a negated error number
         * @return what counts instead, in the same form
         */
        int review(int outcome);
    }

    private enum State {
        /** Not started: nothing can be borrowed. */
        IDLE,
        /** Started; secondaries may be issued. */
        OPEN,
        /** Finished by its owner; completes after the last secondary. */
        FINISHING
    }

    private final CoreLoop loop;
    private final Owner owner;
    private final int slot;
    private final RingTransfers transfers;

    private State state = State.IDLE;
    private long address;
    private int length;
    private boolean hasBuffer;
    private boolean leased;
    private boolean inMemory;
    private int bufferIndex = NOT_REGISTERED;
    private Direction direction = Direction.DEST;
    private int outstanding;
    private int firstError;
    private int result;
    private @Nullable Review review;

    /**
     * @param loop whose thread uses the command
     * @param owner is told how it goes
     */
    public FusedCommand(final CoreLoop loop, final Owner owner) {
        this.loop = loop;
        this.owner = owner;
        this.slot = loop.register(this);
        this.transfers = new RingTransfers(loop, slot);
    }

    // --- primary ---------------------------------------------------------------------------------------------------

    /**
     * Starts the command with a buffer of leased memory, at first to be written to by secondaries.
     *
     * @param bytes 1 to {@link dev.fusedio.loop.Slab#MAX_BLOCK}
     * @return 0; -ENOMEM when there is no memory now, and then nothing has started; {@link dev.fusedio.loop.MemoryQueue}
     *     tells when there is
     */
    public int lease(final int bytes) {
        requireIdle();
        final long block = loop.memory().lease(bytes);
        if (block == 0) {
            return -Errno.ENOMEM;
        }
        open(block, bytes, true, Direction.DEST);
        leased = true;
        bufferIndex = loop.slabRegistered() ? SLAB : NOT_REGISTERED;
        return 0;
    }

    /**
     * Starts the command with a buffer that is the owner's: it must stay as it is until the command completes.
     *
     * @param where the address of {@code bytes} bytes that already hold, or can take, the payload
     */
    public void provide(final long where, final int bytes, final Direction way) {
        requireIdle();
        open(where, bytes, true, way);
    }

    /**
     * Starts the command with the pages of a block request, which are in the ring's buffer table while secondaries are
     * issued. They have no address here: only operations of the ring can borrow them.
     *
     * @param index their place in the table, 1 or more
     * @param bytes of the block request
     * @param way {@link Direction#DEST} for a block READ, {@link Direction#SRC} for a block WRITE; the kernel answers
     *     EFAULT to the other
     */
    public void provideKernelBuffer(final int index, final int bytes, final Direction way) {
        requireIdle();
        if (index <= SLAB) {
            throw new IllegalArgumentException("buffer " + index + " is not a block request's");
        }
        open(0, bytes, true, way);
        inMemory = false;
        bufferIndex = index;
    }

    /** Starts the command without a buffer, as a flush has none. Borrowing from it is -EINVAL. */
    public void startWithoutBuffer() {
        requireIdle();
        open(0, 0, false, Direction.DEST);
    }

    private void requireIdle() {
        if (state != State.IDLE) {
            throw new IllegalStateException("a fused command was started while in state " + state);
        }
    }

    private void open(final long where, final int bytes, final boolean buffer, final Direction way) {
        if (bytes < 0) {
            throw new IllegalArgumentException("a buffer of " + bytes + " bytes");
        }
        state = State.OPEN;
        address = where;
        length = bytes;
        hasBuffer = buffer;
        leased = false;
        inMemory = true;
        bufferIndex = NOT_REGISTERED;
        direction = way;
        outstanding = 0;
        firstError = 0;
        result = 0;
        review = null;
    }

    /**
     * Seals a buffer of leased memory: it has been filled, and secondaries read from it and write to it no more. To be
     * called when all that write to it have succeeded.
     */
    public void seal() {
        if (state != State.OPEN || !leased || outstanding != 0 || direction != Direction.DEST || firstError != 0) {
            throw new IllegalStateException("a buffer was sealed too early or twice");
        }
        direction = Direction.SRC;
    }

    /**
     * Ends the command. It completes now, or after the last secondary.
     *
     * @param outcome its result unless a secondary has failed: zero or more, or a negated error number
     */
    public void finish(final int outcome) {
        if (state != State.OPEN) {
            throw new IllegalStateException("a fused command was finished in state " + state);
        }
        state = State.FINISHING;
        result = outcome;
        if (outstanding == 0) {
            complete();
        }
    }

    private void complete() {
        if (leased) {
            loop.memory().release(address, length);
        }
        final int outcome = firstError != 0 ? firstError : result;
        state = State.IDLE;
        address = 0;
        length = 0;
        hasBuffer = false;
        leased = false;
        owner.onCommandComplete(outcome);
    }

    /** Whether the buffer has an address in this process; only then may {@link #address} be asked for. */
    public boolean inMemory() {
        return inMemory;
    }

    /** Whether the command has started and not completed. */
    public boolean isStarted() {
        return state != State.IDLE;
    }

    /** Bytes of the buffer. */
    public int length() {
        return length;
    }

    /** Secondaries that have the buffer now. */
    public int outstanding() {
        return outstanding;
    }

    // --- secondaries -----------------------------------------------------------------------------------------------

    /**
     * Lends {@code [offset, offset + bytes)} to a secondary that is not one of those below. Every successful call is
     * followed by one {@link #giveBack} or {@link #giveBackNow}.
     *
     * @return 0; -EFAULT beyond the buffer; -EINVAL for the wrong direction, a command that is not open or has no data
     */
    public int borrow(final Direction way, final long offset, final long bytes) {
        if (state != State.OPEN || !hasBuffer || way != direction) {
            return -Errno.EINVAL;
        }
        if (offset < 0 || bytes < 0 || offset > length || bytes > length - offset) {
            return -Errno.EFAULT;
        }
        outstanding++;
        return 0;
    }

    /** The address of a byte that is on loan. */
    public long address(final int offset) {
        if (outstanding == 0 || !hasBuffer || !inMemory || offset < 0 || offset > length) {
            throw new IllegalStateException("a buffer was reached for that isn't on loan, or isn't in this process");
        }
        return address + offset;
    }

    /**
     * The place in the ring's buffer table of a kernel's buffer that is on loan, for a {@link SocketTransfer} of the
     * borrower's own; addresses there are offsets in the buffer.
     */
    public int kernelBuffer() {
        if (outstanding == 0 || !hasBuffer || inMemory) {
            throw new IllegalStateException("a kernel's buffer was reached for that isn't on loan, or is in memory");
        }
        return bufferIndex;
    }

    /**
     * The slot in the ring's buffer table of a buffer that is on loan, for a {@link FileTransfer} of the borrower's own;
     * -1 for memory that isn't registered.
     */
    public int bufferIndex() {
        if (outstanding == 0 || !hasBuffer) {
            throw new IllegalStateException("a buffer was reached for that isn't on loan");
        }
        return bufferIndex;
    }

    /**
     * A secondary that was lent the buffer has ended.
     *
     * @param outcome zero or more, or a negated error number
     */
    public void giveBack(final int outcome) {
        end(outcome);
        if (outstanding == 0) {
            if (state == State.FINISHING) {
                complete();
            } else {
                owner.onSecondariesDone(firstError);
            }
        }
    }

    /** As {@link #giveBack} for a secondary that ended within the call that issued it: the owner is not told. */
    public void giveBackNow(final int outcome) {
        end(outcome);
        if (outstanding == 0 && state == State.FINISHING) {
            complete(); // finished before it was given back: it was the last, and nobody else completes the command
        }
    }

    private void end(final int outcome) {
        if (outstanding == 0) {
            throw new IllegalStateException("a buffer was given back that wasn't lent");
        }
        outstanding--;
        final int counts = review == null ? outcome : review.review(outcome);
        if (counts < 0 && firstError == 0) {
            firstError = counts;
        }
    }

    /** Lets {@code judge} look at the end of every secondary from now on, until the command completes. */
    public void reviewBy(final Review judge) {
        review = judge;
    }

    /**
     * Reads {@code bytes} of a file at {@code position} to {@code offset} in the buffer, whole.
     *
     * @return {@link #PENDING}, or the error of {@link #borrow}
     */
    public int read(final RingFile file, final long position, final int offset, final int bytes) {
        return transfer(Direction.DEST, file, position, offset, bytes, 0);
    }

    /**
     * Writes {@code bytes} at {@code offset} of the buffer to a file at {@code position}, whole.
     *
     * @param rwFlags RWF_*, such as RWF_DSYNC
     * @return {@link #PENDING}, or the error of {@link #borrow}
     */
    public int write(final RingFile file, final long position, final int offset, final int bytes, final int rwFlags) {
        return transfer(Direction.SRC, file, position, offset, bytes, rwFlags);
    }

    private int transfer(
            final Direction way,
            final RingFile file,
            final long position,
            final int offset,
            final int bytes,
            final int rwFlags) {
        final int refused = borrow(way, offset, bytes);
        if (refused != 0) {
            return refused;
        }
        if (bytes == 0) {
            giveBackNow(0);
            return 0;
        }
        return started(transfers.start(file, way, bufferIndex, position, address + offset, bytes, rwFlags));
    }

    /**
     * Sends {@code bytes} at {@code offset} of the buffer, whole. Sends on one socket must not overlap: the caller issues
     * one at a time, or links them.
     *
     * @param linkNext whether the submission that follows waits for this one; only where a send ends whole
     *     ({@link SocketMechanism#sendsWhole}, or memory of this process)
     * @return {@link #PENDING}, or the error of {@link #borrow}
     */
    public int send(final RingSocket socket, final int offset, final int bytes, final boolean linkNext) {
        return transfer(Direction.SRC, socket, offset, bytes, linkNext);
    }

    /**
     * Receives {@code bytes} to {@code offset} in the buffer, whole; -ECONNRESET when the stream ends before.
     *
     * @param linkNext as for {@link #send}, where a receive ends whole ({@link SocketMechanism#receivesWhole})
     * @return {@link #PENDING}, or the error of {@link #borrow}
     */
    public int receive(final RingSocket socket, final int offset, final int bytes, final boolean linkNext) {
        return transfer(Direction.DEST, socket, offset, bytes, linkNext);
    }

    private int transfer(
            final Direction way, final RingSocket socket, final int offset, final int bytes, final boolean linkNext) {
        final int refused = borrow(way, offset, bytes);
        if (refused != 0) {
            return refused;
        }
        if (bytes == 0) {
            giveBackNow(0);
            return 0;
        }
        final int index = inMemory ? NOT_REGISTERED : bufferIndex;
        return started(transfers.start(socket, way, index, address + offset, bytes, linkNext));
    }

    private int started(final boolean going) {
        if (going) {
            return PENDING;
        }
        outstanding--;
        return -Errno.EBUSY;
    }

    /** Issues fdatasync, a secondary that needs no buffer. */
    public int dataSync(final RingFile file) {
        if (state != State.OPEN) {
            return -Errno.EINVAL;
        }
        outstanding++;
        Sqe.fdatasync(loop.driver().sqe(), file.fd(), file.sqeFlag(), loop.userData(slot, TAG_PLAIN));
        return PENDING;
    }

    /** Issues fallocate, a secondary that needs no buffer. */
    public int allocate(final RingFile file, final int mode, final long position, final long bytes) {
        if (state != State.OPEN) {
            return -Errno.EINVAL;
        }
        outstanding++;
        Sqe.fallocate(
                loop.driver().sqe(), file.fd(), file.sqeFlag(), mode, position, bytes, loop.userData(slot, TAG_PLAIN));
        return PENDING;
    }

    /** Issues posix_fadvise, a secondary that needs no buffer. */
    public int advise(final RingFile file, final long position, final int bytes, final int advice) {
        if (state != State.OPEN) {
            return -Errno.EINVAL;
        }
        outstanding++;
        Sqe.fadvise(
                loop.driver().sqe(),
                file.fd(),
                file.sqeFlag(),
                position,
                bytes,
                advice,
                loop.userData(slot, TAG_PLAIN));
        return PENDING;
    }

    /**
     * Keeps the command open for something that is not on the ring, such as a timer. Ends with {@link #giveBack}.
     *
     * @return {@link #PENDING}, or -EINVAL when the command isn't open
     */
    public int hold() {
        if (state != State.OPEN) {
            return -Errno.EINVAL;
        }
        outstanding++;
        return PENDING;
    }

    @Override
    public void onCompletion(final int tag, final int outcome, final int flags) {
        if (tag == TAG_PLAIN) {
            giveBack(outcome);
            return;
        }
        final int total = transfers.advance(tag, outcome, flags);
        if (total != PENDING) {
            giveBack(total);
        }
    }

    @Override
    public void onFailure(final RuntimeException e) {
        owner.onFailure(e);
    }

    /** Gives the command's slot on the loop back; it must have completed and is not used again. */
    public void dispose() {
        requireIdle();
        loop.release(slot);
    }
}
