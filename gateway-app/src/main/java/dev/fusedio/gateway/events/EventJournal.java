package dev.fusedio.gateway.events;

import java.security.SecureRandom;
import java.time.Clock;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * The last events, each with its number. Whoever follows holds a place in here and nothing else: one that does not keep
 * up costs no memory, and is told when its place is gone. Any thread may append, and waits for nobody who reads.
 */
@Component
public final class EventJournal {
    /** Events that are held. */
    static final int CAPACITY = 1024;

    private final Clock clock;
    private final String epoch;
    private final @Nullable Event[] ring = new Event[CAPACITY]; // guarded by this
    private long last; // guarded by this: the newest event's number; the first has 1
    private final List<Runnable> readers = new CopyOnWriteArrayList<>();
    private final AtomicBoolean isCalling = new AtomicBoolean();
    private final Scheduler caller = Schedulers.parallel();

    /**
     * @param clock for the events' times
     */
    public EventJournal(final Clock clock) {
        this.clock = clock;
        final byte[] random = new byte[8];
        new SecureRandom().nextBytes(random);
        this.epoch = HexFormat.of().formatHex(random);
    }

    /**
     * Notes what happened. Cheap, and never fails.
     *
     * @param resource the path of what it happened to
     */
    public void append(final EventType type, final String resource, final EventSubject subject) {
        synchronized (this) { // with the time read inside, times are in the order of numbers
            ring[index(++last)] = new Event(type, clock.instant(), resource, subject);
        }
        callReaders();
    }

    /** What tells this process' numbers from those of every other. */
    String epoch() {
        return epoch;
    }

    /** The newest event's number; 0 if there was none. */
    synchronized long last() {
        return last;
    }

    /** Whether all events after {@code number} are held. */
    synchronized boolean holdsAllAfter(final long number) {
        return number >= last - CAPACITY && number <= last;
    }

    /** The event of a number; null if it is not held, or has not happened yet. */
    synchronized @Nullable Event get(final long number) {
        return number <= last - CAPACITY || number > last ? null : ring[index(number)];
    }

    /** Has {@code reader} called after events were appended, perhaps once for several, not on the appending thread. */
    void call(final Runnable reader) {
        readers.add(reader);
    }

    /** Calls it no more. */
    void forget(final Runnable reader) {
        readers.remove(reader);
    }

    private void callReaders() {
        if (!readers.isEmpty() && isCalling.compareAndSet(false, true)) {
            caller.schedule(() -> {
                isCalling.set(false); // first: what is appended from now on may be missed by those called already
                readers.forEach(Runnable::run);
            });
        }
    }

    private static int index(final long number) {
        return (int) (number % CAPACITY);
    }
}
