package dev.fusedio.net;

import org.jspecify.annotations.Nullable;

/**
 * A message, or a part of one, on its way out through a {@link GatheredSend}: a header and a payload, both in native
 * memory that stays as it is until {@link #onReplySent}. The loop's thread only.
 */
public abstract class Outgoing {
    /** The link of the queue that holds this one. */
    @Nullable Outgoing next;

    /** The header's address; it is copied when the message is gathered. */
    protected abstract long header();

    /** Bytes of the header, 0 for none. */
    protected abstract int headerBytes();

    /** The payload's address; it is sent from where it lies. */
    protected abstract long payload();

    /** Bytes of the payload, 0 for none. */
    protected abstract int payloadBytes();

    /** Whether nothing may come between this part and the next of the same message. */
    protected abstract boolean isToBeContinued();

    /**
     * The part has left, or never will.
     *
     * @param delivered whether the socket took all of it
     */
    protected abstract void onReplySent(boolean delivered);
}
