package dev.fusedio.nbd.server;

import dev.fusedio.loop.MemoryQueue;
import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.nbd.wire.Rejection;
import dev.fusedio.sys.Memory;
import dev.fusedio.volume.ExtentQuery;

/** BLOCK_STATUS of base:allocation. */
final class StatusRequest extends NbdRequest implements MemoryQueue.Waiter {
    /** Descriptors of an answer at most; a shorter answer than the question is legal. */
    private static final int MAX_EXTENTS = 512;

    /** The longest range that a compact descriptor of 32 bits can tell of, and still a multiple of any block size. */
    private static final long MAX_COMPACT = 0xFFFF_0000L;

    private static final int COMPACT_BYTES = 8;
    private static final int EXTENDED_BYTES = 16;

    private final Extents extents = new Extents();

    StatusRequest(final NbdWorker worker, final long header) {
        super(worker, header);
    }

    @Override
    void start() {
        final long range = transmission().negotiated().extended() ? length() : Math.min(length(), MAX_COMPACT);
        extents.ask(offset(), range, has(NbdProtocol.CMD_FLAG_REQ_ONE) ? 1 : MAX_EXTENTS);
        backend().extents(extents);
    }

    private void onExtents(final int result) {
        if (isCut()) {
            retire();
        } else if (result < 0) {
            reject(Rejection.ofBackend(-result));
        } else {
            answer();
        }
    }

    private void answer() {
        final boolean extended = transmission().negotiated().extended();
        final int bytes = extents.count() * (extended ? EXTENDED_BYTES : COMPACT_BYTES);
        long at = leaseToFill(bytes);
        if (at == 0) {
            worker().loop().memory().await(this);
            return;
        }
        for (int i = 0; i < extents.count(); i++) {
            if (extended) {
                Memory.putLongBe(at, extents.extentLength(i));
                Memory.putLongBe(at + 8, extents.extentState(i));
                at += EXTENDED_BYTES;
            } else {
                Memory.putIntBe(at, (int) extents.extentLength(i));
                Memory.putIntBe(at + 4, extents.extentState(i));
                at += COMPACT_BYTES;
            }
        }
        filled();
        replyStatus(extents.count(), bytes);
    }

    @Override
    public void onMemory() {
        if (isCut()) {
            retire();
        } else {
            answer();
        }
    }

    @Override
    public void onCommandComplete(final int result) {
        retire();
    }

    private final class Extents extends ExtentQuery {
        Extents() {
            super(MAX_EXTENTS);
        }

        @Override
        public void onExtents(final int result) {
            StatusRequest.this.onExtents(result);
        }
    }
}
