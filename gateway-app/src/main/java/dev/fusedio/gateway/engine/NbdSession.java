package dev.fusedio.gateway.engine;

import java.time.Instant;
import java.util.List;

/**
 * An NBD session in transmission.
 *
 * @param id unique while the process runs
 * @param volume the export's name
 * @param peer the client's address
 * @param core the processor that serves it
 * @param openedAt when transmission began
 * @param features what was negotiated, such as {@code EXTENDED_HEADERS}
 * @param inFlight requests not answered yet
 * @param requests requests answered
 * @param bytesRead payload sent to the client
 * @param bytesWritten payload received from the client
 * @param errors requests answered with an error
 */
public record NbdSession(
        long id,
        String volume,
        String peer,
        int core,
        Instant openedAt,
        List<String> features,
        long inFlight,
        long requests,
        long bytesRead,
        long bytesWritten,
        long errors) {
    public NbdSession {
        features = List.copyOf(features);
    }
}
