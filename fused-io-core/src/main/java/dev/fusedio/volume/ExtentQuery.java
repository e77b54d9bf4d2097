package dev.fusedio.volume;

/**
 * A question for a range's extents and the room for its answer. Pooled by its owner; filled by a backend on another
 * thread and then answered on the loop's.
 */
public abstract class ExtentQuery {
    /** The extent has no storage and reads as zeroes: NBD's STATE_HOLE and STATE_ZERO. */
    public static final int HOLE_AND_ZERO = 3;

    /** The extent holds data. */
    public static final int DATA = 0;

    private final long[] lengths;
    private final int[] states;
    private int count;
    private int limit;
    private long position;
    private long length;

    /** @param capacity how many extents an answer can have */
    protected ExtentQuery(final int capacity) {
        lengths = new long[capacity];
        states = new int[capacity];
    }

    /**
     * Sets the question.
     *
     * @param maximum extents wanted at most
     */
    public final void ask(final long from, final long bytes, final int maximum) {
        position = from;
        length = bytes;
        limit = Math.clamp(maximum, 1, lengths.length);
        count = 0;
    }

    public final long position() {
        return position;
    }

    public final long length() {
        return length;
    }

    /** Extents wanted at most. */
    public final int limit() {
        return limit;
    }

    /** Whether the answer has all the extents that were asked for. */
    public final boolean isFull() {
        return count == limit;
    }

    /** Adds an extent behind the last, joining those of one state. False when there is no room. */
    public final boolean add(final long bytes, final int state) {
        if (bytes <= 0) {
            throw new IllegalArgumentException("an extent of " + bytes + " bytes");
        }
        if (count > 0 && states[count - 1] == state) {
            lengths[count - 1] += bytes;
            return true;
        }
        if (isFull()) {
            return false;
        }
        lengths[count] = bytes;
        states[count++] = state;
        return true;
    }

    /** Forgets the answer; all of the range is taken for data. */
    public final void resetToData() {
        count = 0;
        add(length, DATA);
    }

    public final int count() {
        return count;
    }

    public final long extentLength(final int index) {
        return lengths[index];
    }

    public final int extentState(final int index) {
        return states[index];
    }

    /**
     * The answer is there. On the loop's thread.
     *
     * @param result 0, or a negated error number
     */
    public abstract void onExtents(int result);
}
