package dev.fusedio.backend.remote;

import org.jspecify.annotations.Nullable;

/** The requests that no connection has yet, oldest first. The loop's thread only. */
final class PendingRequests {
    private @Nullable RemoteRequest head;
    private @Nullable RemoteRequest tail;
    private int count;
    private int lentReads;

    /** The oldest, which stays; null for none. */
    @Nullable RemoteRequest peek() {
        return head;
    }

    int count() {
        return count;
    }

    /** How many of them are {@linkplain RemoteRequest#isLentRead() reads to pages of the kernel's}. */
    int lentReads() {
        return lentReads;
    }

    /** Adds one that is younger than all. */
    void append(final RemoteRequest request) {
        count(request, 1);
        request.next = null;
        if (tail == null) {
            head = request;
        } else {
            tail.next = request;
        }
        tail = request;
    }

    /** Takes the oldest; null for none. */
    @Nullable RemoteRequest poll() {
        final RemoteRequest request = head;
        if (request != null) {
            count(request, -1);
            head = request.next;
            if (head == null) {
                tail = null;
            }
            request.next = null;
        }
        return request;
    }

    /** Puts a request back to where its age is: it goes before all that came later. */
    void insert(final RemoteRequest request) {
        count(request, 1);
        RemoteRequest before = null;
        RemoteRequest at = head;
        while (at != null && at.sequence < request.sequence) {
            before = at;
            at = at.next;
        }
        request.next = at;
        if (before == null) {
            head = request;
        } else {
            before.next = request;
        }
        if (at == null) {
            tail = request;
        }
    }

    private void count(final RemoteRequest request, final int by) {
        count += by;
        if (request.isLentRead()) {
            lentReads += by;
        }
    }
}
