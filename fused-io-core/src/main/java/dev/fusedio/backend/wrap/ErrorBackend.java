package dev.fusedio.backend.wrap;

import dev.fusedio.fused.FusedCommand;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.sys.Errno;
import dev.fusedio.volume.Backend;
import dev.fusedio.volume.BackendLane;
import dev.fusedio.volume.ExtentQuery;
import dev.fusedio.volume.VolumeOperation;
import java.util.EnumSet;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * A wrapper that lets some operations fail before they reach storage, to test clients, as nbdkit's {@code error} filter
 * does. Each lane draws from its own sequence, so that what one core meets repeats from the seed.
 */
public final class ErrorBackend extends BackendWrapper {
    private final EnumSet<VolumeOperation> operations;
    private final int errno;
    private final double rate;
    private final long seed;

    /**
     * @param operations those that may fail
     * @param errno the error number they fail with, positive
     * @param rate how many of them fail, 0 to 1
     * @param seed of the choice which
     */
    public ErrorBackend(
            final Backend inner,
            final Set<VolumeOperation> operations,
            final int errno,
            final double rate,
            final long seed) {
        super(inner);
        if (errno <= 0 || errno > 4095) { // include/linux/err.h: MAX_ERRNO
            throw new IllegalArgumentException("errno " + errno + "; 1 to 4095 are possible");
        }
        if (!(rate >= 0 && rate <= 1)) {
            throw new IllegalArgumentException("an error rate of " + rate + "; 0 to 1 are possible");
        }
        this.operations = EnumSet.noneOf(VolumeOperation.class);
        this.operations.addAll(operations);
        this.errno = errno;
        this.rate = rate;
        this.seed = seed;
    }

    @Override
    public String description() {
        return inner().description() + " (" + Errno.name(errno) + " at a rate of " + rate + " for " + operations + ")";
    }

    @Override
    public BackendLane attach(final CoreLoop loop) {
        // The constant (2^64 by the golden ratio) keeps neighbouring cores' sequences apart.
        return new Lane(inner().attach(loop), new SplittableRandom(seed + loop.core() * 0x9E37_79B9_7F4A_7C15L));
    }

    private final class Lane implements BackendLane {
        private final BackendLane next;
        private final SplittableRandom random;

        private Lane(final BackendLane next, final SplittableRandom random) {
            this.next = next;
            this.random = random;
        }

        private boolean fails(final VolumeOperation operation) {
            return operations.contains(operation) && random.nextDouble() < rate;
        }

        @Override
        public int read(final FusedCommand command, final int offset, final int length, final long position) {
            return fails(VolumeOperation.READ) ? -errno : next.read(command, offset, length, position);
        }

        @Override
        public int write(
                final FusedCommand command,
                final int offset,
                final int length,
                final long position,
                final boolean durable) {
            return fails(VolumeOperation.WRITE) ? -errno : next.write(command, offset, length, position, durable);
        }

        @Override
        public boolean writesInline() {
            return next.writesInline();
        }

        @Override
        public int flush(final FusedCommand command) {
            return fails(VolumeOperation.FLUSH) ? -errno : next.flush(command);
        }

        @Override
        public int trim(final FusedCommand command, final long position, final long length) {
            return fails(VolumeOperation.TRIM) ? -errno : next.trim(command, position, length);
        }

        @Override
        public int zero(final FusedCommand command, final long position, final long length, final boolean mayTrim) {
            return fails(VolumeOperation.ZERO) ? -errno : next.zero(command, position, length, mayTrim);
        }

        @Override
        public int cache(final FusedCommand command, final long position, final int length) {
            return fails(VolumeOperation.CACHE) ? -errno : next.cache(command, position, length);
        }

        @Override
        public void extents(final ExtentQuery query) {
            if (fails(VolumeOperation.EXTENTS)) {
                query.onExtents(-errno);
            } else {
                next.extents(query);
            }
        }

        @Override
        public void detach() {
            next.detach();
        }
    }
}
