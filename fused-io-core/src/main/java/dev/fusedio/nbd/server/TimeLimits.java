package dev.fusedio.nbd.server;

import dev.fusedio.net.StreamChannel;

/** Looks whether a client's time is over, again and again. The loop's thread only. */
final class TimeLimits {
    /** A client that sent nothing for this time after the last reply was acknowledged doesn't look for more. */
    private static final long QUIET_NANOS = 100_000_000;

    /** A client that was sent the end of the stream, and has acknowledged it, may go on sending for this time. */
    private static final long LINGER_NANOS = 1_000_000_000;

    /** Time for a client to ask for an export it was listed. libnbd 1.14's nbdinfo takes 200 ms over TCP: its last send has MSG_MORE. */
    private static final long NANOS_PER_EXPORT = 500_000_000;

    /** A client that holds memory for so long, while others wait for some, has to move so many bytes. */
    private static final long SHORT_NANOS = 4_000_000_000L;

    private static final long SHORT_BYTES = 1 << 20;

    private final NbdWorker worker;
    private final NbdLimits limits;
    private final StreamChannel channel;
    private final long connectedAt;
    private long lingeringSince;
    private long shortSince;
    private long movedWhenShort;
    private long movedBefore;
    private long recent;

    TimeLimits(final NbdWorker worker, final StreamChannel channel) {
        this.worker = worker;
        this.limits = worker.limits();
        this.channel = channel;
        this.connectedAt = worker.loop().now();
    }

    /** Payload and replies, in bytes, that the connection moved between the last two looks. */
    long recent() {
        return recent;
    }

    /** Once for each look. */
    void look() {
        recent = channel.moved() - movedBefore;
        movedBefore = channel.moved();
    }

    /** A client that was listed many exports may ask for each of them. */
    long handshakeNanos(final int listed) {
        return limits.handshakeTime().toNanos() + listed * NANOS_PER_EXPORT;
    }

    boolean isHandshakeOver(final long now, final int listed) {
        return now - connectedAt > handshakeNanos(listed);
    }

    /** Why a client that has memory of the server's is cut; empty while it isn't. */
    String stall(final long now) {
        if (isTooSlow(now)) {
            return "the client left memory in use that others waited for: it moved less than " + (SHORT_BYTES >> 10)
                    + " KiB in " + SHORT_NANOS / 1_000_000_000 + " s";
        }
        if (channel.isSending()
                && now - channel.sendProgressAt() > limits.stallTime().toNanos()) {
            return "the client left replies unread for " + limits.stallTime().toSeconds() + " s";
        }
        if (channel.isPayloadArmed()
                && now - channel.payloadAwaitedAt() > limits.stallTime().toNanos()) {
            return "the client left a write without its payload for "
                    + limits.stallTime().toSeconds() + " s"; // it holds memory that others may need
        }
        return "";
    }

    /** Memory that a slow client holds is nobody's business until others wait for it. */
    private boolean isTooSlow(final long now) {
        if (!worker.isShort() || !(channel.isSending() || channel.isPayloadArmed())) {
            shortSince = 0;
            return false;
        }
        if (shortSince == 0 || now - shortSince >= SHORT_NANOS) {
            final boolean slow = shortSince != 0 && channel.moved() - movedWhenShort < SHORT_BYTES;
            shortSince = now;
            movedWhenShort = channel.moved();
            return slow;
        }
        return false;
    }

    /** Whether a session in which nothing is in flight has been silent for too long. */
    boolean isIdle(final long now) {
        return !limits.idleTime().isZero()
                && now - channel.lastReceivedAt() > limits.idleTime().toNanos();
    }

    long idleSeconds() {
        return limits.idleTime().toSeconds();
    }

    /** All is sent, and the client has seen the end of the stream. */
    void linger(final long now) {
        lingeringSince = now;
    }

    /** Whether a client that was sent the end of the stream has got everything, and has had time to close. */
    boolean hasLingered(final long now) {
        final boolean over = now - channel.lastReceivedAt() > QUIET_NANOS || now - lingeringSince > LINGER_NANOS;
        return over && channel.unacknowledged() == 0;
    }

    /** Whether a client that was told of a stop in its handshake doesn't leave. */
    boolean ignoresStop(final long now) {
        return now - channel.lastReceivedAt() > LINGER_NANOS && now - channel.sendProgressAt() > LINGER_NANOS;
    }
}
