package dev.fusedio.backend.remote;

import dev.fusedio.nbd.client.ClientHandshake;
import org.jspecify.annotations.Nullable;

/** Makes connections for a queue, away from its loop. */
interface Connector {
    /** Told, on the loop's thread, how an attempt went. */
    interface Listener {
        /**
         * The attempt has ended.
         *
         * @param established the connection; null when there is none
         * @param failure why; empty when there is one
         */
        void onAttempt(ClientHandshake.@Nullable Established established, String failure);
    }

    /** Tries once. The listener is told later, unless the loop has ended by then. */
    void attempt(Listener listener);
}
