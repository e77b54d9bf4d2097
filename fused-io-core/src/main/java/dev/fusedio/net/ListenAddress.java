package dev.fusedio.net;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;

/** Where a server listens. */
public sealed interface ListenAddress {
    /**
     * A TCP port.
     *
     * @param address v4 or v6, the wildcard for all
     * @param port 0 for any that is free
     */
    record Tcp(InetAddress address, int port) implements ListenAddress {
        public Tcp {
            if (port < 0 || port > 65_535) {
                throw new IllegalArgumentException("port " + port + "; 0 to 65535 are possible");
            }
        }

        @Override
        public String toString() {
            final String host = address.getHostAddress();
            return (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
        }
    }

    /**
     * A Unix socket. One that a dead server left is replaced, one that answers is not.
     *
     * @param path at most 107 bytes
     */
    record Unix(Path path) implements ListenAddress {
        @Override
        public String toString() {
            return "unix:" + path;
        }
    }

    /** A TCP port of a host's name or number. */
    static ListenAddress tcp(final String host, final int port) {
        try {
            return new Tcp(InetAddress.getByName(host), port);
        } catch (final UnknownHostException e) {
            throw new IllegalArgumentException("listen address " + host + ": no such host", e);
        }
    }

    /** A Unix socket. */
    static ListenAddress unix(final Path path) {
        return new Unix(path);
    }
}
