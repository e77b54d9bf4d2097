package dev.fusedio.backend.remote;

import dev.fusedio.loop.CoreLoop;
import dev.fusedio.nbd.client.ClientHandshake;
import dev.fusedio.nbd.client.NbdUri;
import dev.fusedio.sys.Libc;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Makes connections on a thread of their own: an attempt may take as long as a name server, or a firewall, likes. */
final class ThreadConnector implements Connector {

    private final NbdUri uri;
    private final RemoteOptions options;
    private final CoreLoop loop;

    ThreadConnector(final NbdUri uri, final RemoteOptions options, final CoreLoop loop) {
        this.uri = uri;
        this.options = options;
        this.loop = loop;
    }

    @Override
    public void attempt(final Listener listener) {
        Thread.ofPlatform().name("nbd-connect").daemon(true).start(() -> connect(listener));
    }

    private void connect(final Listener listener) {
        try {
            answer(listener, ClientHandshake.connect(uri, options.headers(), options.connectTime()), "");
        } catch (final IOException | RuntimeException e) {
            answer(listener, null, e.getMessage() == null ? e.toString() : e.getMessage());
        }
    }

    private void answer(
            final Listener listener, final ClientHandshake.@Nullable Established established, final String failure) {
        if (!loop.post(() -> listener.onAttempt(established, failure)) && established != null) {
            Libc.transientInstance().files().close(established.fd());
        }
    }
}
