package dev.fusedio.volume;

import dev.fusedio.fused.FusedCommand;
import dev.fusedio.sys.Errno;

/**
 * A backend's lane whose flushes and durable writes fail once one of them has, on whatever lane of the volume. All front
 * ends come through here.
 */
final class LatchedLane implements BackendLane {
    private final BackendLane next;
    private final FailureLatch latch;

    LatchedLane(final BackendLane next, final FailureLatch latch) {
        this.next = next;
        this.latch = latch;
    }

    @Override
    public int read(final FusedCommand command, final int offset, final int length, final long position) {
        return next.read(command, offset, length, position);
    }

    @Override
    public int write(
            final FusedCommand command,
            final int offset,
            final int length,
            final long position,
            final boolean durable) {
        if (!durable) {
            return next.write(command, offset, length, position, false);
        }
        if (latch.isSet()) {
            return -Errno.EIO;
        }
        command.reviewBy(latch);
        return latch.review(next.write(command, offset, length, position, true));
    }

    @Override
    public boolean writesInline() {
        return next.writesInline();
    }

    @Override
    public int flush(final FusedCommand command) {
        if (latch.isSet()) {
            return -Errno.EIO;
        }
        command.reviewBy(latch);
        return latch.review(next.flush(command));
    }

    @Override
    public int trim(final FusedCommand command, final long position, final long length) {
        return next.trim(command, position, length);
    }

    @Override
    public int zero(final FusedCommand command, final long position, final long length, final boolean mayTrim) {
        return next.zero(command, position, length, mayTrim);
    }

    @Override
    public int cache(final FusedCommand command, final long position, final int length) {
        return next.cache(command, position, length);
    }

    @Override
    public void extents(final ExtentQuery query) {
        next.extents(query);
    }

    @Override
    public void detach() {
        next.detach();
    }
}
