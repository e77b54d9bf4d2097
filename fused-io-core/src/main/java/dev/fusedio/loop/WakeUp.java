package dev.fusedio.loop;

import dev.fusedio.ring.IoUring;
import dev.fusedio.ring.RingDriver;
import dev.fusedio.ring.Sqe;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.EventFd;
import dev.fusedio.sys.Libc;
import dev.fusedio.sys.SystemCallException;
import java.lang.foreign.Arena;

/** An eventfd that a loop reads on its ring, so that other threads can wake it. */
final class WakeUp implements Completable {
    private final RingDriver driver;
    private final Slots slots;
    private final Runnable broken;
    private final EventFd event;
    private final long buffer;
    private final int slot;

    /** @param broken is run when the loop can't be woken any more */
    WakeUp(final RingDriver driver, final Libc libc, final Arena arena, final Slots slots, final Runnable broken)
            throws SystemCallException {
        this.driver = driver;
        this.slots = slots;
        this.broken = broken;
        this.event = new EventFd(libc);
        this.buffer = arena.allocate(Long.BYTES, Long.BYTES).address();
        this.slot = slots.register(this);
    }

    /** Has the ring complete something when {@link #signal} is called. The loop's thread only. */
    void arm() {
        Sqe.prepare(
                driver.sqe(), IoUring.OP_READ, 0, 0, event.fd(), 0, buffer, Long.BYTES, 0, 0, slots.userData(slot, 0));
    }

    /** Wakes the loop. Any thread. */
    void signal() {
        event.signal();
    }

    @Override
    public void onCompletion(final int tag, final int result, final int flags) {
        if (result < 0 && result != -Errno.EINTR && result != -Errno.EAGAIN && result != -Errno.ECANCELED) {
            throw new IllegalStateException("reading the wake-up eventfd: " + Errno.name(result));
        }
        arm();
    }

    @Override
    public void onFailure(final RuntimeException e) {
        broken.run(); // a loop that can't be woken is of no use
    }

    void close() {
        event.close();
    }
}
