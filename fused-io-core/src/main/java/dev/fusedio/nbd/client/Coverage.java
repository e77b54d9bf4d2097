package dev.fusedio.nbd.client;

/**
 * Which bytes of a read have come. The chunks of a structured reply may come in any order, but never overlap, and must be
 * complete: what the server left out would be what was in the buffer before.
 */
final class Coverage {
    /** Gaps that are kept track of; servers send in order, or nearly. */
    private static final int MAX_RUNS = 64;

    private final int[] begins = new int[MAX_RUNS];
    private final int[] ends = new int[MAX_RUNS];
    private int runs;

    void clear() {
        runs = 0;
    }

    /** Adds {@code [begin, end)}. False when some of it has come before, or in too many pieces. */
    boolean add(final int begin, final int end) {
        int at = runs;
        while (at > 0 && begins[at - 1] >= begin) {
            at--;
        }
        if ((at > 0 && ends[at - 1] > begin) || (at < runs && begins[at] < end)) {
            return false;
        }
        final boolean joinsBefore = at > 0 && ends[at - 1] == begin;
        final boolean joinsAfter = at < runs && begins[at] == end;
        if (joinsBefore && joinsAfter) {
            ends[at - 1] = ends[at];
            remove(at);
        } else if (joinsBefore) {
            ends[at - 1] = end;
        } else if (joinsAfter) {
            begins[at] = begin;
        } else {
            return insert(at, begin, end);
        }
        return true;
    }

    private void remove(final int at) {
        runs--;
        System.arraycopy(begins, at + 1, begins, at, runs - at);
        System.arraycopy(ends, at + 1, ends, at, runs - at);
    }

    private boolean insert(final int at, final int begin, final int end) {
        if (runs == MAX_RUNS) {
            return false;
        }
        System.arraycopy(begins, at, begins, at + 1, runs - at);
        System.arraycopy(ends, at, ends, at + 1, runs - at);
        begins[at] = begin;
        ends[at] = end;
        runs++;
        return true;
    }

    /** Whether {@code [0, length)} has come. */
    boolean isComplete(final int length) {
        return runs == 1 && begins[0] == 0 && ends[0] == length;
    }
}
