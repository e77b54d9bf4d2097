package dev.fusedio.volume;

import dev.fusedio.fused.Direction;
import dev.fusedio.fused.FusedCommand;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.loop.MemoryQueue;
import dev.fusedio.loop.Slab;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Memory;
import java.nio.ByteBuffer;
import java.util.function.IntConsumer;

/**
 * Access to a volume's bytes for callers outside the loops: each call crosses to a loop by its mailbox and back by a
 * callback. Payload is copied once, between the command's buffer and the caller's.
 */
public final class VolumeAccess {
    /** Bytes of one call at most. */
    public static final int MAX_LENGTH = Slab.MAX_BLOCK;

    private final CoreLoop loop;
    private final Volume volume;

    /** @param loop which does the work for this caller */
    public VolumeAccess(final CoreLoop loop, final Volume volume) {
        this.loop = loop;
        this.volume = volume;
    }

    /**
     * Fills {@code target}'s remaining bytes from {@code position}. Any thread.
     *
     * @param done is given 0 or a negated error number, on the loop's thread; within this call when there is nothing to
     *     transfer or the range is refused
     */
    public void read(final long position, final ByteBuffer target, final IntConsumer done) {
        submit(new Access(VolumeOperation.READ, position, target, target.remaining(), done));
    }

    /** Writes {@code source}'s remaining bytes at {@code position}. Otherwise as {@link #read}. */
    public void write(final long position, final ByteBuffer source, final IntConsumer done) {
        submit(new Access(VolumeOperation.WRITE, position, source, source.remaining(), done));
    }

    /** Makes durable what was written before. Otherwise as {@link #read}. */
    public void flush(final IntConsumer done) {
        submit(new Access(VolumeOperation.FLUSH, 0, ByteBuffer.allocate(0), 0, done));
    }

    /**
     * Asks whether there is data at {@code position} or a hole, and how far that reaches. Any thread.
     *
     * @param done is answered on the loop's thread; within this call when the position is not in the volume
     */
    public void extent(final long position, final ExtentAnswer done) {
        if (position < 0 || position >= volume.size()) {
            done.answer(-Errno.EINVAL, 0, false);
        } else if (!loop.execute(new FirstExtent(position, done))) {
            done.answer(-Errno.EBUSY, 0, false);
        }
    }

    private void submit(final Access access) {
        final int refused = access.refusal();
        if (refused != 0) {
            access.done.accept(refused);
        } else if (access.length == 0 && access.operation != VolumeOperation.FLUSH) {
            access.done.accept(0); // nothing to transfer, no buffer to lend
        } else if (!loop.execute(access)) {
            access.done.accept(-Errno.EBUSY);
        }
    }

    /** Takes an extent. */
    @FunctionalInterface
    public interface ExtentAnswer {
        /**
         * @param result 0, or a negated error number
         * @param length bytes, 1 or more unless it failed; the extent may go on behind them
         * @param isHole whether nothing is stored there and zeroes are read
         */
        void answer(int result, long length, boolean isHole);
    }

    private final class FirstExtent extends ExtentQuery implements Runnable {
        private final long from;
        private final ExtentAnswer done;
        private Volume.Lane lane;
        private long begun;
        private boolean answered;

        @SuppressWarnings("NullAway.Init") // the lane belongs to the loop and is taken on its thread, in run()
        private FirstExtent(final long from, final ExtentAnswer done) {
            super(1);
            this.from = from;
            this.done = done;
        }

        @Override
        public void run() {
            lane = volume.acquire(loop);
            lane.counters().start();
            begun = loop.now();
            ask(from, volume.size() - from, 1);
            try {
                lane.backend().extents(this);
            } catch (final RuntimeException e) {
                loop.errors().accept(e);
                onExtents(-Errno.EIO);
            }
        }

        @Override
        public void onExtents(final int result) {
            if (answered) {
                return;
            }
            answered = true;
            final int error = result == 0 && count() == 0 ? -Errno.EIO : Math.min(result, 0);
            lane.counters().end(VolumeOperation.EXTENTS.ordinal(), length(), loop.now() - begun, -error);
            lane.release();
            if (error == 0) {
                done.answer(0, extentLength(0), extentState(0) == HOLE_AND_ZERO);
            } else {
                done.answer(error, 0, false);
            }
        }
    }

    private final class Access implements Runnable, MemoryQueue.Waiter, FusedCommand.Owner {
        private final VolumeOperation operation;
        private final long position;
        private final ByteBuffer memory;
        private final int length;
        private final IntConsumer done;
        private FusedCommand command;
        private Volume.Lane lane;
        private long begun;
        private boolean answered;

        @SuppressWarnings("NullAway.Init") // command and lane belong to the loop and are made on its thread, in run()
        private Access(
                final VolumeOperation operation,
                final long position,
                final ByteBuffer memory,
                final int length,
                final IntConsumer done) {
            this.operation = operation;
            this.position = position;
            this.memory = memory;
            this.length = length;
            this.done = done;
        }

        private int refusal() {
            final int block = volume.capabilities().minimumBlock();
            if (position < 0 || length > MAX_LENGTH || position % block != 0 || length % block != 0) {
                return -Errno.EINVAL;
            }
            if (operation == VolumeOperation.WRITE && volume.readOnly()) {
                return -Errno.EPERM;
            }
            if (position > volume.size() || length > volume.size() - position) {
                return operation == VolumeOperation.WRITE ? -Errno.ENOSPC : -Errno.EINVAL;
            }
            return 0;
        }

        @Override
        public void run() {
            command = new FusedCommand(loop, this);
            lane = volume.acquire(loop);
            lane.counters().start();
            begun = loop.now();
            try {
                onMemory();
            } catch (final RuntimeException e) {
                loop.errors().accept(e);
                onFailure(e);
            }
        }

        @Override
        public void onMemory() {
            if (length == 0) {
                command.startWithoutBuffer();
            } else if (command.lease(length) < 0) {
                loop.memory().await(this);
                return;
            }
            final int result = issue();
            if (result != FusedCommand.PENDING) {
                end(Math.min(result, 0));
            }
        }

        private int issue() {
            return switch (operation) {
                case READ -> lane.backend().read(command, 0, length, position);
                case WRITE -> {
                    copyIn();
                    command.seal();
                    yield lane.backend().write(command, 0, length, position, false);
                }
                case FLUSH -> lane.backend().flush(command);
                case TRIM, ZERO, CACHE, EXTENTS -> -Errno.EINVAL;
            };
        }

        private void copyIn() {
            if (length > 0 && command.borrow(Direction.DEST, 0, length) == 0) {
                Memory.segment(command.address(0), length).asByteBuffer().put(memory);
                command.giveBackNow(length);
                loop.countCopied(length);
            }
        }

        private void copyOut() {
            command.seal();
            if (command.borrow(Direction.SRC, 0, length) == 0) {
                memory.put(Memory.segment(command.address(0), length).asByteBuffer());
                command.giveBackNow(length);
                loop.countCopied(length);
            }
        }

        @Override
        public void onFailure(final RuntimeException e) {
            answer(-Errno.EIO);
        }

        private void answer(final int error) {
            if (!answered) {
                answered = true;
                done.accept(error);
            }
        }

        @Override
        public void onSecondariesDone(final int firstError) {
            end(firstError);
        }

        private void end(final int error) {
            if (error == 0 && operation == VolumeOperation.READ && length > 0) {
                copyOut();
            }
            command.finish(error);
        }

        @Override
        public void onCommandComplete(final int result) {
            final int error = Math.min(result, 0);
            lane.counters().end(operation.ordinal(), length, loop.now() - begun, -error);
            lane.release();
            command.dispose();
            answer(error);
        }
    }
}
