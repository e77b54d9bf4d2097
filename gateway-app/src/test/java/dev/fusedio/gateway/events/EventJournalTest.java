package dev.fusedio.gateway.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemType;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.http.codec.ServerSentEvent;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink;
import reactor.test.StepVerifier;

class EventJournalTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Duration NEVER = Duration.ofHours(1);

    private final EventJournal journal = new EventJournal(Clock.systemUTC());

    @Test
    void aReaderGetsWhatWasAndWhatComesInOrder() {
        append(EventType.VOLUME_CREATED, 3);

        StepVerifier.create(follow(1, Set.of(), NEVER))
                .assertNext(beat -> {
                    assertThat(beat.comment()).isEqualTo("heartbeat");
                    assertThat(beat.data()).isNull();
                    assertThat(beat.id()).isEqualTo(id(1));
                })
                .assertNext(event -> assertThat(event.id()).isEqualTo(id(2)))
                .assertNext(event -> assertThat(event.event()).isEqualTo("volume.created"))
                .then(() -> append(EventType.VOLUME_DELETED, 1))
                .assertNext(event -> {
                    assertThat(event.id()).isEqualTo(id(4));
                    assertThat(event.data().type()).isEqualTo(EventType.VOLUME_DELETED);
                })
                .thenCancel()
                .verify(PATIENCE);
    }

    @Test
    void thePlaceMovesOnBehindEventsOfOtherTypes() {
        append(EventType.VOLUME_CREATED, 5);

        StepVerifier.create(follow(0, Set.of(EventType.SESSION_OPENED), Duration.ofMillis(50)))
                .assertNext(beat -> assertThat(beat.id()).isEqualTo(id(5)))
                .then(() -> append(EventType.VOLUME_CREATED, 2))
                .expectNextMatches(beat -> "heartbeat".equals(beat.comment()))
                .thenConsumeWhile(beat -> !id(7).equals(beat.id()))
                .thenCancel()
                .verify(PATIENCE);
    }

    @Test
    void whoDoesNotKeepUpIsEndedAndHoldsNothing() {
        append(EventType.VOLUME_CHANGED, 2);
        StepVerifier.create(follow(0, Set.of(), NEVER), 3)
                .expectNextCount(1)
                .assertNext(event -> assertThat(event.id()).isEqualTo(id(1)))
                .assertNext(event -> assertThat(event.id()).isEqualTo(id(2)))
                .then(() -> append(EventType.VOLUME_CHANGED, EventJournal.CAPACITY + 1))
                .expectComplete()
                .verify(PATIENCE);
        assertThat(place(id(2), ProblemType.EVENTS_GONE)).contains("List the resources again");
        assertThat(EventPlace.parse(id(3), "after", journal).number()).isEqualTo(3);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "1", "x-1", "0123456789abcdef-", "0123456789abcdef-01", "0123456789ABCDEF-1"})
    void aMalformedIdIsRefused(final String id) {
        assertThat(place(id, ProblemType.INVALID_REQUEST)).startsWith("after: ");
    }

    @Test
    void idsOfOtherProcessesAreGoneAndThoseToComeAreNone() {
        final EventJournal other = new EventJournal(Clock.systemUTC());
        assertThat(place(EventPlace.id(other, 0), ProblemType.EVENTS_GONE)).contains("started again");
        assertThat(place(id(1), ProblemType.INVALID_REQUEST)).contains("no event yet");
        assertThat(EventPlace.parse(id(0), "after", journal).number()).isZero();
    }

    @Test
    void manyMayAppendAtOnceAndNoReaderMissesOne() throws InterruptedException {
        final int writers = 4;
        final int each = 200;
        final CountDownLatch done = new CountDownLatch(writers);
        final var read = follow(0, Set.of(), NEVER)
                .filter(event -> event.data() != null)
                .map(ServerSentEvent::id)
                .take((long) writers * each)
                .collectList()
                .toFuture();
        for (int i = 0; i < writers; i++) {
            Thread.startVirtualThread(() -> {
                append(EventType.VOLUME_CHANGED, each);
                done.countDown();
            });
        }
        assertThat(done.await(30, TimeUnit.SECONDS)).isTrue();

        final List<String> ids = read.orTimeout(30, TimeUnit.SECONDS).join();
        for (int i = 0; i < ids.size(); i++) {
            assertThat(ids.get(i)).isEqualTo(id(i + 1));
        }
    }

    private String place(final String id, final ProblemType type) {
        final String[] message = new String[1];
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> EventPlace.parse(id, "after", journal))
                .satisfies(problem -> {
                    assertThat(problem.type()).isEqualTo(type);
                    message[0] = problem.getMessage();
                });
        return message[0];
    }

    private String id(final long number) {
        return EventPlace.id(journal, number);
    }

    private Flux<ServerSentEvent<Event>> follow(
            final long place, final Set<EventType> types, final Duration heartbeat) {
        return Flux.create(
                sink -> new EventReader(journal, place, types, sink).begin(heartbeat), FluxSink.OverflowStrategy.ERROR);
    }

    private void append(final EventType type, final int times) {
        for (int i = 0; i < times; i++) {
            journal.append(type, "/api/v1/volumes/v", new EventSubject.OfVolume("v", null, 1L, null));
        }
    }
}
