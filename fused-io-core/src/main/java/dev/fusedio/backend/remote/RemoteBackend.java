package dev.fusedio.backend.remote;

import dev.fusedio.fused.SocketMechanism;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.nbd.client.ClientHandshake;
import dev.fusedio.nbd.client.ExportInfo;
import dev.fusedio.nbd.client.NbdConnectException;
import dev.fusedio.nbd.client.NbdUri;
import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.sys.Libc;
import dev.fusedio.volume.Backend;
import dev.fusedio.volume.BackendCapabilities;
import dev.fusedio.volume.BackendLane;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Another server's export as storage. Its connections are spread over core loops; a loop without one reaches them through
 * a loop that has. Connections that end are made again, and what they had not answered is sent again, for as long as
 * {@link RemoteOptions#reconnectTime} says.
 *
 * <p>A server that crashes loses what it had acknowledged and not yet flushed, as a disk with a volatile cache does at a
 * power cut: the next flush after a reconnect can't tell.
 */
public final class RemoteBackend implements Backend {
    /**
     * Shorter payloads are copied: their replies come many to a receive, while pages that are lent take one receive each, of
     * just their length (docs/performance.md, "Block devices").
     */
    private static final int LEND_FROM = 64 << 10;

    private final NbdUri uri;
    private final RemoteOptions options;
    private final ExportInfo export;
    private final SocketMechanism mechanism;
    private final List<RemoteQueue> queues = new ArrayList<>();

    private RemoteBackend(
            final NbdUri uri, final RemoteOptions options, final ExportInfo export, final SocketMechanism mechanism) {
        this.uri = uri;
        this.options = options;
        this.export = export;
        this.mechanism = mechanism;
    }

    /**
     * Connects and negotiates. Blocks, at most for {@link RemoteOptions#connectTime} a connection; not on a loop.
     *
     * @param loops the loops that will use it most; connections are spread over them in this order
     * @throws IOException when the export can't be had; the message says why
     */
    public static RemoteBackend connect(final NbdUri uri, final RemoteOptions options, final List<CoreLoop> loops)
            throws IOException {
        if (loops.isEmpty()) {
            throw new IllegalArgumentException("a remote export needs a core loop");
        }
        final SocketMechanism mechanism = options.mechanism() == null ? SocketMechanism.probe() : options.mechanism();
        final List<ClientHandshake.Established> established = new ArrayList<>();
        try {
            established.add(ClientHandshake.connect(uri, options.headers(), options.connectTime()));
            final ExportInfo export = established.getFirst().export();
            final boolean several =
                    export.has(NbdProtocol.FLAG_CAN_MULTI_CONN) || export.readOnly() || options.readOnly();
            while (several && established.size() < options.connections()) {
                final ClientHandshake.Established another =
                        ClientHandshake.connect(uri, options.headers(), options.connectTime());
                established.add(another);
                final String obstacle = export.obstacle(another.export());
                if (obstacle != null || another.export().size() != export.size()) {
                    throw new NbdConnectException(uri + ": the server describes the export differently to each"
                            + " connection" + (obstacle == null ? "" : ": " + obstacle));
                }
            }
            final RemoteBackend backend = new RemoteBackend(uri, options, export, mechanism);
            backend.spread(loops, established);
            return backend;
        } catch (final IOException | RuntimeException e) {
            established.forEach(each -> Libc.transientInstance().files().close(each.fd()));
            throw e;
        }
    }

    private void spread(final List<CoreLoop> loops, final List<ClientHandshake.Established> established)
            throws IOException {
        for (int i = 0; i < Math.min(loops.size(), established.size()); i++) {
            final CoreLoop loop = loops.get(i);
            final List<ClientHandshake.Established> own = new ArrayList<>();
            for (int at = i; at < established.size(); at += loops.size()) {
                own.add(established.get(at));
            }
            final RemoteQueue queue = new RemoteQueue(
                    loop, export, options, mechanism, own.size(), new ThreadConnector(uri, options, loop));
            queues.add(queue);
        }
        for (int i = 0; i < queues.size(); i++) {
            final RemoteQueue queue = queues.get(i);
            final List<ClientHandshake.Established> own = new ArrayList<>();
            for (int at = i; at < established.size(); at += loops.size()) {
                own.add(established.get(at));
            }
            if (!queue.loop().post(() -> queue.start(own))) {
                throw new IOException(uri + ": a core loop has ended");
            }
        }
    }

    @Override
    public String description() {
        return uri.toString();
    }

    /** How sockets borrow the kernel's buffers. */
    public SocketMechanism mechanism() {
        return mechanism;
    }

    /**
     * How many loops, from the first that {@link #connect} was given, have connections of their own. Only on these can
     * buffers of the kernel's be lent; a block device gets no more queues than this.
     */
    public int connectedLoops() {
        return queues.size();
    }

    /** How its connections stand. Any thread. */
    public RemoteStatus status() {
        return queues.stream().map(RemoteQueue::status).reduce(RemoteStatus.none(0), RemoteStatus::plus);
    }

    /** What the export can. A server without FUA gets a flush after the write, which does as well. */
    @Override
    public BackendCapabilities capabilities() {
        final boolean writable = !export.readOnly() && !options.readOnly();
        return new BackendCapabilities(
                writable && export.has(NbdProtocol.FLAG_SEND_TRIM),
                writable
                        && export.has(NbdProtocol.FLAG_SEND_WRITE_ZEROES)
                        && export.has(NbdProtocol.FLAG_SEND_FAST_ZERO),
                export.has(NbdProtocol.FLAG_SEND_FUA) || export.has(NbdProtocol.FLAG_SEND_FLUSH),
                export.allocationContext() != ExportInfo.NO_CONTEXT,
                true, // every lane's flush goes to a server that promised it, or all go by one connection
                true,
                LEND_FROM,
                !writable,
                export.has(NbdProtocol.FLAG_ROTATIONAL),
                export.minimumBlock(),
                export.preferredBlock());
    }

    @Override
    public long size() {
        return export.size();
    }

    @Override
    public long allocatedBytes() {
        return export.size();
    }

    @Override
    public void grow(final long newSize) throws IOException {
        throw new IOException(uri + " can't be grown from here: NBD has no such request. Grow it where it is served,"
                + " and open it again");
    }

    /** No: a flush also fails because the server can't be reached, which passes; what is lost there the server remembers. */
    @Override
    public boolean tellsFailureOnce() {
        return false;
    }

    @Override
    public BackendLane attach(final CoreLoop loop) {
        for (final RemoteQueue queue : queues) {
            if (queue.loop() == loop) {
                return new RemoteLane(queue);
            }
        }
        return new ForwardingLane(loop, queues.get(Math.floorMod(loop.core(), queues.size())));
    }

    /** Disconnects, in good order where the servers are there. Blocks; not on a loop. */
    @Override
    public void close() throws IOException {
        final CountDownLatch closed = new CountDownLatch(queues.size());
        for (final RemoteQueue queue : queues) {
            if (!queue.loop().post(() -> queue.close(closed::countDown))) {
                closed.countDown(); // its ring, and the sockets' use, ended with the loop
            }
        }
        final long limit = options.connectTime().plus(options.fenceTime()).toNanos() + 1_000_000_000;
        try {
            if (!closed.await(limit, TimeUnit.NANOSECONDS)) {
                throw new IOException(uri + ": the connections were not closed in time");
            }
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(uri + ": interrupted while disconnecting", e);
        }
    }
}
