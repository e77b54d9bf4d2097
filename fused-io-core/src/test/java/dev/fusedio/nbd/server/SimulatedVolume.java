package dev.fusedio.nbd.server;

import dev.fusedio.fused.FusedCommand;
import dev.fusedio.fused.RingFile;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.ring.SimulatedFile;
import dev.fusedio.volume.Backend;
import dev.fusedio.volume.BackendCapabilities;
import dev.fusedio.volume.BackendLane;
import dev.fusedio.volume.ExtentQuery;
import java.util.SplittableRandom;

/**
 * A backend whose every operation goes through a simulated ring to a simulated file. By chance it takes writes from where
 * they were received, and answers for extents at once or later.
 */
final class SimulatedVolume implements Backend {
    private static final int PAGE = 4096;
    private static final int RWF_DSYNC = 0x2;
    private static final int PUNCH_HOLE_KEEP_SIZE = 0x3;
    private static final int ZERO_RANGE_KEEP_SIZE = 0x11;
    private static final int POSIX_FADV_WILLNEED = 3;

    private final SimulatedFile file;
    private final SplittableRandom random;
    private final boolean inline;

    SimulatedVolume(final SimulatedFile file, final SplittableRandom random) {
        this.file = file;
        this.random = random;
        this.inline = random.nextBoolean();
    }

    @Override
    public String description() {
        return "simulated";
    }

    @Override
    public BackendCapabilities capabilities() {
        return new BackendCapabilities(true, true, true, true, true, true, 0, false, false, 1, PAGE);
    }

    @Override
    public long size() {
        return file.size();
    }

    @Override
    public long allocatedBytes() {
        return file.size();
    }

    @Override
    public void grow(final long newSize) {
        file.truncate(newSize);
    }

    @Override
    public BackendLane attach(final CoreLoop loop) {
        return new Lane(loop);
    }

    @Override
    public void close() {
        // the simulated kernel's
    }

    private final class Lane implements BackendLane {
        private final CoreLoop loop;
        private final RingFile ringFile;

        private Lane(final CoreLoop loop) {
            this.loop = loop;
            this.ringFile = RingFile.install(loop, file.fd());
        }

        @Override
        public int read(final FusedCommand command, final int offset, final int length, final long position) {
            return command.read(ringFile, position, offset, length);
        }

        @Override
        public int write(
                final FusedCommand command,
                final int offset,
                final int length,
                final long position,
                final boolean durable) {
            return command.write(ringFile, position, offset, length, durable ? RWF_DSYNC : 0);
        }

        @Override
        public boolean writesInline() {
            return inline;
        }

        @Override
        public int flush(final FusedCommand command) {
            return command.dataSync(ringFile);
        }

        @Override
        public int trim(final FusedCommand command, final long position, final long length) {
            return command.allocate(ringFile, PUNCH_HOLE_KEEP_SIZE, position, length);
        }

        @Override
        public int zero(final FusedCommand command, final long position, final long length, final boolean mayTrim) {
            return command.allocate(ringFile, mayTrim ? PUNCH_HOLE_KEEP_SIZE : ZERO_RANGE_KEEP_SIZE, position, length);
        }

        @Override
        public int cache(final FusedCommand command, final long position, final int length) {
            return command.advise(ringFile, position, length, POSIX_FADV_WILLNEED);
        }

        @Override
        public void extents(final ExtentQuery query) {
            if (random.nextBoolean() || !loop.execute(() -> look(query))) {
                look(query);
            }
        }

        /** Pages of zeroes are holes. */
        private void look(final ExtentQuery query) {
            final byte[] content = file.content();
            final int end = (int) (query.position() + query.length());
            for (int at = (int) query.position(); at < end; ) {
                final int next = Math.min(end, (at / PAGE + 1) * PAGE);
                boolean zero = true;
                for (int i = at; i < next && zero; i++) {
                    zero = content[i] == 0;
                }
                if (!query.add(next - at, zero ? ExtentQuery.HOLE_AND_ZERO : ExtentQuery.DATA)) {
                    break;
                }
                at = next;
            }
            query.onExtents(0);
        }

        @Override
        public void detach() {
            ringFile.remove(loop);
        }
    }
}
