package dev.fusedio.backend.file;

import dev.fusedio.fused.Direction;
import dev.fusedio.fused.FileTransfer;
import dev.fusedio.fused.FusedCommand;
import dev.fusedio.loop.Completable;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.ring.Sqe;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.FileCalls;
import org.jspecify.annotations.Nullable;

/**
 * An operation of a {@link FileLane} during which other system calls on the file may wait: fallocate, which holds the
 * inode's lock, and fdatasync or a durable write, which wait for a commit of the journal. {@link FileActivity} knows of
 * it from its submission to its end. A long fallocate is cut into pieces, whose length follows the time that they take.
 * Pooled by its lane. The loop's thread only.
 */
final class SlowOperation implements Completable {

    private enum Kind {
        ALLOCATE,
        SYNC,
        DURABLE_WRITE
    }

    private final FileLane lane;
    private final CoreLoop loop;
    private final FileActivity activity;
    private final int slot;
    private final FileTransfer transfer = new FileTransfer();
    private @Nullable FusedCommand command;
    private Kind kind = Kind.SYNC;
    private int mode;
    private long at;
    private long end;
    private long piece;
    private long pieceBegun;

    SlowOperation(final FileLane lane) {
        this.lane = lane;
        this.loop = lane.loop();
        this.activity = lane.activity();
        this.slot = loop.register(this);
    }

    /** Begins fallocate; as an operation of {@link dev.fusedio.volume.BackendLane}. */
    int allocate(final FusedCommand of, final int fallocateMode, final long position, final long length) {
        final int refused = of.hold();
        if (refused != FusedCommand.PENDING) {
            lane.recycle(this);
            return refused;
        }
        begin(Kind.ALLOCATE, of);
        mode = fallocateMode;
        at = position;
        end = position + length;
        activity.beginChange();
        submitPiece();
        return FusedCommand.PENDING;
    }

    /** Begins fdatasync. */
    int sync(final FusedCommand of) {
        final int refused = of.hold();
        if (refused != FusedCommand.PENDING) {
            lane.recycle(this);
            return refused;
        }
        begin(Kind.SYNC, of);
        activity.beginSync();
        Sqe.fdatasync(loop.driver().sqe(), lane.ringFile().fd(), lane.ringFile().sqeFlag(), loop.userData(slot, 0));
        return FusedCommand.PENDING;
    }

    /** Begins a write that ends when its data is on stable storage; the buffer is on loan to it already. */
    void writeDurable(final FusedCommand of, final int offset, final int length, final long position) {
        begin(Kind.DURABLE_WRITE, of);
        activity.beginSync();
        transfer.start(
                loop,
                Direction.SRC,
                of.bufferIndex(),
                lane.ringFile(),
                position,
                of.inMemory() ? of.address(offset) : offset,
                length,
                FileCalls.RWF_DSYNC,
                loop.userData(slot, 0));
    }

    private void begin(final Kind which, final FusedCommand of) {
        kind = which;
        command = of;
    }

    private void submitPiece() {
        final long most = lane.pieceBytes();
        final long until = at + most < end ? (at + most) / most * most : end; // whole blocks, of any size, are freed
        piece = until - at;
        pieceBegun = loop.preciseNow();
        Sqe.fallocate(
                loop.driver().sqe(),
                lane.ringFile().fd(),
                lane.ringFile().sqeFlag(),
                mode,
                at,
                piece,
                loop.userData(slot, 0));
    }

    @Override
    public void onCompletion(final int tag, final int result, final int flags) {
        if (kind == Kind.ALLOCATE) {
            onPiece(result);
        } else if (kind == Kind.SYNC) {
            end(result);
        } else {
            final int total = transfer.advance(loop, result, loop.userData(slot, 0));
            if (total != FusedCommand.PENDING) {
                end(total);
            }
        }
    }

    private void onPiece(final int result) {
        if (result < 0) {
            if (result == -Errno.EOPNOTSUPP) {
                activity.refuse(mode);
            }
            end(result);
            return;
        }
        lane.pieceTook(piece, loop.preciseNow() - pieceBegun);
        at += piece;
        if (at < end) {
            submitPiece();
        } else {
            end(0);
        }
    }

    private void end(final int result) {
        if (kind == Kind.ALLOCATE) {
            activity.endChange();
        } else {
            activity.endSync();
        }
        final FusedCommand of = command;
        command = null;
        lane.recycle(this);
        if (of != null) {
            of.giveBack(result);
        }
    }

    @Override
    public void onFailure(final RuntimeException e) {
        final FusedCommand of = command;
        if (of != null) {
            of.onFailure(e);
        }
    }

    void dispose() {
        loop.release(slot);
    }
}
