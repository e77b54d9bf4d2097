package dev.fusedio.gateway.engine;

import java.util.Map;

/**
 * What NBD sessions have done since the start. All only grows.
 *
 * @param opened sessions that reached transmission
 * @param closed sessions that ended, by the name of {@link dev.fusedio.nbd.server.SessionEnd} in small letters; every reason is there
 * @param requests answered, those with an error included
 * @param errors requests answered with an error
 * @param bytesRead payload sent to clients
 * @param bytesWritten payload received from clients
 */
public record SessionTotals(
        long opened, Map<String, Long> closed, long requests, long errors, long bytesRead, long bytesWritten) {
    public SessionTotals {
        closed = Map.copyOf(closed);
    }
}
