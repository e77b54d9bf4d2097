package dev.fusedio.backend.file;

import java.time.Duration;

/**
 * How a file or block device is opened.
 *
 * @param readOnly whether only for reading
 * @param direct whether to go past the page cache
 * @param forceShare whether to read although somebody else writes; for reading only
 * @param patience for how long to wait for somebody else who has it, as a process that was killed may for as long as its
 *     last operations take
 */
public record FileOptions(boolean readOnly, boolean direct, boolean forceShare, Duration patience) {
    private static final Duration USUAL_PATIENCE = Duration.ofSeconds(1);

    public FileOptions {
        if (forceShare && !readOnly) {
            throw new IllegalArgumentException("a file can be shared with writers for reading only");
        }
    }

    /** Shared with nobody who writes; a second of patience. */
    public static FileOptions of(final boolean readOnly, final boolean direct) {
        return new FileOptions(readOnly, direct, false, USUAL_PATIENCE);
    }

    public FileOptions withForceShare(final boolean wanted) {
        return new FileOptions(readOnly, direct, wanted, patience);
    }

    public FileOptions withPatience(final Duration wanted) {
        return new FileOptions(readOnly, direct, forceShare, wanted);
    }
}
