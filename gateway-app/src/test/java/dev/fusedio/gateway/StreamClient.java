package dev.fusedio.gateway;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;

/** A client of a stream of events that leaves as clients do: with a word, without one, or by reading no more. */
final class StreamClient implements AutoCloseable {
    private static final int PATIENCE_MILLIS = 30_000;

    private final Socket socket;
    private final BufferedReader in;

    private StreamClient(final Socket socket) throws IOException {
        this.socket = socket;
        this.in = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
    }

    /**
     * Opens a stream, and waits until it is answered.
     *
     * @param receiveBuffer bytes that the system keeps for it, so that one that stops reading is soon felt; 0 for the
     *     system's own
     */
    static StreamClient open(final String rest, final String path, final int receiveBuffer) throws IOException {
        final URI server = URI.create(rest);
        final Socket socket = new Socket();
        if (receiveBuffer > 0) {
            socket.setReceiveBufferSize(receiveBuffer); // before it is connected, or the window is agreed on already
        }
        socket.connect(new InetSocketAddress(server.getHost(), server.getPort()), PATIENCE_MILLIS);
        socket.setSoTimeout(PATIENCE_MILLIS);
        socket.getOutputStream()
                .write(("GET " + path + " HTTP/1.1\r\nHost: " + server.getAuthority()
                                + "\r\nAccept: text/event-stream\r\n\r\n")
                        .getBytes(StandardCharsets.US_ASCII));
        final StreamClient client = new StreamClient(socket);
        final String status = client.in.readLine();
        if (status == null || !status.startsWith("HTTP/1.1 200")) {
            socket.close();
            throw new IOException(path + " was answered " + status);
        }
        return client;
    }

    static StreamClient open(final String rest, final String path) throws IOException {
        return open(rest, path, 0);
    }

    /** Reads until a line holds {@code text}; gives that line. */
    String awaitLine(final String text) throws IOException {
        String line = in.readLine();
        while (line != null && !line.contains(text)) {
            line = in.readLine();
        }
        if (line == null) {
            throw new IOException("the stream ended before " + text);
        }
        return line;
    }

    /** Goes without a word: what comes is answered with a reset. */
    void reset() throws IOException {
        socket.setSoLinger(true, 0);
        socket.close();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
