package dev.fusedio.backend.file;

import dev.fusedio.sys.Errno;
import dev.fusedio.sys.FileLocks;
import dev.fusedio.sys.Libc;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/**
 * Keeps two writers, or a writer and a reader, from one file or device: as qemu does for raw images, on the very same
 * bytes (qemu: block/file-posix.c, {@code raw_apply_lock_bytes}, {@code raw_check_lock_bytes}), so that qemu and this
 * program refuse each other.
 *
 * <p>For each permission that an opening has, byte 100 + its number is locked for reading; for each that it doesn't
 * share, byte 200 + its number. It is refused when somebody else has locked a byte that contradicts. The locks are of the
 * inode, whatever name led to it, and of one open file: within this process they hold as between processes.
 */
final class ImageLock {
    private static final long HAS = 100;
    private static final long DENIES = 200;
    private static final long BYTES = 64;

    /* Numbers of BLK_PERM_*: include/block/block-common.h */
    private static final int CONSISTENT_READ = 0;
    private static final int WRITE = 1;
    private static final int RESIZE = 3;

    private static final int[] NONE = {};
    private static final int[] READER = {CONSISTENT_READ};
    private static final int[] WRITER = {CONSISTENT_READ, WRITE, RESIZE};
    private static final int[] CHANGES = {WRITE, RESIZE};

    private static final long RETRY_NANOS = 20_000_000;

    private ImageLock() {}

    /**
     * Takes the locks for an open file; they go when it is closed.
     *
     * @param patience for how long to try: the rings of a process that was killed hold its files until their last
     *     operation has ended
     * @return empty; or why this file system has no locks, and the file is used without
     * @throws IOException in one line, if somebody else has the file
     */
    static String take(final int fd, final Path path, final FileOptions options, final Duration patience)
            throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            final FileLocks locks = new FileLocks(new Libc(arena), arena, fd);
            final int[] has = options.readOnly() ? READER : WRITER;
            final int[] denies = options.forceShare() ? NONE : CHANGES;
            for (long waited = 0; ; waited += RETRY_NANOS) {
                final int refused = attempt(locks, has, denies);
                if (refused < 0) {
                    release(locks);
                    return path + " can't be locked here (" + Errno.name(refused)
                            + "): nothing keeps another program from writing to it";
                }
                if (refused == 0) {
                    return "";
                }
                release(locks);
                if (waited >= patience.toNanos()) {
                    throw new IOException(refusal(path, refused, options.readOnly()));
                }
                LockSupport.parkNanos(RETRY_NANOS);
            }
        }
    }

    /** Gives the locks of an open file back, for one that may stay open a little longer in a ring. */
    static void release(final int fd) {
        try (Arena arena = Arena.ofConfined()) {
            release(new FileLocks(new Libc(arena), arena, fd));
        }
    }

    private static void release(final FileLocks locks) {
        locks.release(HAS, BYTES);
        locks.release(DENIES, BYTES);
    }

    /** Zero, the byte that contradicts, or a negated error number where there are no locks. */
    private static int attempt(final FileLocks locks, final int[] has, final int[] denies) {
        for (final int permission : has) {
            final int result = locks.share(HAS + permission);
            if (result < 0) {
                return result == -Errno.EAGAIN || result == -Errno.EACCES ? (int) HAS + permission : result;
            }
        }
        for (final int permission : denies) {
            final int result = locks.share(DENIES + permission);
            if (result < 0) {
                return result == -Errno.EAGAIN || result == -Errno.EACCES ? (int) DENIES + permission : result;
            }
        }
        int found = contradiction(locks, DENIES, has);
        if (found == 0) {
            found = contradiction(locks, HAS, denies);
        }
        return found;
    }

    private static int contradiction(final FileLocks locks, final long base, final int[] permissions) {
        for (final int permission : permissions) {
            final int held = locks.isHeldByOthers(base + permission);
            if (held != 0) {
                return held < 0 ? held : (int) base + permission;
            }
        }
        return 0;
    }

    private static String refusal(final Path path, final int at, final boolean readOnly) {
        final String what = at >= DENIES
                ? " is in use: somebody else has it open and does not allow "
                        + (at == DENIES + CONSISTENT_READ ? "reading" : "writing")
                : " is in use: somebody else has it open for writing";
        return path + what + " (another export, another gateway, or qemu)"
                + (readOnly ? "; --force-share reads it all the same" : "");
    }
}
