package dev.fusedio.gateway.engine;

import java.time.Duration;

/** What is behind a block device. */
public sealed interface DeviceSource {
    /**
     * A volume of this gateway.
     *
     * @param volume open, by this data plane
     */
    record Local(OpenVolume volume) implements DeviceSource {}

    /**
     * Another server's export.
     *
     * @param uri {@code nbd://HOST[:PORT]/EXPORT} or {@code nbd+unix:///EXPORT?socket=PATH}
     * @param connections wanted, 1 to 64
     * @param timeout how long the server may be silent before its connection is given up, and how long requests wait for
     *     a new one before they fail
     */
    record Remote(String uri, int connections, Duration timeout) implements DeviceSource {}
}
