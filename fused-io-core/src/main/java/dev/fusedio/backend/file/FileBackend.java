package dev.fusedio.backend.file;

import dev.fusedio.loop.CoreLoop;
import dev.fusedio.sys.Libc;
import dev.fusedio.sys.SystemCallException;
import dev.fusedio.volume.Backend;
import dev.fusedio.volume.BackendCapabilities;
import dev.fusedio.volume.BackendLane;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Executor;

/** A raw regular file or a block device, through the page cache or past it (O_DIRECT). */
public final class FileBackend implements Backend {
    /** Large enough to amortise a request, small enough for a core's cache. */
    private static final int PREFERRED_BLOCK = 4096;

    private final OpenFile file;
    private final boolean direct;
    private final BackendCapabilities capabilities;
    private final Executor blocking;
    private final FileActivity activity = new FileActivity();
    private volatile long size;
    private volatile boolean holes;
    private String unlocked = "";

    public FileBackend(final OpenFile file, final boolean readOnly, final boolean direct, final Executor blocking) {
        this.file = file;
        this.direct = direct;
        this.blocking = blocking;
        this.size = file.size();
        this.holes = file.sparse();
        final int minimum = direct ? file.directAlignment() : file.logicalBlock();
        this.capabilities = new BackendCapabilities(
                !readOnly,
                !readOnly && file.zeroesFast(),
                true,
                file.canExtents(),
                true,
                true,
                0,
                readOnly,
                false,
                minimum,
                Math.max(Math.max(minimum, PREFERRED_BLOCK), Math.min(file.blockSize(), 65536)));
    }

    /**
     * Opens a file or block device that exists.
     *
     * @param direct whether to go past the page cache
     * @param blocking runs look-ups of extents, which block
     * @throws IOException naming the path and the reason
     */
    public static FileBackend open(
            final Path path, final boolean readOnly, final boolean direct, final Executor blocking) throws IOException {
        return open(path, FileOptions.of(readOnly, direct), blocking);
    }

    /**
     * Opens a file or block device that exists, and locks it as qemu does ({@link ImageLock}). A device that was set
     * read-only is opened for reading, whatever was asked for.
     *
     * @param blocking runs look-ups of extents, which block
     * @throws IOException naming the path and the reason, which may be that somebody else has it
     */
    public static FileBackend open(final Path path, final FileOptions options, final Executor blocking)
            throws IOException {
        final OpenFile file = OpenFile.open(path, options.readOnly(), options.direct());
        try {
            final boolean readOnly = options.readOnly() || OpenFile.isReadOnlyDevice(file);
            final FileBackend backend = new FileBackend(file, readOnly, options.direct(), blocking);
            backend.unlocked = ImageLock.take(file.fd(), path, options, options.patience());
            return backend;
        } catch (final IOException | RuntimeException e) {
            Libc.transientInstance().files().close(file.fd());
            throw e;
        }
    }

    /** Why the file is used without locks; empty when it is locked, or was not opened here. */
    public String unlocked() {
        return unlocked;
    }

    @Override
    public String description() {
        return (file.blockDevice() ? "block device " : "file ") + file.path() + (direct ? " (direct)" : "");
    }

    @Override
    public BackendCapabilities capabilities() {
        return capabilities;
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public long allocatedBytes() throws IOException {
        return file.blockDevice() ? size : OpenFile.allocated(file.fd(), file.path());
    }

    @Override
    public synchronized void grow(final long newSize) throws IOException {
        if (newSize < size) {
            throw new IllegalArgumentException("a volume of " + size + " bytes can't shrink to " + newSize);
        }
        if (file.blockDevice()) {
            throw new IOException(file.path() + " is a block device: grow the device, then open it again");
        }
        if (direct && newSize % file.directAlignment() != 0) {
            throw new IOException("direct I/O needs a size that is a multiple of " + file.directAlignment());
        }
        activity.beginChange();
        try {
            SystemCallException.check(
                    Libc.transientInstance().files().ftruncate(file.fd(), newSize),
                    "grow " + file.path() + " to " + newSize);
            SystemCallException.check(Libc.transientInstance().files().fdatasync(file.fd()), "sync " + file.path());
        } finally {
            activity.endChange();
        }
        noteHoles();
        size = newSize;
    }

    /** Whether parts of the file may have no storage; false spares the look. Any thread. */
    boolean mayHaveHoles() {
        return holes;
    }

    /** What goes on in the file. Any thread. */
    FileActivity activity() {
        return activity;
    }

    /** From now on parts of the file may have no storage. Any thread. */
    void noteHoles() {
        if (!holes) {
            holes = true;
        }
    }

    @Override
    public BackendLane attach(final CoreLoop loop) {
        return new FileLane(loop, this, file, blocking);
    }

    @Override
    public void close() throws IOException {
        ImageLock.release(file.fd()); // a ring may let go of the open file a little later
        SystemCallException.check(Libc.transientInstance().files().close(file.fd()), "close " + file.path());
    }
}
