package dev.fusedio.ublk;

import dev.fusedio.fused.FusedCommand;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.volume.Backend;
import dev.fusedio.volume.BackendCapabilities;
import dev.fusedio.volume.BackendLane;
import dev.fusedio.volume.ExtentQuery;
import java.io.IOException;

/**
 * A backend in front of another that lets {@link ContractProbes} have the first READ and WRITE of {@link #PROBED} bytes
 * and the first FLUSH before they are carried out. For a device with one queue of one tag.
 */
final class ContractBackend implements Backend {
    /** Not a length that partition scans and the page cache use. */
    static final int PROBED = 12288;

    private final Backend inner;
    private final ContractProbes probes;

    ContractBackend(final Backend inner, final ContractProbes probes) {
        this.inner = inner;
        this.probes = probes;
    }

    @Override
    public String description() {
        return inner.description();
    }

    @Override
    public BackendCapabilities capabilities() {
        return inner.capabilities();
    }

    @Override
    public long size() {
        return inner.size();
    }

    @Override
    public long allocatedBytes() throws IOException {
        return inner.allocatedBytes();
    }

    @Override
    public void grow(final long newSize) throws IOException {
        inner.grow(newSize);
    }

    @Override
    public BackendLane attach(final CoreLoop loop) {
        return new Lane(inner.attach(loop));
    }

    @Override
    public void close() throws IOException {
        inner.close();
    }

    private final class Lane implements BackendLane {
        private final BackendLane next;
        private boolean readProbed;
        private boolean writeProbed;
        private boolean flushProbed;

        private Lane(final BackendLane next) {
            this.next = next;
        }

        @Override
        public int read(final FusedCommand command, final int offset, final int length, final long position) {
            if (readProbed || length != PROBED) {
                return next.read(command, offset, length, position);
            }
            readProbed = true;
            command.hold();
            probes.onRead(command, () -> end(command, next.read(command, offset, length, position)));
            return FusedCommand.PENDING;
        }

        @Override
        public int write(
                final FusedCommand command,
                final int offset,
                final int length,
                final long position,
                final boolean durable) {
            if (writeProbed || length != PROBED) {
                return next.write(command, offset, length, position, durable);
            }
            writeProbed = true;
            command.hold();
            probes.onWrite(command, () -> end(command, next.write(command, offset, length, position, durable)));
            return FusedCommand.PENDING;
        }

        @Override
        public int flush(final FusedCommand command) {
            if (flushProbed || !writeProbed) {
                return next.flush(command);
            }
            flushProbed = true;
            command.hold();
            probes.onFlush(command, () -> end(command, next.flush(command)));
            return FusedCommand.PENDING;
        }

        private void end(final FusedCommand command, final int result) {
            command.giveBack(result == FusedCommand.PENDING ? 0 : result);
        }

        @Override
        public boolean writesInline() {
            return false;
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
}
