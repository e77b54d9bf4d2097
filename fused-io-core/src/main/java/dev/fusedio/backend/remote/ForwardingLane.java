package dev.fusedio.backend.remote;

import dev.fusedio.fused.Direction;
import dev.fusedio.fused.FusedCommand;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.loop.Timer;
import dev.fusedio.sys.Errno;
import dev.fusedio.volume.BackendLane;
import dev.fusedio.volume.ExtentQuery;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * A remote export on a loop that has no connection to it: what is asked here is done by a loop that has one, which is lent
 * the very memory. Each request crosses twice by mailbox. Buffers of the kernel's belong to one ring and can't be lent
 * across (-EOPNOTSUPP); front ends that have them run on loops with connections.
 */
final class ForwardingLane implements BackendLane {
    private static final long RETRY_NANOS = 100_000;

    private enum Operation {
        READ,
        WRITE,
        FLUSH,
        TRIM,
        ZERO,
        CACHE,
        EXTENTS
    }

    private final CoreLoop here;
    private final CoreLoop there;
    private final RemoteLane lane;
    private final ArrayDeque<Crossing> idle = new ArrayDeque<>();

    ForwardingLane(final CoreLoop here, final RemoteQueue queue) {
        this.here = here;
        this.there = queue.loop();
        this.lane = new RemoteLane(queue);
    }

    private Crossing crossing(final Operation operation, final long position, final long length) {
        Crossing crossing = idle.pollFirst();
        if (crossing == null) {
            crossing = new Crossing();
        }
        crossing.operation = operation;
        crossing.position = position;
        crossing.length = length;
        return crossing;
    }

    private int transfer(
            final Operation operation,
            final FusedCommand command,
            final int offset,
            final int length,
            final long position,
            final boolean durable) {
        if (!command.inMemory()) {
            return -Errno.EOPNOTSUPP;
        }
        final Direction way = operation == Operation.READ ? Direction.DEST : Direction.SRC;
        final int refused = command.borrow(way, offset, length);
        if (refused != 0) {
            return refused;
        }
        if (length == 0) {
            command.giveBackNow(0);
            return 0;
        }
        final Crossing crossing = crossing(operation, position, length);
        crossing.address = command.address(offset);
        crossing.flag = durable;
        return crossing.leave(command, null);
    }

    @Override
    public int read(final FusedCommand command, final int offset, final int length, final long position) {
        return transfer(Operation.READ, command, offset, length, position, false);
    }

    @Override
    public int write(
            final FusedCommand command,
            final int offset,
            final int length,
            final long position,
            final boolean durable) {
        return transfer(Operation.WRITE, command, offset, length, position, durable);
    }

    @Override
    public boolean writesInline() {
        return false;
    }

    private int plain(
            final Operation operation,
            final FusedCommand command,
            final long position,
            final long length,
            final boolean flag) {
        final int refused = command.hold();
        if (refused != FusedCommand.PENDING) {
            return refused;
        }
        final Crossing crossing = crossing(operation, position, length);
        crossing.flag = flag;
        return crossing.leave(command, null);
    }

    @Override
    public int flush(final FusedCommand command) {
        return plain(Operation.FLUSH, command, 0, 0, false);
    }

    @Override
    public int trim(final FusedCommand command, final long position, final long length) {
        return plain(Operation.TRIM, command, position, length, false);
    }

    @Override
    public int zero(final FusedCommand command, final long position, final long length, final boolean mayTrim) {
        return plain(Operation.ZERO, command, position, length, mayTrim);
    }

    @Override
    public int cache(final FusedCommand command, final long position, final int length) {
        return plain(Operation.CACHE, command, position, length, false);
    }

    @Override
    public void extents(final ExtentQuery query) {
        crossing(Operation.EXTENTS, query.position(), query.length()).leave(null, query);
    }

    @Override
    public void detach() {
        for (final Crossing crossing : idle) {
            crossing.dispose();
        }
        idle.clear();
    }

    /** One request over there and back. Used by one loop at a time; the mailboxes hand it over. Pooled. */
    private final class Crossing extends ExtentQuery implements Runnable, FusedCommand.Owner {
        private static final int EXTENTS = 1024;

        private final Runnable back = this::arrive;
        private final Timer postThere = new Retry(true);
        private final Timer postBack = new Retry(false);
        private Operation operation = Operation.FLUSH;
        private long address;
        private long position;
        private long length;
        private boolean flag;
        private int result;
        private @Nullable FusedCommand command;
        private @Nullable ExtentQuery query;

        /** Its like on the other loop, which lends the same memory there. */
        private @Nullable FusedCommand twin;

        private Crossing() {
            super(EXTENTS);
        }

        /** Here. */
        private int leave(final @Nullable FusedCommand of, final @Nullable ExtentQuery asked) {
            command = of;
            query = asked;
            if (asked != null) {
                ask(asked.position(), asked.length(), asked.limit());
            }
            post(true);
            return FusedCommand.PENDING;
        }

        private void post(final boolean outward) {
            final CoreLoop to = outward ? there : here;
            if (to.execute(outward ? this : back)) {
                return;
            }
            if (!to.hasEnded()) {
                final CoreLoop from = outward ? here : there;
                from.timers().schedule(outward ? postThere : postBack, from.now() + RETRY_NANOS);
            } else if (outward) {
                result = -Errno.EIO;
                arrive();
            } // else nobody is left who waits for it
        }

        /** There. */
        @Override
        public void run() {
            if (operation == Operation.EXTENTS) {
                lane.extents(this);
                return;
            }
            if (twin == null) {
                twin = new FusedCommand(there, this);
            }
            final int issued = issue(twin);
            if (issued != FusedCommand.PENDING) {
                twin.finish(Math.min(issued, 0));
            }
        }

        private int issue(final FusedCommand lending) {
            final int bytes = (int) length;
            switch (operation) {
                case READ -> lending.provide(address, bytes, Direction.DEST);
                case WRITE -> lending.provide(address, bytes, Direction.SRC);
                default -> lending.startWithoutBuffer();
            }
            return switch (operation) {
                case READ -> lane.read(lending, 0, bytes, position);
                case WRITE -> lane.write(lending, 0, bytes, position, flag);
                case FLUSH -> lane.flush(lending);
                case TRIM -> lane.trim(lending, position, length);
                case ZERO -> lane.zero(lending, position, length, flag);
                case CACHE -> lane.cache(lending, position, bytes);
                case EXTENTS -> -Errno.EINVAL;
            };
        }

        @Override
        public void onSecondariesDone(final int firstError) {
            if (twin != null) {
                twin.finish(firstError);
            }
        }

        @Override
        public void onCommandComplete(final int outcome) {
            result = Math.min(outcome, 0);
            post(false);
        }

        @Override
        public void onExtents(final int outcome) {
            result = outcome;
            post(false);
        }

        @Override
        public void onFailure(final RuntimeException e) {
            there.errors().accept(e);
        }

        /** Here again. */
        private void arrive() {
            final FusedCommand of = command;
            final ExtentQuery asked = query;
            final int outcome = result;
            command = null;
            query = null;
            if (asked != null) {
                for (int i = 0; outcome == 0 && i < count(); i++) {
                    asked.add(extentLength(i), extentState(i));
                }
            }
            idle.addFirst(this);
            if (of != null) {
                of.giveBack(outcome);
            } else if (asked != null) {
                asked.onExtents(outcome);
            }
        }

        private void dispose() {
            final FusedCommand used = twin;
            if (used != null && !there.hasEnded()) {
                there.execute(used::dispose); // a full mailbox costs the loop one slot of 2^24
            }
        }

        private final class Retry extends Timer {
            private final boolean outward;

            private Retry(final boolean outward) {
                this.outward = outward;
            }

            @Override
            protected void expired() {
                post(outward);
            }
        }
    }
}
