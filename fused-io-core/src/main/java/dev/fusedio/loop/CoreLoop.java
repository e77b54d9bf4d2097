package dev.fusedio.loop;

import dev.fusedio.ring.CompletionSink;
import dev.fusedio.ring.ProvidedBuffers;
import dev.fusedio.ring.RingDriver;
import dev.fusedio.sys.Clock;
import dev.fusedio.sys.Libc;
import dev.fusedio.sys.SystemCallException;
import java.lang.foreign.Arena;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One core's event loop: a platform thread with a ring of its own, which sleeps nowhere but in {@code io_uring_enter}.
 * Everything that is registered here belongs to this thread for its whole life; other threads reach it by
 * {@link #execute}.
 *
 * <p>Longer than most classes: all that the cycle does, and in which order, is to be seen in one place.
 */
public final class CoreLoop implements CompletionSink {
    /**
     * Submissions after which a round ends although more turns wait. Small enough that the first answers leave, and the
     * clients go on, while later requests are still being worked on; large enough that one system call serves many.
     */
    private static final int ROUND_SUBMISSIONS = 64;

    private static final long POST_RETRY_NANOS = 100_000;

    /** Tasks taken from the mailbox in one round, so that a flood of them doesn't starve the ring. */
    private static final int MAIL_PER_ROUND = 64;

    private final int core;
    private final RingDriver driver;
    private final Libc libc;
    private final LoopClock clock;
    private final Slab slab;
    private final MemoryQueue memory;
    private final boolean slabRegistered;
    private final ProvidedBuffers receiveBuffers;
    private final Mailbox mailbox;
    private final Consumer<Throwable> errors;
    private final Slots slots = new Slots();
    private final Timers timers = new Timers();
    private final LoopCounters counters = new LoopCounters();
    private final AtomicBoolean sleeping = new AtomicBoolean();
    private final WakeUp wakeUp;
    private final Thread thread;

    private @Nullable Deferred[] deferred = new Deferred[256];
    private int deferredCount;
    private final ArrayDeque<Turn> turns = new ArrayDeque<>(256);
    private long now;
    private volatile boolean stopping;
    private volatile boolean ended;
    private volatile @Nullable Throwable failure;
    private final ReentrantLock afterEnd = new ReentrantLock();

    /**
     * Made on the thread that will {@link #run} it.
     *
     * @param core the processor's number, for reports
     * @param driver the thread's ring
     * @param libc the thread's own
     * @param arena memory as long-lived as the loop
     * @param slab memory for leases
     * @param slabRegistered whether the slab is the ring's fixed buffer 0
     * @param errors is told of exceptions that a handler let through; the loop goes on
     */
    public CoreLoop(
            final int core,
            final RingDriver driver,
            final Libc libc,
            final Arena arena,
            final Clock clock,
            final Slab slab,
            final boolean slabRegistered,
            final ProvidedBuffers receiveBuffers,
            final int mailboxCapacity,
            final Consumer<Throwable> errors)
            throws SystemCallException {
        this.core = core;
        this.driver = driver;
        this.libc = libc;
        this.clock = new LoopClock(clock);
        this.slab = slab;
        this.memory = new MemoryQueue(this, slab);
        this.slabRegistered = slabRegistered;
        this.receiveBuffers = receiveBuffers;
        this.mailbox = new Mailbox(mailboxCapacity);
        this.errors = errors;
        this.wakeUp = new WakeUp(driver, libc, arena, slots, () -> stopping = true);
        this.thread = Thread.currentThread();
        this.now = this.clock.nanos();
        wakeUp.arm();
    }

    /**
     * Runs until {@link #stop}, or until something ends it: an {@code Error}, or an exception of the loop's own. Whatever
     * ended it, owners of operations are told and no caller waits for it (fail-stop, ADR 0017).
     */
    public void run() {
        try {
            while (!stopping) {
                runOnce(true);
            }
        } catch (final RuntimeException | Error e) {
            failure = e;
            throw e;
        } finally {
            ended = true;
            if (failure != null) {
                slots.forEachOwner(this::tellEnd);
            }
            drainAfterEnd(); // whoever waits for an answer gets one
        }
    }

    private void tellEnd(final Completable owner) {
        try {
            owner.onLoopEnd();
        } catch (final RuntimeException | Error e) {
            errors.accept(e); // the next one's socket is closed all the same
        }
    }

    /** Runs what is left in the mailbox: on the loop's thread at its end, later on that of whoever came too late. */
    private void drainAfterEnd() {
        afterEnd.lock();
        try {
            drainMailbox(Integer.MAX_VALUE);
        } finally {
            afterEnd.unlock();
        }
    }

    /**
     * One round: mail, deferred work, one entry into the kernel, timers, completions.
     *
     * @param maySleep whether to wait for something when there is nothing to do
     */
    public void runOnce(final boolean maySleep) {
        drainMailbox(MAIL_PER_ROUND);
        runTurns();
        runDeferred();
        boolean sleep = maySleep && deferredCount == 0 && turns.isEmpty();
        if (sleep) {
            sleeping.set(true);
            sleep = mailbox.isEmpty() && !stopping; // looked at after the flag is up: no wake-up is lost
        }
        final long patience = sleep ? timers.untilNext(clock.nanos()) : 0;
        driver.enter(sleep, patience);
        sleeping.lazySet(false);
        now = clock.nextRound(patience);
        driver.drain(this); // before the timers: what has arrived is not late, however late this thread is
        expireTimers();
        runDeferred();
        counters.publish(driver, slab);
    }

    private void expireTimers() {
        Timer timer = timers.takeExpired(now);
        while (timer != null) {
            try {
                timer.expired();
            } catch (final RuntimeException e) {
                report(e, timer);
            }
            timer = timers.takeExpired(now);
        }
    }

    private void drainMailbox(final int limit) {
        for (int i = 0; i < limit; i++) {
            final Runnable task = mailbox.poll();
            if (task == null) {
                return;
            }
            try {
                task.run();
            } catch (final RuntimeException e) {
                report(e, task instanceof FailureOwner owner ? owner : null);
            }
        }
    }

    private void runTurns() {
        // each turn once at most: one that asks for another comes after all that wait already
        for (int left = turns.size(); left > 0 && driver.pending() < ROUND_SUBMISSIONS; left--) {
            final Turn turn = turns.removeFirst();
            try {
                turn.onTurn();
            } catch (final RuntimeException e) {
                report(e, turn);
            }
        }
    }

    private void runDeferred() {
        for (int i = 0; i < deferredCount; i++) { // what is deferred meanwhile is run as well
            final Deferred task = deferred[i];
            deferred[i] = null;
            try {
                if (task != null) {
                    task.onRoundEnd();
                }
            } catch (final RuntimeException e) {
                report(e, task);
            }
        }
        deferredCount = 0;
    }

    @Override
    public void onCompletion(final long userData, final int result, final int flags) {
        final Completable owner = slots.owner(userData);
        if (owner == null) {
            return; // its owner is gone: a cancelled operation's last word
        }
        try {
            owner.onCompletion(Slots.tag(userData), result, flags);
        } catch (final RuntimeException e) {
            report(e, owner);
        }
    }

    /** The exception is reported, and whoever the code was run for ends what it was about. */
    void report(final RuntimeException e, final @Nullable FailureOwner owner) {
        errors.accept(e);
        try {
            if (owner != null) {
                owner.onFailure(e);
            }
        } catch (final RuntimeException again) {
            errors.accept(again);
        }
    }

    /**
     * Runs {@code task} on this loop's thread soon. Any thread.
     *
     * @return false when the mailbox is full or the loop has ended: the task will not run
     */
    public boolean execute(final Runnable task) {
        if (ended || !mailbox.offer(task)) {
            return false;
        }
        if (ended) {
            drainAfterEnd(); // the loop's last look may have been before the task came
        } else if (sleeping.get() && sleeping.compareAndSet(true, false)) {
            wakeUp.signal();
        }
        return true;
    }

    /**
     * Runs {@code task} on this loop's thread: at once on that thread, from any other soon; waits while the mailbox is
     * full. Any thread but another loop's, which must never wait.
     *
     * @return false when the loop has ended: the task will not run
     */
    public boolean post(final Runnable task) {
        if (inLoop()) {
            task.run();
            return true;
        }
        while (!execute(task)) {
            if (ended) {
                return false;
            }
            LockSupport.parkNanos(POST_RETRY_NANOS);
        }
        return true;
    }

    /** What ended the loop before it was stopped; null while nothing has. Any thread. */
    public @Nullable Throwable failure() {
        return failure;
    }

    /** Whether {@link #run} has come to its end: tasks are taken no more. Any thread. */
    public boolean hasEnded() {
        return ended;
    }

    /** Ends {@link #run} after the present round. Any thread. */
    public void stop() {
        stopping = true;
        if (!ended) {
            wakeUp.signal();
        }
    }

    /** Runs {@code task} at the end of this round. */
    public void defer(final Deferred task) {
        if (deferredCount == deferred.length) {
            deferred = Arrays.copyOf(deferred, deferredCount * 2);
        }
        deferred[deferredCount++] = task;
    }

    /** Has {@code task} called when it is its turn: after those that asked before, in this round or a later one. */
    public void enqueue(final Turn task) {
        turns.addLast(task);
    }

    /** Gives {@code owner} a slot to receive completions by. The loop's thread only, which is checked. */
    public int register(final Completable owner) {
        requireOwnThread();
        return slots.register(owner);
    }

    /** Frees a slot; completions still to come for it are dropped. The loop's thread only, which is checked. */
    public void release(final int slot) {
        requireOwnThread();
        slots.release(slot);
    }

    /** A slot that two threads were given would lose completions, long after and far away. */
    private void requireOwnThread() {
        if (!Thread.currentThread().equals(thread) && !ended) {
            throw new IllegalStateException(
                    "a core loop was used by thread " + Thread.currentThread().getName());
        }
    }

    /**
     * The user data for an operation.
     *
     * @param tag 24 bits of the owner's choice
     */
    public long userData(final int slot, final int tag) {
        return slots.userData(slot, tag);
    }

    /** Counts an answered request. */
    public void countRequest() {
        counters.request();
    }

    /** Counts payload that a file or socket took from, or put into, a command's buffer. */
    public void countBorrowed(final long bytes) {
        counters.borrowed(bytes);
    }

    /** Counts payload that this process copied. */
    public void countCopied(final long bytes) {
        counters.copied(bytes);
    }

    /** The counts of this moment. Any thread. */
    public LoopSnapshot snapshot() {
        return counters.snapshot(core, thread, slab.length());
    }

    /** Whether the calling thread is this loop's. */
    public boolean inLoop() {
        return Thread.currentThread() == thread;
    }

    /** The processor this loop was made for. */
    public int core() {
        return core;
    }

    /** Monotonic nanoseconds as of the present round's start. */
    public long now() {
        return now;
    }

    /** Monotonic nanoseconds of this very moment. */
    public long preciseNow() {
        return clock.nanos();
    }

    public RingDriver driver() {
        return driver;
    }

    /** The loop thread's C library. */
    public Libc libc() {
        return libc;
    }

    public Slab slab() {
        return slab;
    }

    /** Where the slab's memory is leased, and waited for. */
    public MemoryQueue memory() {
        return memory;
    }

    /** Whether leases can be named as fixed buffer 0. */
    public boolean slabRegistered() {
        return slabRegistered;
    }

    public ProvidedBuffers receiveBuffers() {
        return receiveBuffers;
    }

    public Timers timers() {
        return timers;
    }

    /** Where exceptions go that nobody below handles. */
    public Consumer<Throwable> errors() {
        return errors;
    }

    /** Frees what the loop holds, after {@link #run} has returned. */
    void close() {
        wakeUp.close();
    }
}
