package dev.fusedio.net;

import dev.fusedio.loop.Completable;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.loop.Timer;
import dev.fusedio.ring.IoUring;
import dev.fusedio.ring.Sqe;
import dev.fusedio.sys.Errno;
import java.util.function.IntConsumer;

/** A listening socket on one loop: one submission accepts connection after connection. The loop's thread only. */
public final class Listener implements Completable {
    private static final int TAG_ACCEPT = 0;
    private static final int TAG_CANCEL = 1;
    private static final long RETRY_NANOS = 100_000_000;

    private final CoreLoop loop;
    private final int fd;
    private final int slot;
    private final IntConsumer accepted;
    private boolean closing;
    private boolean armed;

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
            accepted.accept(result);
        }
        if ((flags & IoUring.CQE_F_MORE) != 0) {
            return;
        }
        armed = false;
        if (closing) {
            finish();
        } else if (result == -Errno.EMFILE || result == -Errno.ENOMEM || result == -Errno.ENOBUFS) {
            // out of descriptors or memory: others may end soon; the client waits in the backlog
            loop.timers().schedule(retry, loop.now() + RETRY_NANOS);
        } else {
            arm(); // the kernel ended the multishot, or one connection was gone before it was accepted
        }
    }

    @Override
    public void onFailure(final RuntimeException e) {
        if (!armed) {
            loop.timers().schedule(retry, loop.now() + RETRY_NANOS);
        }
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
        loop.libc().close(fd);
        loop.release(slot);
    }
}
