package dev.fusedio.sys;

/** A range of mapped memory. Closed by its owner, once, when nothing in flight can reach it any more. */
public final class Mapping implements AutoCloseable {

    private static final int MAP_NORESERVE = 0x4000;

    private final Libc libc;
    private final long address;
    private final long length;
    private boolean closed;

    private Mapping(final Libc libc, final long address, final long length) {
        this.libc = libc;
        this.address = address;
        this.length = length;
    }

    /** Maps {@code length} bytes of {@code fd} at {@code offset}, shared with the kernel, as io_uring's rings are. */
    public static Mapping ofDescriptor(
            final Libc libc, final int fd, final long offset, final long length, final String what)
            throws SystemCallException {
        final long address = SystemCallException.check(
                libc.memory()
                        .mmap(
                                length,
                                MemoryCalls.PROT_READ_WRITE,
                                MemoryCalls.MAP_SHARED | MemoryCalls.MAP_POPULATE,
                                fd,
                                offset),
                "mmap " + what);
        return new Mapping(libc, address, length);
    }

    /** Maps {@code length} bytes of {@code fd} at {@code offset} that the kernel writes and this process only reads. */
    public static Mapping readOnly(
            final Libc libc, final int fd, final long offset, final long length, final String what)
            throws SystemCallException {
        final long address = SystemCallException.check(
                libc.memory()
                        .mmap(
                                length,
                                MemoryCalls.PROT_READ,
                                MemoryCalls.MAP_SHARED | MemoryCalls.MAP_POPULATE,
                                fd,
                                offset),
                "mmap " + what);
        return new Mapping(libc, address, length);
    }

    /** Maps {@code length} bytes of zeroed memory that are backed only when first touched. */
    public static Mapping anonymous(final Libc libc, final long length, final String what) throws SystemCallException {
        final long address = SystemCallException.check(
                libc.memory()
                        .mmap(
                                length,
                                MemoryCalls.PROT_READ_WRITE,
                                MemoryCalls.MAP_PRIVATE | MemoryCalls.MAP_ANONYMOUS,
                                -1,
                                0),
                "mmap " + what);
        return new Mapping(libc, address, length);
    }

    /** As {@link #anonymous} without a claim on memory before it is touched, for sparse stores. */
    public static Mapping sparse(final Libc libc, final long length, final String what) throws SystemCallException {
        final int flags = MemoryCalls.MAP_PRIVATE | MemoryCalls.MAP_ANONYMOUS | MAP_NORESERVE;
        final long address = SystemCallException.check(
                libc.memory().mmap(length, MemoryCalls.PROT_READ_WRITE, flags, -1, 0), "mmap " + what);
        return new Mapping(libc, address, length);
    }

    /** Asks for huge pages, a hint that the kernel is free to ignore. */
    public void adviseHugePages() {
        libc.memory().madvise(address, length, MemoryCalls.MADV_HUGEPAGE);
    }

    /** The first byte's address; page aligned. */
    public long address() {
        return address;
    }

    /** Bytes mapped. */
    public long length() {
        return length;
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            libc.memory().munmap(address, length);
        }
    }
}
