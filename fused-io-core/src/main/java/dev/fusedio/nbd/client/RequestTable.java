package dev.fusedio.nbd.client;

import org.jspecify.annotations.Nullable;

/**
 * The requests in flight on one connection, by their cookies. A cookie holds an index and a count that no other request of
 * the connection has, so that a reply which comes twice finds nothing. The loop's thread only.
 */
final class RequestTable {
    /** Requests that it can hold. */
    static final int DEPTH = 256;

    private static final int INDEX_BITS = 16;
    private static final int INDEX_MASK = (1 << INDEX_BITS) - 1;

    private final @Nullable ClientRequest[] requests = new ClientRequest[DEPTH];
    private final int[] free = new int[DEPTH];
    private int freeCount;
    private long lastCookie;
    private int directReads;
    private int awaited;

    RequestTable() {
        for (int i = DEPTH - 1; i >= 0; i--) {
            free[freeCount++] = i;
        }
    }

    boolean isFull() {
        return freeCount == 0;
    }

    boolean isEmpty() {
        return freeCount == DEPTH;
    }

    /** Requests whose reply hasn't ended. */
    int awaited() {
        return awaited;
    }

    /** Reads whose payload is to come straight to its buffer. */
    int directReads() {
        return directReads;
    }

    /** Takes a request in, and gives it its cookie. It isn't full. */
    void add(final ClientRequest request) {
        final int index = free[--freeCount];
        requests[index] = request;
        lastCookie += 1L << INDEX_BITS;
        request.cookie = lastCookie | index;
        awaited++;
        if (isDirect(request)) {
            directReads++;
        }
    }

    /** The request that awaits its reply under a cookie; null when there is none. */
    @Nullable ClientRequest find(final long cookie) {
        final int index = (int) cookie & INDEX_MASK;
        final ClientRequest request = index < DEPTH ? requests[index] : null;
        return request != null && request.cookie == cookie && !request.replied ? request : null;
    }

    /** A request's reply has ended; it stays until it is {@linkplain #remove removed}. */
    void markReplied(final ClientRequest request) {
        request.replied = true;
        awaited--;
    }

    void remove(final ClientRequest request) {
        final int index = (int) request.cookie & INDEX_MASK;
        requests[index] = null;
        free[freeCount++] = index;
        if (!request.replied) {
            awaited--;
        }
        if (isDirect(request)) {
            directReads--;
        }
    }

    /** Removes any; null when it is empty. */
    @Nullable ClientRequest removeAny() {
        for (int i = 0; i < DEPTH; i++) {
            final ClientRequest request = requests[i];
            if (request != null) {
                remove(request);
                return request;
            }
        }
        return null;
    }

    /** Whether one was sent before a time, in the loop's nanoseconds, and is still here. */
    boolean hasSentBefore(final long time) {
        if (isEmpty()) {
            return false;
        }
        for (final ClientRequest request : requests) {
            if (request != null && request.sentAt - time < 0) {
                return true;
            }
        }
        return false;
    }

    private static boolean isDirect(final ClientRequest request) {
        return request.isRead() && (!request.inMemory || request.length > ReplyParser.COPY_BYTES);
    }
}
