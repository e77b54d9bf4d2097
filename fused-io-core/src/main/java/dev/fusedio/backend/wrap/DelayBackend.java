package dev.fusedio.backend.wrap;

import dev.fusedio.fused.FusedCommand;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.loop.Timer;
import dev.fusedio.volume.Backend;
import dev.fusedio.volume.BackendCapabilities;
import dev.fusedio.volume.BackendLane;
import dev.fusedio.volume.ExtentQuery;
import dev.fusedio.volume.VolumeOperation;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A wrapper that makes operations last, to test clients and limits, as nbdkit's {@code delay} filter does. An operation
 * is issued at once and its end is held back until the time is over, so that a slow one takes the longer of the two and
 * a command may be finished by its owner meanwhile. A query for extents is issued when the time is over.
 */
public final class DelayBackend extends BackendWrapper {
    private final EnumSet<VolumeOperation> operations;
    private final long nanos;

    /**
     * @param operations those that are delayed
     * @param nanos from an operation's start to its end at least; positive
     */
    public DelayBackend(final Backend inner, final Set<VolumeOperation> operations, final long nanos) {
        super(inner);
        if (nanos <= 0) {
            throw new IllegalArgumentException("a delay of " + nanos + " ns; it must be positive");
        }
        this.operations = EnumSet.noneOf(VolumeOperation.class);
        this.operations.addAll(operations);
        this.nanos = nanos;
    }

    @Override
    public String description() {
        return inner().description() + " (" + operations + " delayed by " + nanos + " ns)";
    }

    /** As the inner ones; but zeroing isn't fast when it waits and writing doesn't. */
    @Override
    public BackendCapabilities capabilities() {
        final BackendCapabilities of = inner().capabilities();
        final boolean fastZero = of.canFastZero()
                && (!operations.contains(VolumeOperation.ZERO) || operations.contains(VolumeOperation.WRITE));
        return new BackendCapabilities(
                of.canTrim(),
                fastZero,
                of.canFua(),
                of.canExtents(),
                of.canMultiConnect(),
                of.canBorrowKernelBuffer(),
                of.lendFrom(),
                of.readOnly(),
                of.rotational(),
                of.minimumBlock(),
                of.preferredBlock());
    }

    @Override
    public BackendLane attach(final CoreLoop loop) {
        return new Lane(loop, inner().attach(loop));
    }

    private final class Lane implements BackendLane {
        private final CoreLoop loop;
        private final BackendLane next;
        private @Nullable Pause[] idle = new Pause[16];
        private int idleCount;

        private Lane(final CoreLoop loop, final BackendLane next) {
            this.loop = loop;
            this.next = next;
        }

        private boolean delays(final VolumeOperation operation) {
            return operations.contains(operation);
        }

        @Override
        public int read(final FusedCommand command, final int offset, final int length, final long position) {
            if (!delays(VolumeOperation.READ)) {
                return next.read(command, offset, length, position);
            }
            final int held = command.hold();
            return held == FusedCommand.PENDING ? pause(command, next.read(command, offset, length, position)) : held;
        }

        @Override
        public int write(
                final FusedCommand command,
                final int offset,
                final int length,
                final long position,
                final boolean durable) {
            if (!delays(VolumeOperation.WRITE)) {
                return next.write(command, offset, length, position, durable);
            }
            final int held = command.hold();
            return held == FusedCommand.PENDING
                    ? pause(command, next.write(command, offset, length, position, durable))
                    : held;
        }

        @Override
        public boolean writesInline() {
            return !delays(VolumeOperation.WRITE) && next.writesInline();
        }

        @Override
        public int flush(final FusedCommand command) {
            if (!delays(VolumeOperation.FLUSH)) {
                return next.flush(command);
            }
            final int held = command.hold();
            return held == FusedCommand.PENDING ? pause(command, next.flush(command)) : held;
        }

        @Override
        public int trim(final FusedCommand command, final long position, final long length) {
            if (!delays(VolumeOperation.TRIM)) {
                return next.trim(command, position, length);
            }
            final int held = command.hold();
            return held == FusedCommand.PENDING ? pause(command, next.trim(command, position, length)) : held;
        }

        @Override
        public int zero(final FusedCommand command, final long position, final long length, final boolean mayTrim) {
            if (!delays(VolumeOperation.ZERO)) {
                return next.zero(command, position, length, mayTrim);
            }
            final int held = command.hold();
            return held == FusedCommand.PENDING ? pause(command, next.zero(command, position, length, mayTrim)) : held;
        }

        @Override
        public int cache(final FusedCommand command, final long position, final int length) {
            if (!delays(VolumeOperation.CACHE)) {
                return next.cache(command, position, length);
            }
            final int held = command.hold();
            return held == FusedCommand.PENDING ? pause(command, next.cache(command, position, length)) : held;
        }

        @Override
        public void extents(final ExtentQuery query) {
            if (!delays(VolumeOperation.EXTENTS)) {
                next.extents(query);
                return;
            }
            final Pause pause = take();
            pause.query = query;
            loop.timers().schedule(pause, loop.preciseNow() + nanos);
        }

        /** Gives the command back later; {@code result} is what the inner lane answered. */
        private int pause(final FusedCommand command, final int result) {
            final Pause pause = take();
            pause.command = command;
            pause.result = result == FusedCommand.PENDING ? 0 : result;
            loop.timers().schedule(pause, loop.preciseNow() + nanos);
            return FusedCommand.PENDING;
        }

        private Pause take() {
            final Pause pause = idleCount > 0 ? idle[--idleCount] : null;
            return pause == null ? new Pause(this) : pause;
        }

        private void recycle(final Pause pause) {
            if (idleCount == idle.length) {
                idle = Arrays.copyOf(idle, idleCount * 2);
            }
            idle[idleCount++] = pause;
        }

        @Override
        public void detach() {
            next.detach();
        }
    }

    /** One operation that waits; used again. */
    private static final class Pause extends Timer {
        private final Lane lane;
        private @Nullable FusedCommand command;
        private @Nullable ExtentQuery query;
        private int result;

        private Pause(final Lane lane) {
            this.lane = lane;
        }

        @Override
        protected void expired() {
            final FusedCommand held = command;
            final ExtentQuery asked = query;
            final int outcome = result;
            command = null;
            query = null;
            lane.recycle(this);
            if (held != null) {
                held.giveBack(outcome);
            }
            if (asked != null) {
                lane.next.extents(asked);
            }
        }
    }
}
