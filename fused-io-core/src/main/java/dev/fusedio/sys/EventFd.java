package dev.fusedio.sys;

/** eventfd(2): a counter that wakes a sleeping core loop from another thread. */
public final class EventFd implements AutoCloseable {

    private final Libc owner;
    private final int fd;

    /** Opens one; {@code owner} is the loop thread's. */
    public EventFd(final Libc owner) throws SystemCallException {
        this.owner = owner;
        this.fd = (int) SystemCallException.check(owner.threads().eventfd(0, ThreadCalls.EFD_CLOEXEC), "eventfd");
    }

    public int fd() {
        return fd;
    }

    /** Adds one to the counter. Any thread. */
    public void signal() {
        final Waker waker = Waker.LOCAL.get();
        waker.libc.files().write(fd, waker.one, Long.BYTES);
    }

    @Override
    public void close() {
        owner.files().close(fd);
    }

    /** What a signalling thread needs: an errno segment of its own and the 64-bit number one in native memory. */
    private static final class Waker {
        static final ThreadLocal<Waker> LOCAL = ThreadLocal.withInitial(Waker::new);

        final java.lang.foreign.Arena arena = java.lang.foreign.Arena.ofAuto();
        final Libc libc = new Libc(arena);
        final long one =
                arena.allocateFrom(java.lang.foreign.ValueLayout.JAVA_LONG, 1L).address();
    }
}
