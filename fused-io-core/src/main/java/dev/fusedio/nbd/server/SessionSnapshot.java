package dev.fusedio.nbd.server;

import java.time.Instant;
import java.util.List;

/**
 * A session in transmission at one moment.
 *
 * @param id unique while the server runs
 * @param peer the client's address: {@code 192.0.2.1:4711}, {@code [2001:db8::1]:4711} or {@code unix}
 * @param export the volume's name
 * @param core where it is served
 * @param since when its transmission began
 * @param features what was negotiated: STRUCTURED_REPLY, EXTENDED_HEADERS, base:allocation, READ_ONLY
 * @param requests answered
 * @param inFlight taken from the wire and not answered
 * @param bytesRead payload sent
 * @param bytesWritten payload received
 * @param errors requests answered with an error
 */
public record SessionSnapshot(
        long id,
        String peer,
        String export,
        int core,
        Instant since,
        List<String> features,
        long requests,
        long inFlight,
        long bytesRead,
        long bytesWritten,
        long errors) {}
