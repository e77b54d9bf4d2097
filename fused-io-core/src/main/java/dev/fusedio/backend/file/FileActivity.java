package dev.fusedio.backend.file;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * What goes on in a file because of this process, over all its lanes: whoever would make a system call on a loop looks
 * here whether it might wait. Any thread.
 */
final class FileActivity {
    private final AtomicInteger changes = new AtomicInteger();
    private final AtomicInteger syncs = new AtomicInteger();
    private volatile int refusedModes;

    /** The inode's lock will be held for a while: fallocate, ftruncate. */
    void beginChange() {
        changes.incrementAndGet();
    }

    void endChange() {
        changes.decrementAndGet();
    }

    /** A commit of the journal will be waited for: fdatasync, a durable write. */
    void beginSync() {
        syncs.incrementAndGet();
    }

    void endSync() {
        syncs.decrementAndGet();
    }

    /** Whether the inode's lock, and that of its page cache, may be held for a while. */
    boolean isChanging() {
        return changes.get() != 0;
    }

    /** Whether neither is the inode's lock held nor a commit of the journal under way. */
    boolean isQuiet() {
        return changes.get() == 0 && syncs.get() == 0;
    }

    /** The file system has answered EOPNOTSUPP to an fallocate of this mode: it isn't asked again. */
    void refuse(final int mode) {
        refusedModes |= mode; // modes that are lost in a race are refused once more
    }

    /** Whether an fallocate with this bit in its mode was refused. */
    boolean refuses(final int modeBit) {
        return (refusedModes & modeBit) != 0;
    }
}
