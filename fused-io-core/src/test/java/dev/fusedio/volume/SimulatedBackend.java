package dev.fusedio.volume;

import dev.fusedio.backend.file.FileBackend;
import dev.fusedio.backend.file.FileLane;
import dev.fusedio.backend.file.OpenFile;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.ring.SimulatedFile;
import java.nio.file.Path;

/** A file backend over a file of the simulated kernel: the real {@link FileLane}, every byte by the ring. */
public final class SimulatedBackend implements Backend {
    private final SimulatedFile file;
    private final FileBackend lanes;
    private final int lendFrom;

    public SimulatedBackend(final SimulatedFile file) {
        this(file, 0);
    }

    /** @param lendFrom as a remote export declares it, more than 0 */
    public SimulatedBackend(final SimulatedFile file, final int lendFrom) {
        this.file = file;
        this.lendFrom = lendFrom;
        // No look for holes and no inline writes: both would be system calls, which the simulation doesn't see.
        final OpenFile open = new OpenFile(
                file.fd(), Path.of("simulated"), false, file.size(), 1, 4096, 0, false, false, false, true);
        this.lanes = new FileBackend(open, false, false, Runnable::run);
    }

    @Override
    public String description() {
        return "simulated file";
    }

    @Override
    public BackendCapabilities capabilities() {
        final BackendCapabilities can = lanes.capabilities();
        return new BackendCapabilities(
                can.canTrim(),
                can.canFastZero(),
                can.canFua(),
                can.canExtents(),
                can.canMultiConnect(),
                can.canBorrowKernelBuffer(),
                lendFrom,
                can.readOnly(),
                can.rotational(),
                can.minimumBlock(),
                can.preferredBlock());
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
        return lanes.attach(loop);
    }

    @Override
    public void close() {
        // the simulated kernel ends with its test
    }
}
