package dev.fusedio.volume;

import dev.fusedio.fused.Direction;
import dev.fusedio.fused.FusedCommand;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.sys.Memory;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.ToIntFunction;

/** Does one operation after another on a lane, the way a front end does, and waits for each. */
public final class LaneDriver implements FusedCommand.Owner {
    private final CoreLoop loop;
    private final BackendLane lane;
    private final Consumer<BooleanSupplier> runUntil;
    private final FusedCommand command;
    private boolean secondariesDone;
    private boolean complete;
    private int result;

    /** @param runUntil runs the loop until something is true */
    public LaneDriver(final CoreLoop loop, final BackendLane lane, final Consumer<BooleanSupplier> runUntil) {
        this.loop = loop;
        this.lane = lane;
        this.runUntil = runUntil;
        this.command = new FusedCommand(loop, this);
    }

    @Override
    public void onSecondariesDone(final int firstError) {
        secondariesDone = true;
    }

    @Override
    public void onCommandComplete(final int outcome) {
        complete = true;
        result = outcome;
    }

    @Override
    public void onFailure(final RuntimeException e) {
        throw new AssertionError("a callback let an exception through", e);
    }

    /** Reads to a fresh buffer: 0 or a negated error number. */
    public int read(final byte[] target, final long position) {
        command.lease(target.length);
        final int issued = settle(lane.read(command, 0, target.length, position));
        if (issued >= 0 && command.borrow(Direction.DEST, 0, target.length) == 0) {
            Memory.get(command.address(0), target, 0, target.length);
            command.giveBackNow(0);
        }
        return finish(issued);
    }

    /** Writes by a leased buffer: 0 or a negated error number. */
    public int write(final byte[] source, final long position, final boolean durable) {
        command.lease(source.length);
        command.borrow(Direction.DEST, 0, source.length);
        Memory.put(command.address(0), source, 0, source.length);
        command.giveBackNow(0);
        command.seal();
        return finish(settle(lane.write(command, 0, source.length, position, durable)));
    }

    /** An operation without payload: 0 or a negated error number. */
    int plain(final ToIntFunction<FusedCommand> operation) {
        command.startWithoutBuffer();
        return finish(settle(operation.applyAsInt(command)));
    }

    public int flush() {
        return plain(lane::flush);
    }

    public int trim(final long position, final long length) {
        return plain(with -> lane.trim(with, position, length));
    }

    public int zero(final long position, final long length, final boolean mayTrim) {
        return plain(with -> lane.zero(with, position, length, mayTrim));
    }

    public int cache(final long position, final int length) {
        return plain(with -> lane.cache(with, position, length));
    }

    /** Asks for extents: "data 4096, hole 8192, …" or the error's number. */
    public String extents(final long position, final long length, final int maximum) {
        final Answer answer = new Answer();
        answer.ask(position, length, maximum);
        lane.extents(answer);
        runUntil.accept(() -> answer.text != null);
        return answer.text;
    }

    private int settle(final int issued) {
        if (issued == FusedCommand.PENDING) {
            runUntil.accept(() -> secondariesDone);
            secondariesDone = false;
            return 0;
        }
        return Math.min(issued, 0);
    }

    private int finish(final int outcome) {
        complete = false;
        command.finish(outcome);
        runUntil.accept(() -> complete);
        if (loop.slab().leased() != 0) {
            throw new AssertionError("the buffer is still on lease");
        }
        return result;
    }

    private static final class Answer extends ExtentQuery {
        private String text;

        private Answer() {
            super(64);
        }

        @Override
        public void onExtents(final int error) {
            if (text != null) {
                throw new AssertionError("answered twice");
            }
            final StringBuilder list = new StringBuilder();
            for (int i = 0; error == 0 && i < count(); i++) {
                list.append(i == 0 ? "" : ", ")
                        .append(extentState(i) == DATA ? "data " : "hole ")
                        .append(extentLength(i));
            }
            text = error == 0 ? list.toString() : Integer.toString(error);
        }
    }
}
