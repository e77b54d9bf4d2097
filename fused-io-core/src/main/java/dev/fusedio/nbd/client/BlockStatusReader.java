package dev.fusedio.nbd.client;

import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.sys.Memory;
import dev.fusedio.volume.ExtentQuery;
import org.jspecify.annotations.Nullable;

/**
 * The content of a block status chunk: an identification of its context, then descriptors of extents, which are taken one
 * by one. Specification, "NBD_REPLY_TYPE_BLOCK_STATUS" and "NBD_REPLY_TYPE_BLOCK_STATUS_EXT". The loop's thread only.
 */
final class BlockStatusReader {
    private static final int MAX_DESCRIPTORS = 1 << 20;
    private static final long STATE_MASK = 3;

    private final ExportInfo export;
    private long descriptorsLeft;

    BlockStatusReader(final ExportInfo export) {
        this.export = export;
    }

    /** Descriptors that are still to come. */
    long descriptorsLeft() {
        return descriptorsLeft;
    }

    /** Bytes of one descriptor. */
    int descriptorBytes() {
        return export.extended() ? 16 : 8;
    }

    /** Bytes before the first descriptor. */
    int fixedBytes() {
        return export.extended() ? 8 : 4;
    }

    /** Judges a chunk by its header: what is wrong with it, or null. */
    @Nullable String check(final ClientRequest request, final int type, final long length) {
        final boolean wide = type == NbdProtocol.REPLY_TYPE_BLOCK_STATUS_EXT;
        if (request.query == null || request.statusCame || wide != export.extended()) {
            return "a block status came that nobody asked for, twice, or in the other form";
        }
        final long content = length - fixedBytes();
        if (content <= 0 || content % descriptorBytes() != 0 || content / descriptorBytes() > MAX_DESCRIPTORS) {
            return "a block status has an impossible length";
        }
        return null;
    }

    /** Takes {@link #fixedBytes} of a chunk that was checked: what is wrong with them, or null. */
    @Nullable String begin(final ClientRequest request, final long length, final long at) {
        final long descriptors = (length - fixedBytes()) / descriptorBytes();
        if ((Memory.getIntBe(at) & 0xFFFF_FFFFL) != export.allocationContext()
                || (export.extended() && (Memory.getIntBe(at + 4) & 0xFFFF_FFFFL) != descriptors)) {
            return "a block status is of another context, or has another number of extents than it says";
        }
        request.statusCame = true;
        descriptorsLeft = descriptors;
        return null;
    }

    /** Takes a descriptor, of which some are left: what is wrong with it, or null. */
    @Nullable String take(final ClientRequest request, final ExtentQuery query, final long at) {
        final long bytes = export.extended() ? Memory.getLongBe(at) : Memory.getIntBe(at) & 0xFFFF_FFFFL;
        final long state = export.extended() ? Memory.getLongBe(at + 8) : Memory.getIntBe(at + 4) & 0xFFFF_FFFFL;
        if (bytes <= 0) {
            return "an extent has no length";
        }
        descriptorsLeft--;
        final long missing = request.length - request.covered;
        if (missing > 0 && !query.isFull()) {
            final long part = Math.min(bytes, missing); // the last one may be longer than what was asked for
            query.add(part, (int) (state & STATE_MASK));
            request.covered += part;
        }
        return null;
    }
}
