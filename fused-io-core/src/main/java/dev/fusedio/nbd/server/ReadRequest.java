package dev.fusedio.nbd.server;

import dev.fusedio.loop.MemoryQueue;
import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.nbd.wire.Rejection;
import dev.fusedio.volume.ExtentQuery;

/** READ: segment by segment from the backend to the socket; holes as such, where the client can be told of them. */
final class ReadRequest extends NbdRequest implements MemoryQueue.Waiter {
    /** Reads at least this long look for holes first. */
    private static final int SPARSE_BYTES = 64 << 10;

    private static final int SPARSE_EXTENTS = 16;

    private final Extents extents = new Extents();
    private boolean sparse;
    private int extent;
    private long extentLeft;
    private long done;
    private int segment;

    ReadRequest(final NbdWorker worker, final long header) {
        super(worker, header);
    }

    @Override
    void start() {
        done = 0;
        sparse = false;
        if (length() == 0) {
            replyDone();
        } else if (length() >= SPARSE_BYTES
                && transmission().negotiated().structured()
                && !has(NbdProtocol.CMD_FLAG_DF)
                && transmission().negotiated().volume().capabilities().canExtents()) {
            extents.ask(offset(), length(), SPARSE_EXTENTS);
            backend().extents(extents);
        } else {
            readNext();
        }
    }

    private void onExtents(final int result) {
        sparse = result == 0 && extents.count() > 0; // otherwise all of it is read as data, which is always true
        extent = 0;
        extentLeft = sparse ? extents.extentLength(0) : 0;
        if (isCut()) {
            retire();
        } else {
            readNext();
        }
    }

    private void readNext() {
        if (sparse && extentLeft == 0 && extent + 1 < extents.count()) {
            extentLeft = extents.extentLength(++extent);
        }
        long left = length() - done;
        if (sparse && extentLeft > 0) { // behind what the answer had room for, all is read as data
            left = Math.min(left, extentLeft);
            if (extents.extentState(extent) == ExtentQuery.HOLE_AND_ZERO) {
                segment = (int) Math.min(left, 1 << 30);
                replyHole(offset() + done, segment, done + segment == length());
                return;
            }
        }
        segment = transmission().segment(left);
        if (command().lease(segment) < 0) {
            worker().loop().memory().await(this);
            return;
        }
        settle(backend().read(command(), 0, segment, offset() + done));
    }

    @Override
    public void onMemory() {
        if (isCut()) {
            retire();
        } else {
            readNext();
        }
    }

    @Override
    public void onSecondariesDone(final int firstError) {
        if (firstError < 0) {
            command().finish(firstError);
        } else {
            command().seal();
            replyData(offset() + done, segment, done == 0, done + segment == length());
        }
    }

    @Override
    public void onCommandComplete(final int result) {
        if (isCut()) {
            retire();
        } else if (result < 0) {
            if (done > 0 && (isUndivided() || !transmission().negotiated().structured())) {
                failMidway(-result);
            } else {
                reject(Rejection.ofBackend(-result));
            }
        } else if (isLastChunk()) {
            retire();
        } else {
            onChunkSent();
        }
    }

    @Override
    void onChunkSent() {
        done += segment;
        extentLeft = Math.max(extentLeft - segment, 0);
        if (isCut()) {
            retire();
        } else {
            readNext();
        }
    }

    private final class Extents extends ExtentQuery {
        Extents() {
            super(SPARSE_EXTENTS);
        }

        @Override
        public void onExtents(final int result) {
            ReadRequest.this.onExtents(result);
        }
    }
}
