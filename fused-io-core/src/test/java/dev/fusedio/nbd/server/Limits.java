package dev.fusedio.nbd.server;

import java.time.Duration;

/** The default limits with a few changed. */
final class Limits {
    private static final NbdLimits DEFAULTS = NbdLimits.defaults();

    private Limits() {}

    static NbdLimits counts(final int connections, final int handshakes, final int options) {
        return new NbdLimits(
                connections,
                connections,
                handshakes,
                Duration.ofHours(1), // so that a time limit doesn't do what these are for
                options,
                DEFAULTS.optionBytes(),
                DEFAULTS.requestsPerConnection(),
                DEFAULTS.bytesPerConnection(),
                DEFAULTS.requestsPerCore(),
                DEFAULTS.payloadAdvertised(),
                DEFAULTS.payloadAccepted(),
                DEFAULTS.stallTime(),
                DEFAULTS.idleTime());
    }

    static NbdLimits times(final Duration handshake, final Duration stall, final Duration idle) {
        return new NbdLimits(
                DEFAULTS.connections(),
                DEFAULTS.connectionsPerAddress(),
                DEFAULTS.handshakes(),
                handshake,
                DEFAULTS.options(),
                DEFAULTS.optionBytes(),
                DEFAULTS.requestsPerConnection(),
                DEFAULTS.bytesPerConnection(),
                DEFAULTS.requestsPerCore(),
                DEFAULTS.payloadAdvertised(),
                DEFAULTS.payloadAccepted(),
                stall,
                idle);
    }

    static NbdLimits flow(final int requestsPerConnection, final long bytesPerConnection, final int requestsPerCore) {
        return new NbdLimits(
                DEFAULTS.connections(),
                DEFAULTS.connectionsPerAddress(),
                DEFAULTS.handshakes(),
                DEFAULTS.handshakeTime(),
                DEFAULTS.options(),
                DEFAULTS.optionBytes(),
                requestsPerConnection,
                bytesPerConnection,
                requestsPerCore,
                DEFAULTS.payloadAdvertised(),
                DEFAULTS.payloadAccepted(),
                DEFAULTS.stallTime(),
                DEFAULTS.idleTime());
    }

    static NbdLimits perAddress(final int connectionsPerAddress) {
        return new NbdLimits(
                DEFAULTS.connections(),
                connectionsPerAddress,
                DEFAULTS.handshakes(),
                DEFAULTS.handshakeTime(),
                DEFAULTS.options(),
                DEFAULTS.optionBytes(),
                DEFAULTS.requestsPerConnection(),
                DEFAULTS.bytesPerConnection(),
                DEFAULTS.requestsPerCore(),
                DEFAULTS.payloadAdvertised(),
                DEFAULTS.payloadAccepted(),
                DEFAULTS.stallTime(),
                DEFAULTS.idleTime());
    }
}
