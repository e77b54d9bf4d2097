package dev.fusedio.nbd.server;

import dev.fusedio.net.ListenAddress;
import java.util.List;

/**
 * @param listen where to listen, at least one address
 * @param limits bounds for clients
 */
public record NbdServerConfig(List<ListenAddress> listen, NbdLimits limits) {
    public NbdServerConfig {
        listen = List.copyOf(listen);
        if (listen.isEmpty()) {
            throw new IllegalArgumentException("no address to listen at");
        }
    }
}
