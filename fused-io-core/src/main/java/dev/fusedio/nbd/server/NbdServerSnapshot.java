package dev.fusedio.nbd.server;

import java.util.Map;

/**
 * A server's counts at one moment.
 *
 * @param connections open, in handshake or transmission
 * @param sessions in transmission
 * @param accepted connections so far
 * @param negotiationFailures handshakes that came to nothing, by reason
 */
public record NbdServerSnapshot(
        int connections, int sessions, long accepted, Map<NegotiationFailure, Long> negotiationFailures) {}
