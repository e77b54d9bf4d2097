package dev.fusedio.ublk;

import dev.fusedio.fused.Direction;
import dev.fusedio.fused.FusedCommand;
import dev.fusedio.loop.Completable;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.loop.MemoryQueue;
import dev.fusedio.loop.Slices;
import dev.fusedio.loop.Turn;
import dev.fusedio.ring.Sqe;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Memory;
import dev.fusedio.volume.BackendLane;
import dev.fusedio.volume.VolumeOperation;

/**
 * One tag of a queue: fetched, carried out as a fused command and committed, again and again. A block request is the
 * primary; its pages, or leased memory that they are copied to or from, are what the volume's operations borrow. The
 * loop's thread only.
 */
final class BlockRequest implements Completable, FusedCommand.Owner, MemoryQueue.Waiter, Turn {
    private static final int TAG_FETCH = 0;
    private static final int TAG_COPY = 1;
    private static final int TAG_REGISTER = 2;
    private static final int TAG_UNREGISTER = 3;

    private enum Step {
        /** Fetched by nobody or waiting in the driver. */
        IDLE,
        /** The request's pages are put into the ring's buffer table, before the volume hears of it. */
        REGISTER,
        /** The volume reads or writes. */
        TRANSFER,
        /** The request's data is on its way to leased memory. */
        COPY_IN,
        /** Leased memory is on its way to the request's pages. */
        COPY_OUT,
        /** FLUSH, DISCARD or WRITE_ZEROES. */
        CHANGE,
        /** Zeroes are written because the storage has no quicker way. */
        ZEROES,
        /** FUA of a change that is not a write. */
        DURABILITY
    }

    private final UblkQueue queue;
    private final CoreLoop loop;
    private final int tag;
    private final int bufferIndex;
    private final long registration;
    private final int slot;
    private final FusedCommand command;
    private final PageCopy pages;

    private Step step = Step.IDLE;
    private VolumeOperation operation = VolumeOperation.FLUSH;
    private int opFlags;
    private long position;
    private long length;
    private long begunAt;
    private boolean lends;
    private boolean registered;
    private boolean open;
    private boolean broken;
    private int endedAtOnce;
    private long zeroed;
    private int segment;

    /**
     * @param bufferIndex the tag's place in the ring's buffer table; -1 when it has none and always copies
     * @param registration what the driver reads in {@code sqe->addr} of every fetch
     */
    BlockRequest(final UblkQueue queue, final int tag, final int bufferIndex, final long registration) {
        this.queue = queue;
        this.loop = queue.loop();
        this.tag = tag;
        this.bufferIndex = bufferIndex;
        this.registration = registration;
        this.slot = loop.register(this);
        this.command = new FusedCommand(loop, this);
        this.pages = new PageCopy(queue, tag, command, loop.userData(slot, TAG_COPY));
    }

    /** Tells the driver that this tag is served from here. */
    void fetch() {
        submit(UblkAbi.U_IO_FETCH_REQ, registration, -1, 0, TAG_FETCH);
    }

    private void submit(final int op, final long addr, final int result, final long payload, final int completionTag) {
        Sqe.uringCmd(
                loop.driver().sqe(),
                queue.file().fd(),
                queue.file().sqeFlag(),
                op,
                addr,
                UblkAbi.ioCommand(queue.index(), tag, result),
                payload,
                loop.userData(slot, completionTag));
    }

    @Override
    public void onCompletion(final int completionTag, final int result, final int flags) {
        switch (completionTag) {
            case TAG_FETCH -> onFetched(result);
            case TAG_COPY -> onCopied(result);
            case TAG_REGISTER -> {
                registered = result >= 0;
                if (step == Step.REGISTER) {
                    onRegistered();
                    return;
                }
                command.giveBack(Math.min(result, 0)); // what was to borrow fails as well: its place is empty
            }
            case TAG_UNREGISTER -> {
                if (result < 0) {
                    throw new IllegalStateException("UNREGISTER_IO_BUF: " + Errno.name(result));
                }
            }
            default -> throw new IllegalStateException("completion " + completionTag);
        }
    }

    private void onFetched(final int result) {
        if (result != UblkAbi.IO_RES_OK) {
            queue.onTagGone(result);
            return;
        }
        final long descriptor = queue.descriptor(tag);
        opFlags = Memory.getInt(descriptor + UblkAbi.DESC_OP_FLAGS);
        length = (Memory.getInt(descriptor + UblkAbi.DESC_NR_SECTORS) & 0xFFFF_FFFFL) << UblkAbi.SECTOR_SHIFT;
        position = Memory.getLong(descriptor + UblkAbi.DESC_START_SECTOR) << UblkAbi.SECTOR_SHIFT;
        begunAt = loop.now();
        lends = false;
        registered = false;
        broken = false;
        endedAtOnce = 0;
        open = true;
        queue.onBegin();
        begin();
    }

    private void begin() {
        switch (opFlags & UblkAbi.IO_OP_MASK) {
            case UblkAbi.IO_OP_READ -> transfer(VolumeOperation.READ);
            case UblkAbi.IO_OP_WRITE -> transfer(VolumeOperation.WRITE);
            case UblkAbi.IO_OP_FLUSH -> {
                position = 0; // the block layer gives a flush the sector -1
                length = 0;
                change(VolumeOperation.FLUSH);
            }
            case UblkAbi.IO_OP_DISCARD -> change(VolumeOperation.TRIM);
            case UblkAbi.IO_OP_WRITE_ZEROES -> change(VolumeOperation.ZERO);
            default -> {
                operation = VolumeOperation.FLUSH;
                commit(-Errno.EOPNOTSUPP); // zoned operations and WRITE_SAME: nothing that was announced
            }
        }
    }

    /** Whether the range lies within the volume; the block layer sees to it, unless storage shrank. */
    private boolean isInRange() {
        final long size = queue.volumeSize();
        return position >= 0 && position <= size && length <= size - position;
    }

    // --- READ and WRITE ----------------------------------------------------------------------------------------------

    private void transfer(final VolumeOperation which) {
        operation = which;
        if (!isInRange() || length == 0 || length > queue.maxIoBytes()) {
            commit(-Errno.EIO);
            return;
        }
        lends = bufferIndex > 0
                && queue.mechanism().lendsPages()
                && length >= queue.copyBelow()
                && (opFlags & UblkAbi.IO_F_NEED_REG_BUF) == 0;
        if (lends) {
            lend();
        } else {
            copy();
        }
    }

    private void lend() {
        if (queue.mechanism() == Mechanism.REGISTRATION && queue.registersFirst()) {
            step = Step.REGISTER;
            submit(UblkAbi.U_IO_REGISTER_IO_BUF, 0, 0, bufferIndex, TAG_REGISTER);
            return;
        }
        command.provideKernelBuffer(bufferIndex, bytes(), isRead() ? Direction.DEST : Direction.SRC);
        if (queue.mechanism() == Mechanism.REGISTRATION) {
            // the driver registers within the submission, in order: what follows on the ring finds the pages
            command.hold();
            submit(UblkAbi.U_IO_REGISTER_IO_BUF, 0, 0, bufferIndex, TAG_REGISTER);
        }
        step = Step.TRANSFER;
        settle(isRead() ? backend().read(command, 0, bytes(), position) : write(bytes()));
    }

    private void onRegistered() {
        if (registered) {
            command.provideKernelBuffer(bufferIndex, bytes(), isRead() ? Direction.DEST : Direction.SRC);
            step = Step.TRANSFER;
            settle(isRead() ? backend().read(command, 0, bytes(), position) : write(bytes()));
        } else {
            lends = false;
            copy();
        }
    }

    private void copy() {
        if (command.lease(bytes()) < 0) {
            queue.awaitMemory(this);
            return;
        }
        if (isRead()) {
            step = Step.TRANSFER;
            settle(backend().read(command, 0, bytes(), position));
        } else {
            copyTo(Step.COPY_IN);
        }
    }

    private int write(final int bytes) {
        return backend().write(command, 0, bytes, position, (opFlags & UblkAbi.IO_F_FUA) != 0);
    }

    private void copyTo(final Step direction) {
        step = direction;
        if (command.borrow(direction == Step.COPY_IN ? Direction.DEST : Direction.SRC, 0, bytes()) != 0) {
            throw new IllegalStateException("a leased buffer could not be lent to its copy");
        }
        pages.start(direction == Step.COPY_IN, bytes());
    }

    private void onCopied(final int result) {
        final int outcome = pages.advance(result);
        if (outcome != FusedCommand.PENDING) {
            command.giveBack(Math.min(outcome, 0));
        }
    }

    // --- FLUSH, DISCARD and WRITE_ZEROES -----------------------------------------------------------------------------

    private void change(final VolumeOperation which) {
        operation = which;
        if (!isInRange()) {
            commit(-Errno.EIO);
            return;
        }
        step = Step.CHANGE;
        command.startWithoutBuffer();
        settle(
                switch (which) {
                    case FLUSH -> backend().flush(command);
                    case TRIM -> backend().trim(command, position, length);
                    case ZERO -> backend().zero(command, position, length, (opFlags & UblkAbi.IO_F_NOUNMAP) == 0);
                    default -> throw new IllegalStateException(which + " is no change");
                });
    }

    /** The next slice of zeroes: in turn with other requests, and never in the callback of the slice before. */
    @Override
    public void onTurn() {
        writeZeroes();
    }

    private void writeZeroes() {
        if (!command.isStarted() && !leaseForZeroes()) {
            return;
        }
        command.borrow(Direction.DEST, 0, segment);
        Memory.zero(command.address(0), segment);
        command.giveBackNow(0);
        command.seal();
        settle(backend().write(command, 0, segment, position + zeroed, false));
    }

    private boolean leaseForZeroes() {
        segment = (int) Math.min(length - zeroed, Slices.COPY_BYTES);
        if (command.lease(segment) < 0) {
            queue.awaitMemory(this);
            return false;
        }
        return true;
    }

    private void afterChange(final int result) {
        final boolean durable = (opFlags & UblkAbi.IO_F_FUA) != 0 && operation != VolumeOperation.FLUSH;
        if (result < 0 || !durable || step == Step.DURABILITY) {
            commit(result);
            return;
        }
        step = Step.DURABILITY;
        command.startWithoutBuffer();
        settle(backend().flush(command));
    }

    // --- progress ----------------------------------------------------------------------------------------------------

    @Override
    public void onMemory() {
        if (step == Step.ZEROES) {
            if (leaseForZeroes()) {
                queue.slices().add(this); // as many may be served at once
            }
        } else {
            copy();
        }
    }

    /** Takes the result of an operation of the volume's: it goes on, or has ended at once. */
    private void settle(final int result) {
        if (result == FusedCommand.PENDING) {
            return;
        }
        endedAtOnce = Math.min(result, 0);
        if (command.outstanding() == 0) {
            onSecondariesDone(0);
        }
    }

    @Override
    public void onSecondariesDone(final int firstError) {
        final int error = broken ? -Errno.EIO : firstError != 0 ? firstError : endedAtOnce;
        if (error < 0) {
            command.finish(error);
        } else if (step == Step.COPY_IN) {
            command.seal();
            step = Step.TRANSFER;
            settle(write(bytes()));
        } else if (step == Step.TRANSFER && isRead() && !lends) {
            command.seal();
            copyTo(Step.COPY_OUT);
        } else {
            command.finish(0);
        }
    }

    @Override
    public void onCommandComplete(final int result) {
        endedAtOnce = 0;
        if (broken) {
            commit(-Errno.EIO);
            return;
        }
        switch (step) {
            case CHANGE -> {
                if (result == -Errno.EOPNOTSUPP && operation == VolumeOperation.ZERO) {
                    step = Step.ZEROES;
                    zeroed = 0;
                    queue.slices().add(this);
                } else {
                    afterChange(result);
                }
            }
            case ZEROES -> {
                zeroed += segment;
                if (result < 0 || zeroed == length) {
                    afterChange(result);
                } else {
                    queue.slices().add(this);
                }
            }
            case DURABILITY -> afterChange(result);
            case TRANSFER, COPY_IN, COPY_OUT -> commit(result);
            case IDLE, REGISTER -> throw new IllegalStateException("a command completed for an idle tag");
        }
    }

    /** Answers the block layer and fetches the next request. Never less than all, and never a short success. */
    private void commit(final int outcome) {
        step = Step.IDLE;
        if (registered) {
            registered = false;
            submit(UblkAbi.U_IO_UNREGISTER_IO_BUF, 0, 0, bufferIndex, TAG_UNREGISTER);
        }
        final boolean payload = operation == VolumeOperation.READ || operation == VolumeOperation.WRITE;
        final int result = outcome < 0 ? -BlockErrors.ofBackend(-outcome) : payload ? bytes() : 0;
        queue.onEnd(operation, length, loop.now() - begunAt, outcome < 0 ? -outcome : 0, payload, lends);
        submit(UblkAbi.U_IO_COMMIT_AND_FETCH_REQ, registration, result, 0, TAG_FETCH);
        open = false;
    }

    @Override
    public void onFailure(final RuntimeException e) {
        if (!open) {
            return; // answered already, or none was there
        }
        broken = true;
        if (!command.isStarted()) {
            commit(-Errno.EIO);
        } else if (command.outstanding() == 0) {
            command.finish(-Errno.EIO);
        }
    }

    private BackendLane backend() {
        return queue.lane().backend();
    }

    private boolean isRead() {
        return operation == VolumeOperation.READ;
    }

    private int bytes() {
        return (int) length;
    }

    /** The tag is gone: gives back what it had on the loop. */
    void dispose() {
        command.dispose();
        loop.release(slot);
        if (bufferIndex > 0) {
            loop.driver().giveBufferIndex(bufferIndex);
        }
    }
}
