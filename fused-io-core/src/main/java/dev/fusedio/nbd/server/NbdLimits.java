package dev.fusedio.nbd.server;

import java.time.Duration;

/**
 * A limit on everything that a client could otherwise have without end.
 *
 * @param connections sessions and handshakes at one time, over all cores
 * @param connectionsPerAddress of these, those of one client address; Unix sockets have none
 * @param handshakes handshakes at one time; beyond it the oldest is cut
 * @param handshakeTime from connect to the end of the handshake
 * @param options options of one handshake
 * @param optionBytes data of one option
 * @param requestsPerConnection requests of one connection in flight; more wait in its socket
 * @param bytesPerConnection payload memory of one connection's requests in flight; more wait in its socket
 * @param requestsPerCore requests of all connections of a core in flight
 * @param payloadAdvertised the maximum payload that clients are told, bytes
 * @param payloadAccepted the maximum payload that is served, bytes
 * @param stallTime how long a client may leave replies unread, or a write without the payload it announced, before it is
 *     cut; a client slower than 2 MiB in this time is taken to be stalled
 * @param idleTime how long a session may send nothing before it is cut; zero for no limit
 */
public record NbdLimits(
        int connections,
        int connectionsPerAddress,
        int handshakes,
        Duration handshakeTime,
        int options,
        int optionBytes,
        int requestsPerConnection,
        long bytesPerConnection,
        int requestsPerCore,
        int payloadAdvertised,
        int payloadAccepted,
        Duration stallTime,
        Duration idleTime) {

    public NbdLimits {
        require("connections", connections, 1, 1_000_000);
        require("connectionsPerAddress", connectionsPerAddress, 1, 1_000_000);
        require("handshakes", handshakes, 1, 1_000_000);
        require("options", options, 1, 1_000_000);
        require("optionBytes", optionBytes, 4096 + 6, 1 << 20);
        require("requestsPerConnection", requestsPerConnection, 1, 65_536);
        require("bytesPerConnection", bytesPerConnection, 4096, 1L << 40);
        require("requestsPerCore", requestsPerCore, 1, 1 << 20);
        require("payloadAdvertised", payloadAdvertised, 1 << 20, 64 << 20);
        require("payloadAccepted", payloadAccepted, payloadAdvertised, 256 << 20);
        require("handshakeTime", handshakeTime.toMillis(), 1, 3_600_000);
        require("stallTime", stallTime.toMillis(), 1, 86_400_000);
        require("idleTime", idleTime.toMillis(), 0, Long.MAX_VALUE);
    }

    /** The defaults. */
    public static NbdLimits defaults() {
        return new NbdLimits(
                4096,
                2048,
                1024,
                Duration.ofSeconds(10),
                64,
                64 << 10,
                256,
                8L << 20,
                16_384,
                32 << 20,
                64 << 20,
                Duration.ofSeconds(30),
                Duration.ZERO);
    }

    private static void require(final String name, final long value, final long min, final long max) {
        if (value < min || value > max) {
            throw new IllegalArgumentException(name + ": " + value + "; " + min + " to " + max + " are possible");
        }
    }
}
