package dev.fusedio.gateway.operation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.fusedio.gateway.engine.DataPlaneException;
import dev.fusedio.gateway.events.EventJournal;
import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemType;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.concurrent.CancellationException;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

class OperationsTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private Instant now = Instant.parse("2026-01-02T03:04:05Z");
    private final Clock clock = new Clock() {
        @Override
        public ZoneOffset getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(final java.time.ZoneId zone) {
            return this;
        }

        @Override
        public Instant instant() {
            return now;
        }
    };
    private final Operations operations = new Operations(new EventJournal(clock), clock);

    @BeforeEach
    void start() {
        operations.start();
    }

    @AfterEach
    void stop() {
        operations.stop();
    }

    @Test
    void tellsHowItEnded() {
        assertThat(ended(progress -> Mono.fromRunnable(() -> progress.done(5)))).satisfies(operation -> {
            assertThat(operation.state()).isEqualTo(OperationState.SUCCEEDED);
            assertThat(operation.progress().doneBytes()).isEqualTo(5);
            assertThat(operation.finishedAt()).isEqualTo(now);
        });
        assertThat(ended(progress -> Mono.error(new DataPlaneException("ENOSPC", "full"))))
                .satisfies(operation -> {
                    assertThat(operation.state()).isEqualTo(OperationState.FAILED);
                    assertThat(operation.problem().code()).isEqualTo("insufficient-storage");
                    assertThat(operation.problem().detail()).isEqualTo("full");
                });
        assertThat(ended(progress -> {
                            throw new IllegalStateException("a secret");
                        })
                        .problem()
                        .detail())
                .doesNotContain("secret");
    }

    @Test
    void aPreparationThatFailsTakesNoRoom() {
        for (int i = 0; i <= Operations.LIMIT; i++) {
            assertThatExceptionOfType(ProblemException.class)
                    .isThrownBy(() -> operations
                            .begin(Mono.error(new ProblemException(ProblemType.VOLUME_EXISTS, "taken")))
                            .block(PATIENCE))
                    .satisfies(problem -> assertThat(problem.type()).isEqualTo(ProblemType.VOLUME_EXISTS));
        }
        assertThat(operations.operations()).isEmpty();
    }

    @Test
    void aClientThatLeavesStopsNoBeginning() {
        final Sinks.One<OperationPlan> preparation = Sinks.one();
        operations.begin(preparation.asMono()).subscribe().dispose();

        preparation.tryEmitValue(plan(progress -> Mono.empty()));

        Awaitility.await()
                .atMost(PATIENCE)
                .untilAsserted(() -> assertThat(operations.operations())
                        .singleElement()
                        .satisfies(
                                placed -> assertThat(placed.operation().state()).isEqualTo(OperationState.SUCCEEDED)));
    }

    @Test
    void finishedOnesAreForgottenWhenTheyAreOldOrMany() {
        final Operation running = begin(untilCancelled());
        for (int i = 0; i < Operations.REMEMBERED + 5; i++) {
            ended(progress -> Mono.empty());
        }
        assertThat(operations.operations()).hasSize(Operations.REMEMBERED + 1);

        now = now.plus(Operations.REMEMBERED_FOR).plusSeconds(1);

        assertThat(operations.operations())
                .singleElement()
                .satisfies(placed -> assertThat(placed.operation().id()).isEqualTo(running.id()));
    }

    @Test
    void aStopEndsThoseThatRunAndRefusesOthers() {
        final boolean[] clearedUp = new boolean[1];
        begin(progress -> untilCancelled()
                .run(progress)
                .onErrorResume(failure -> Mono.delay(Duration.ofMillis(100))
                        .doOnNext(tick -> clearedUp[0] = true)
                        .then(Mono.error(failure))));

        operations.stop();

        assertThat(clearedUp[0]).isTrue();
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> begin(untilCancelled()))
                .satisfies(problem -> assertThat(problem.type()).isEqualTo(ProblemType.UNAVAILABLE));
    }

    private static OperationWork untilCancelled() {
        return progress -> progress.cancelled().then(Mono.error(new CancellationException()));
    }

    private Operation ended(final OperationWork work) {
        final String id = begin(work).id().toString();
        return Awaitility.await()
                .pollInterval(Duration.ofMillis(1))
                .atMost(PATIENCE)
                .until(() -> operations.get(id), operation -> operation.state() != OperationState.RUNNING);
    }

    private Operation begin(final OperationWork work) {
        return operations.begin(Mono.just(plan(work))).block(PATIENCE);
    }

    private static OperationPlan plan(final OperationWork work) {
        return new OperationPlan(OperationKind.VOLUME_COPY, "v", null, 10, work);
    }
}
