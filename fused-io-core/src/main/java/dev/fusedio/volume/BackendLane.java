package dev.fusedio.volume;

import dev.fusedio.fused.FusedCommand;

/**
 * A backend as one core loop uses it. The loop's thread only.
 *
 * <p>Every operation is a secondary of {@code command}. It returns {@link FusedCommand#PENDING} and the command's owner
 * is told later, or it has ended already and returns zero or more, or a negated error number. Ranges have been checked
 * against size and block size before.
 */
public interface BackendLane {
    /** Reads {@code length} bytes at {@code position} to {@code offset} of the command's buffer. */
    int read(FusedCommand command, int offset, int length, long position);

    /**
     * Writes {@code length} bytes at {@code offset} of the command's buffer to {@code position}.
     *
     * @param durable whether the data must be on stable storage before this ends (FUA)
     */
    int write(FusedCommand command, int offset, int length, long position, boolean durable);

    /**
     * Whether a write that isn't durable would end at once if issued now, so that it can take its data from where it
     * was received.
     */
    boolean writesInline();

    /** Makes everything durable that has ended on any lane before. */
    int flush(FusedCommand command);

    /** Declares a range unneeded; what it reads afterwards is undefined. */
    int trim(FusedCommand command, long position, long length);

    /**
     * Makes a range read as zeroes without writing them one by one.
     *
     * @param mayTrim whether the range may become a hole
     * @return as all; -EOPNOTSUPP when this storage can't, and zeroes are to be written
     */
    int zero(FusedCommand command, long position, long length, boolean mayTrim);

    /** Asks for a range to be brought into the cache; a hint. */
    int cache(FusedCommand command, long position, int length);

    /** Finds out which parts of a range are holes. Answers to the query, on this thread, possibly before returning. */
    void extents(ExtentQuery query);

    /** Ends the lane's use; nothing is in flight any more. */
    void detach();
}
