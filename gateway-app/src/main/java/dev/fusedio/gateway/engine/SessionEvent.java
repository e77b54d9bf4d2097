package dev.fusedio.gateway.engine;

/**
 * An NBD session opened or closed.
 *
 * @param type which of them
 * @param sessionId the session's id
 * @param volume the export's name
 * @param peer the client's address
 * @param reason why it closed; empty when it opened
 */
public record SessionEvent(Type type, long sessionId, String volume, String peer, String reason) {
    /** What happened. */
    public enum Type {
        /** Transmission began. */
        OPENED,
        /** The connection is gone. */
        CLOSED
    }
}
