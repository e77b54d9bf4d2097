package dev.fusedio.backend.remote;

import dev.fusedio.fused.SocketMechanism;
import dev.fusedio.nbd.client.HeaderKind;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How a remote export is used.
 *
 * @param connections connections wanted, 1 to 64; one is made when the server doesn't promise that a flush on one covers
 *     all (CAN_MULTI_CONN) and the export is written to
 * @param readOnly whether writes are refused here already
 * @param headers the newest kind of headers to ask for
 * @param connectTime how long one attempt to connect and negotiate may take
 * @param requestTime how long the server may leave requests without any progress before the connection is given up
 * @param reconnectTime how long requests wait for a new connection before they fail with EIO
 * @param fenceTime how long a connection that was given up is listened to for its end, so that nothing of it is executed
 *     after what the next connection carries, before it is reset
 * @param mechanism how sockets borrow the kernel's buffers; null to find out what is possible
 * @param replayUnfenced whether changes are sent again although the server was not seen to end the connection that had
 *     them: it may execute what it still has from there after what the next connection carries. Without, they fail with EIO
 */
public record RemoteOptions(
        int connections,
        boolean readOnly,
        HeaderKind headers,
        Duration connectTime,
        Duration requestTime,
        Duration reconnectTime,
        Duration fenceTime,
        @Nullable SocketMechanism mechanism,
        boolean replayUnfenced) {
    private static final int MAX_CONNECTIONS = 64;

    public RemoteOptions {
        if (connections < 1 || connections > MAX_CONNECTIONS) {
            throw new IllegalArgumentException(
                    "connections: " + connections + "; 1 to " + MAX_CONNECTIONS + " are possible");
        }
        requirePositive("connectTime", connectTime);
        requirePositive("requestTime", requestTime);
        requirePositive("fenceTime", fenceTime);
        if (reconnectTime.isNegative()) {
            throw new IllegalArgumentException("reconnectTime: " + reconnectTime + " is negative");
        }
    }

    private static void requirePositive(final String name, final Duration time) {
        if (time.isNegative() || time.isZero()) {
            throw new IllegalArgumentException(name + ": " + time + " is not positive");
        }
    }

    /** One connection; half a minute for a silent server, and as long for one that comes back. */
    public static RemoteOptions defaults() {
        return new RemoteOptions(
                1,
                false,
                HeaderKind.EXTENDED,
                Duration.ofSeconds(10),
                Duration.ofSeconds(30),
                Duration.ofSeconds(30),
                Duration.ofSeconds(10),
                null,
                false);
    }

    public RemoteOptions withConnections(final int count) {
        return new RemoteOptions(
                count,
                readOnly,
                headers,
                connectTime,
                requestTime,
                reconnectTime,
                fenceTime,
                mechanism,
                replayUnfenced);
    }

    public RemoteOptions withReadOnly(final boolean yes) {
        return new RemoteOptions(
                connections,
                yes,
                headers,
                connectTime,
                requestTime,
                reconnectTime,
                fenceTime,
                mechanism,
                replayUnfenced);
    }

    public RemoteOptions withHeaders(final HeaderKind newest) {
        return new RemoteOptions(
                connections,
                readOnly,
                newest,
                connectTime,
                requestTime,
                reconnectTime,
                fenceTime,
                mechanism,
                replayUnfenced);
    }

    public RemoteOptions withMechanism(final SocketMechanism forced) {
        return new RemoteOptions(
                connections,
                readOnly,
                headers,
                connectTime,
                requestTime,
                reconnectTime,
                fenceTime,
                forced,
                replayUnfenced);
    }

    public RemoteOptions withReplayUnfenced(final boolean yes) {
        return new RemoteOptions(
                connections, readOnly, headers, connectTime, requestTime, reconnectTime, fenceTime, mechanism, yes);
    }

    /** The same with one time for a server that is silent and for one that is gone: each is waited for so long. */
    public RemoteOptions withTimeout(final Duration time) {
        return withTimes(connectTime, time, time, fenceTime);
    }

    /** The same with other limits; see the record. */
    public RemoteOptions withTimes(
            final Duration connect, final Duration request, final Duration reconnect, final Duration fence) {
        return new RemoteOptions(
                connections, readOnly, headers, connect, request, reconnect, fence, mechanism, replayUnfenced);
    }
}
