package dev.fusedio.backend.remote;

import org.jspecify.annotations.Nullable;

/**
 * Keeps two requests that change the same bytes from being under way at once: the newer one is held until the older one
 * is answered, however often that has to be sent. The loop's thread only.
 */
final class ChangeFence {
    /** All that aren't answered, oldest first; those that are held are among them. */
    private @Nullable RemoteRequest head;

    private @Nullable RemoteRequest tail;
    private @Nullable RemoteRequest heldHead;
    private @Nullable RemoteRequest heldTail;

    /**
     * Takes note of a request that changes something.
     *
     * @return whether it may go now; else it is held
     */
    boolean admit(final RemoteRequest request) {
        request.previousChange = tail;
        request.nextChange = null;
        if (tail == null) {
            head = request;
        } else {
            tail.nextChange = request;
        }
        tail = request;
        if (overlapsOlder(request)) {
            hold(request);
            return false;
        }
        return true;
    }

    /**
     * A request was answered: those that waited for it may go.
     *
     * @return whether there are such
     */
    boolean answered(final RemoteRequest request, final PendingRequests released) {
        remove(request);
        boolean some = false;
        RemoteRequest held = heldHead;
        heldHead = null;
        heldTail = null;
        while (held != null) {
            final RemoteRequest following = held.next;
            if (overlapsOlder(held)) {
                hold(held);
            } else {
                released.insert(held);
                some = true;
            }
            held = following;
        }
        return some;
    }

    private void remove(final RemoteRequest request) {
        final RemoteRequest before = request.previousChange;
        final RemoteRequest after = request.nextChange;
        if (before == null) {
            head = after;
        } else {
            before.nextChange = after;
        }
        if (after == null) {
            tail = before;
        } else {
            after.previousChange = before;
        }
        request.previousChange = null;
        request.nextChange = null;
    }

    private boolean overlapsOlder(final RemoteRequest request) {
        RemoteRequest other = head;
        while (other != null && other != request) {
            if (other.overlaps(request)) {
                return true;
            }
            other = other.nextChange;
        }
        return false;
    }

    private void hold(final RemoteRequest request) {
        request.next = null;
        if (heldTail == null) {
            heldHead = request;
        } else {
            heldTail.next = request;
        }
        heldTail = request;
    }
}
