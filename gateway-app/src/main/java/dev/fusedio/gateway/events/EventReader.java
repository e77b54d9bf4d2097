package dev.fusedio.gateway.events;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.springframework.http.codec.ServerSentEvent;
import reactor.core.Disposable;
import reactor.core.publisher.FluxSink;
import reactor.core.scheduler.Schedulers;

/**
 * One who follows the journal. It takes an event out of the journal when its subscriber has asked for one, so that
 * nothing is ever kept for it.
 *
 * <p>Heartbeats have an id and no data. A client takes the id for its place and sees no event: so its place moves on
 * although all that happens is of types that it does not follow.
 */
final class EventReader {
    private final EventJournal journal;
    private final Set<EventType> types;
    private final FluxSink<ServerSentEvent<Event>> sink;
    private final AtomicInteger calls = new AtomicInteger();
    private long place; // belongs to the thread that emits
    private volatile boolean isBeatDue = true;

    /**
     * @param place the number of the event that it begins behind
     * @param types which events; none means all
     */
    EventReader(
            final EventJournal journal,
            final long place,
            final Set<EventType> types,
            final FluxSink<ServerSentEvent<Event>> sink) {
        this.journal = journal;
        this.place = place;
        this.types = Set.copyOf(types);
        this.sink = sink;
    }

    /** Follows until the subscriber leaves or does not keep up. */
    void begin(final Duration heartbeat) {
        final Runnable reader = this::emit;
        final Disposable beats = Schedulers.parallel()
                .schedulePeriodically(this::beat, heartbeat.toMillis(), heartbeat.toMillis(), TimeUnit.MILLISECONDS);
        journal.call(reader);
        sink.onDispose(() -> {
            journal.forget(reader);
            beats.dispose();
        });
        sink.onRequest(wanted -> emit());
    }

    private void beat() {
        isBeatDue = true;
        emit();
    }

    /** One thread emits at a time; another that comes meanwhile only leaves word that there may be more. */
    private void emit() {
        if (calls.getAndIncrement() != 0) {
            return;
        }
        int answered = 1;
        do {
            emitAll();
            answered = calls.addAndGet(-answered);
        } while (answered != 0);
    }

    private void emitAll() {
        while (!sink.isCancelled()) {
            final Event next = peek();
            if (next == null && !journal.holdsAllAfter(place)) {
                sink.complete(); // the subscriber did not keep up
                return;
            }
            if (sink.requestedFromDownstream() == 0) {
                return;
            }
            if (isBeatDue) {
                isBeatDue = false;
                sink.next(ServerSentEvent.<Event>builder()
                        .id(EventPlace.id(journal, place))
                        .comment("heartbeat")
                        .build());
            } else if (next != null) {
                place++;
                sink.next(ServerSentEvent.builder(next)
                        .id(EventPlace.id(journal, place))
                        .event(next.type().label())
                        .build());
            } else {
                return;
            }
        }
    }

    /** The next event that is wanted, which {@link #place} is before then; null if there is none. */
    private @Nullable Event peek() {
        Event next = journal.get(place + 1);
        while (next != null && !types.isEmpty() && !types.contains(next.type())) {
            place++;
            next = journal.get(place + 1);
        }
        return next;
    }
}
