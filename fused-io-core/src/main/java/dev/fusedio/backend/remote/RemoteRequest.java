package dev.fusedio.backend.remote;

import dev.fusedio.nbd.client.ClientRequest;
import org.jspecify.annotations.Nullable;

/** One request on its way through a {@link RemoteQueue}. Pooled; the loop's thread only. */
final class RemoteRequest extends ClientRequest {
    /** What a request waits to do while its holes are filled. */
    enum Sequel {
        NONE,
        /** Its reply is whole. */
        FINISH,
        /** Its connection is gone. */
        SEND_AGAIN
    }

    /** Order of arrival. */
    long sequence;

    /** When it arrived, in the loop's nanoseconds. */
    long arrivedAt;

    /** Holes that are being filled. */
    int filling;

    /** What is to follow when its last hole is filled. */
    Sequel sequel = Sequel.NONE;

    /** In the queue's list of what waits. */
    @Nullable RemoteRequest next;

    /** In the queue's list of what changes the export. */
    @Nullable RemoteRequest nextChange;

    @Nullable RemoteRequest previousChange;

    boolean overlaps(final RemoteRequest other) {
        return position() < other.position() + other.length() && other.position() < position() + length();
    }
}
