package dev.fusedio.gateway;

import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * A request whose bytes are exactly those that are given, however wrong they are, and what is answered.
 *
 * @param status the HTTP status
 * @param type the content type; empty if there is none
 * @param body what was sent with it; of a stream of events nothing
 */
public record RawHttp(int status, String type, String body) {
    private static final int PATIENCE_MILLIS = 30_000;

    /**
     * Sends a request on a connection of its own.
     *
     * @param head all lines but those that are about the body and the connection, each with its end
     */
    public static RawHttp send(final int port, final String head, final byte[] body) throws IOException {
        return send(port, head, body, InetAddress.getLoopbackAddress());
    }

    /** The same as a client with that address of this machine. */
    public static RawHttp send(final int port, final String head, final byte[] body, final InetAddress from)
            throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port, from, 0)) {
            socket.setSoTimeout(PATIENCE_MILLIS);
            final String all = head + "Host: 127.0.0.1:" + port + "\r\nConnection: close\r\nContent-Length: "
                    + body.length + "\r\n\r\n";
            try {
                socket.getOutputStream().write(all.getBytes(StandardCharsets.UTF_8));
                socket.getOutputStream().write(body);
            } catch (final IOException ignored) {
                // it was refused before it was all there; the answer tells
            }
            return read(new DataInputStream(socket.getInputStream()));
        }
    }

    private static RawHttp read(final DataInputStream in) throws IOException {
        final String statusLine = line(in);
        String type = "";
        int length = -1;
        for (String header = line(in); !header.isEmpty(); header = line(in)) {
            final String lower = header.toLowerCase(Locale.ROOT);
            if (lower.startsWith("content-type:")) {
                type = header.substring("content-type:".length()).strip();
            } else if (lower.startsWith("content-length:")) {
                length = Integer.parseInt(
                        header.substring("content-length:".length()).strip());
            }
        }
        final int status = Integer.parseInt(statusLine.split(" ", 3)[1]);
        if (type.startsWith("text/event-stream") || length == 0) {
            return new RawHttp(status, type, "");
        }
        return new RawHttp(
                status,
                type,
                new String(length > 0 ? in.readNBytes(length) : in.readAllBytes(), StandardCharsets.UTF_8));
    }

    @SuppressWarnings("deprecation") // lines of ASCII, as they are meant here
    private static String line(final DataInputStream in) throws IOException {
        final String line = in.readLine();
        if (line == null) {
            throw new IOException("the connection was closed without an answer");
        }
        return line;
    }
}
