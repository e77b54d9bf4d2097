package dev.fusedio.gateway.engine;

import dev.fusedio.cli.TrainingClient;
import java.io.IOException;
import java.net.InetSocketAddress;

/** A client of this process's own NBD server, for training runs. */
public final class Rehearsal {
    private static final int ROUNDS = 500;
    private static final long BYTES = 1 << 20;

    private Rehearsal() {}

    /**
     * Uses an export for a moment, and waits for the answers: never from a thread of the service's own.
     *
     * @param listener as {@link NbdSessions#listeners} names it, a TCP one
     * @param export of a volume of 1 MiB or more
     */
    public static void run(final String listener, final String export) throws IOException {
        final int colon = listener.lastIndexOf(':');
        final InetSocketAddress address =
                new InetSocketAddress(listener.substring(0, colon), Integer.parseInt(listener.substring(colon + 1)));
        TrainingClient.converse(address, export, BYTES, ROUNDS);
    }
}
