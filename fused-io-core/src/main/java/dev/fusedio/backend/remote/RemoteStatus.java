package dev.fusedio.backend.remote;

/**
 * How a remote export stands at a moment.
 *
 * @param connections wanted
 * @param live connected now
 * @param sessions connections made so far, the first ones included
 * @param replays requests that were sent again after their connection had ended
 * @param lastFailure why a connection ended, or could not be made, the last time; empty if never
 * @param serverText what the server said last with an error; bounded and without control characters
 */
public record RemoteStatus(
        int connections, int live, long sessions, long replays, String lastFailure, String serverText) {
    static RemoteStatus none(final int connections) {
        return new RemoteStatus(connections, 0, 0, 0, "", "");
    }

    /** Both together; of the texts, this one's where it has any. */
    RemoteStatus plus(final RemoteStatus other) {
        return new RemoteStatus(
                connections + other.connections,
                live + other.live,
                sessions + other.sessions,
                replays + other.replays,
                lastFailure.isEmpty() ? other.lastFailure : lastFailure,
                serverText.isEmpty() ? other.serverText : serverText);
    }
}
