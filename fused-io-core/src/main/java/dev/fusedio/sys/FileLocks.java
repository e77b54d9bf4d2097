package dev.fusedio.sys;

import java.lang.foreign.Arena;

/**
 * Locks of single bytes of one open file, which belong to it and to no process (open file description locks, fcntl(2)).
 * They go when the last descriptor of that opening is closed, and others do not end them. One thread.
 */
public final class FileLocks {
    private static final short F_RDLCK = 0;
    private static final short F_WRLCK = 1;
    private static final short F_UNLCK = 2;

    /* struct flock of 64-bit systems; l_whence 0 is SEEK_SET, l_pid must be 0 for these commands */
    private static final int FLOCK_BYTES = 32;
    private static final int L_TYPE = 0;
    private static final int L_START = 8;
    private static final int L_LEN = 16;

    private final Libc libc;
    private final int fd;
    private final long flock;

    /**
     * @param arena of what {@code libc} writes to, alive as long as this
     * @param fd open for reading
     */
    public FileLocks(final Libc libc, final Arena arena, final int fd) {
        this.libc = libc;
        this.fd = fd;
        this.flock = arena.allocate(FLOCK_BYTES, 8).address();
    }

    private int call(final int command, final short type, final long first, final long length) {
        Memory.zero(flock, FLOCK_BYTES);
        Memory.putShort(flock + L_TYPE, type);
        Memory.putLong(flock + L_START, first);
        Memory.putLong(flock + L_LEN, length);
        return libc.files().fcntl(fd, command, flock);
    }

    /** Locks a byte as a reader, beside other readers: 0; -EAGAIN when somebody has it exclusively; or another error. */
    public int share(final long at) {
        return call(FileCalls.F_OFD_SETLK, F_RDLCK, at, 1);
    }

    /** Whether anybody else, in this process or another, has locked a byte in any way: 1 or 0, or an error. */
    public int isHeldByOthers(final long at) {
        final int result = call(FileCalls.F_OFD_GETLK, F_WRLCK, at, 1);
        return result < 0 ? result : Memory.getShort(flock + L_TYPE) == F_UNLCK ? 0 : 1;
    }

    /** Gives back the locks of a range. */
    public void release(final long first, final long length) {
        call(FileCalls.F_OFD_SETLK, F_UNLCK, first, length);
    }
}
