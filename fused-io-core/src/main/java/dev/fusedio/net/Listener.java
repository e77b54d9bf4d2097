package dev.fusedio.net;

import dev.fusedio.loop.Completable;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.loop.Timer;
import dev.fusedio.ring.IoUring;
import dev.fusedio.ring.Sqe;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.SocketCalls;
import java.io.IOException;
import java.util.function.IntConsumer;

/** A listening socket on one loop: one submission accepts connection after connection. The loop's thread only. */
public final class Listener implements Completable {
    private static final int TAG_ACCEPT = 0;
    private static final int TAG_CANCEL = 1;

    /** After an error; twice as long after each that follows, up to the second. The client waits in the backlog. */
    private static final long FIRST_RETRY_NANOS = 100_000_000;

    private static final long LAST_RETRY_NANOS = 5_000_000_000L;
    private static final long REPORT_NANOS = 60_000_000_000L;

    private final CoreLoop loop;
    private final int fd;
    private final int slot;
    private final IntConsumer accepted;
    private boolean closing;
    private boolean armed;
    private long retryNanos = FIRST_RETRY_NANOS;
    private long failures;
    private boolean reported;
    private long reportedAt;

    private final Timer retry = new Timer() {
        @Override
        protected void expired() {
            arm();
        }
    };

    /** @param accepted is given each new descriptor */
    public Listener(final CoreLoop loop, final int fd, final IntConsumer accepted) {
        this.loop = loop;
        this.fd = fd;
        this.accepted = accepted;
        this.slot = loop.register(this);
        arm();
    }

    private void arm() {
        if (!closing) {
            armed = true;
            Sqe.acceptMultishot(loop.driver().sqe(), fd, loop.userData(slot, TAG_ACCEPT));
        }
    }

    @Override
    public void onCompletion(final int tag, final int result, final int flags) {
        if (tag == TAG_CANCEL) {
            return;
        }
        if (result >= 0) {
            retryNanos = FIRST_RETRY_NANOS;
            accepted.accept(result);
        }
        if ((flags & IoUring.CQE_F_MORE) != 0) {
            return;
        }
        armed = false;
        if (closing) {
            finish();
        } else if (result >= 0) {
            arm(); // the kernel ended the multishot
        } else {
            onError(result);
        }
    }

    /** Out of descriptors or memory, or whatever else: it may pass, and doesn't pass sooner for being asked at once. */
    private void onError(final int error) {
        failures++;
        if (!reported || loop.now() - reportedAt >= REPORT_NANOS) {
            loop.errors()
                    .accept(new IOException("accepting connections: " + Errno.name(error)
                            + (failures == 1 ? "" : ", " + failures + " times so far") + "; it is tried again"));
            reported = true;
            reportedAt = loop.now();
        }
        loop.timers().schedule(retry, loop.now() + retryNanos);
        retryNanos = Math.min(retryNanos * 2, LAST_RETRY_NANOS);
    }

    @Override
    public void onFailure(final RuntimeException e) {
        if (!armed && !closing) {
            loop.timers().schedule(retry, loop.now() + FIRST_RETRY_NANOS);
        }
    }

    /** The loop is gone: no client is to wait in a backlog that nothing is taken from. */
    @Override
    public void onLoopEnd() {
        loop.libc().sockets().shutdown(fd, SocketCalls.SHUT_RDWR);
        loop.libc().files().close(fd);
    }

    public CoreLoop loop() {
        return loop;
    }

    /** Accepts no more. */
    public void close() {
        if (closing) {
            return;
        }
        closing = true;
        loop.timers().cancel(retry);
        if (armed) {
            Sqe.cancel(loop.driver().sqe(), loop.userData(slot, TAG_ACCEPT), loop.userData(slot, TAG_CANCEL));
        } else {
            finish();
        }
    }

    private void finish() {
        loop.libc().files().close(fd);
        loop.release(slot);
    }
}
