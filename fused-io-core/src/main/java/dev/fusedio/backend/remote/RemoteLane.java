package dev.fusedio.backend.remote;

import dev.fusedio.fused.Direction;
import dev.fusedio.fused.FusedCommand;
import dev.fusedio.nbd.client.ClientRequest;
import dev.fusedio.nbd.client.ExportInfo;
import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.sys.Errno;
import dev.fusedio.volume.BackendLane;
import dev.fusedio.volume.ExtentQuery;

/** A remote export on a loop that has connections of its own to it. */
final class RemoteLane implements BackendLane {
    private final RemoteQueue queue;
    private final ExportInfo export;

    RemoteLane(final RemoteQueue queue) {
        this.queue = queue;
        this.export = queue.promised();
    }

    @Override
    public int read(final FusedCommand command, final int offset, final int length, final long position) {
        return transfer(command, Direction.DEST, offset, length, position, false);
    }

    @Override
    public int write(
            final FusedCommand command,
            final int offset,
            final int length,
            final long position,
            final boolean durable) {
        return transfer(command, Direction.SRC, offset, length, position, durable);
    }

    private int transfer(
            final FusedCommand command,
            final Direction way,
            final int offset,
            final int length,
            final long position,
            final boolean durable) {
        if (queue.isExpired()) {
            return -Errno.EIO;
        }
        final int refused = command.borrow(way, offset, length);
        if (refused != 0) {
            return refused;
        }
        if (length == 0) {
            command.giveBackNow(0);
            return 0;
        }
        final int type = way == Direction.DEST ? NbdProtocol.CMD_READ : NbdProtocol.CMD_WRITE;
        final boolean byFua = durable && export.has(NbdProtocol.FLAG_SEND_FUA);
        final int flags = byFua ? NbdProtocol.CMD_FLAG_FUA : 0;
        // a server that has neither FUA nor a flush keeps nothing in a cache
        final boolean flushAfter = durable && !byFua && export.has(NbdProtocol.FLAG_SEND_FLUSH);
        final int most = export.maximumPayload();
        for (int done = 0; done < length; done += Math.min(length - done, most)) {
            final RemoteRequest request = queue.take();
            final int part = Math.min(length - done, most);
            request.askTransfer(command, type, flags, flushAfter, offset + done, position + done, part);
            if (done > 0 && command.borrow(way, offset + done, part) != 0) {
                throw new IllegalStateException("a part of a range can't be borrowed though the whole can");
            }
            queue.submit(request);
        }
        return FusedCommand.PENDING;
    }

    @Override
    public boolean writesInline() {
        return false;
    }

    @Override
    public int flush(final FusedCommand command) {
        return export.has(NbdProtocol.FLAG_SEND_FLUSH) ? plain(command, NbdProtocol.CMD_FLUSH, 0, 0, 0) : 0;
    }

    @Override
    public int trim(final FusedCommand command, final long position, final long length) {
        return export.has(NbdProtocol.FLAG_SEND_TRIM)
                ? plain(command, NbdProtocol.CMD_TRIM, 0, position, length)
                : 0; // a hint
    }

    @Override
    public int zero(final FusedCommand command, final long position, final long length, final boolean mayTrim) {
        final int flags = mayTrim ? 0 : NbdProtocol.CMD_FLAG_NO_HOLE;
        return export.has(NbdProtocol.FLAG_SEND_WRITE_ZEROES)
                ? plain(command, NbdProtocol.CMD_WRITE_ZEROES, flags, position, length)
                : -Errno.EOPNOTSUPP;
    }

    @Override
    public int cache(final FusedCommand command, final long position, final int length) {
        return export.has(NbdProtocol.FLAG_SEND_CACHE)
                ? plain(command, NbdProtocol.CMD_CACHE, 0, position, length)
                : 0; // a hint
    }

    private int plain(
            final FusedCommand command, final int type, final int flags, final long position, final long length) {
        if (queue.isExpired()) {
            return -Errno.EIO;
        }
        if (length == 0 && type != NbdProtocol.CMD_FLUSH) {
            return 0;
        }
        final long most = export.extended() ? Long.MAX_VALUE : ClientRequest.MAX_COMPACT_LENGTH;
        long done = 0;
        do {
            final int refused = command.hold();
            if (refused != FusedCommand.PENDING) {
                return refused;
            }
            final RemoteRequest request = queue.take();
            final long part = Math.min(length - done, most);
            request.askPlain(command, type, flags, position + done, part);
            done += part;
            queue.submit(request);
        } while (done < length);
        return FusedCommand.PENDING;
    }

    @Override
    public void extents(final ExtentQuery query) {
        if (export.allocationContext() == ExportInfo.NO_CONTEXT) {
            query.resetToData();
            query.onExtents(0);
            return;
        }
        if (queue.isExpired()) {
            query.onExtents(-Errno.EIO);
            return;
        }
        final RemoteRequest request = queue.take();
        request.askExtents(query);
        queue.submit(request);
    }

    @Override
    public void detach() {
        // the connections are the backend's, and end with it
    }
}
