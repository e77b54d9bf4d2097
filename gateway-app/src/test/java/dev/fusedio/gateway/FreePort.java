package dev.fusedio.gateway;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;

/** Ports of the loopback interface for processes that can't tell which one they were given. */
final class FreePort {
    private FreePort() {}

    /** One that nothing listens on; another process may take it meanwhile. */
    static int find() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
