package dev.fusedio.gateway.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.springframework.boot.web.server.context.WebServerApplicationContext;
import reactor.core.publisher.Flux;
import reactor.test.StepVerifier;

class StreamLifetimeTest {
    private final StreamLifetime lifetime = new StreamLifetime();

    @Test
    void aStreamEndsWhenTheGatewayStopsAndLetsGoOfWhatItFollowed() {
        final AtomicBoolean released = new AtomicBoolean();
        lifetime.start();
        assertThat(lifetime.isRunning()).isTrue();

        StepVerifier.create(lifetime.bound(Flux.just(1).concatWith(Flux.never()).doOnCancel(() -> released.set(true))))
                .expectNext(1)
                .then(lifetime::stop)
                .verifyComplete();

        assertThat(released).isTrue();
        assertThat(lifetime.isRunning()).isFalse();
    }

    @Test
    void oneThatIsOpenedBeforeTheStartEndsAsWell() {
        StepVerifier.create(lifetime.bound(Flux.never()))
                .then(lifetime::start)
                .then(lifetime::stop)
                .verifyComplete();
    }

    @Test
    void oneThatIsOpenedAfterTheStopEndsAtOnceUntilThereIsAnotherStart() {
        lifetime.start();
        lifetime.stop();
        StepVerifier.create(lifetime.bound(Flux.never())).verifyComplete();

        lifetime.start();
        StepVerifier.create(lifetime.bound(Flux.just(1, 2))).expectNext(1, 2).verifyComplete();
        StepVerifier.create(lifetime.bound(Flux.never())).then(lifetime::stop).verifyComplete();
    }

    @Test
    void itEndsThemBeforeHttpWaitsForItsRequests() {
        assertThat(lifetime.getPhase()).isGreaterThan(WebServerApplicationContext.GRACEFUL_SHUTDOWN_PHASE);
    }
}
