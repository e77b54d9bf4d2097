package dev.fusedio.gateway.statistics;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.gateway.ApiTest;
import dev.fusedio.gateway.web.StreamLifetime;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.reactivestreams.Subscription;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.core.ParameterizedTypeReference;
import org.springframework.http.MediaType;
import org.springframework.http.codec.ServerSentEvent;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.test.StepVerifier;

class StatisticsApiTest extends ApiTest {
    private static final ParameterizedTypeReference<ServerSentEvent<Map<String, Object>>> EVENTS =
            new ParameterizedTypeReference<>() {};

    @Autowired
    private Sampler sampler;

    @Autowired
    private StreamLifetime lifetime;

    @Autowired
    private Subscribers subscribers;

    @Test
    void tellsOfVolumesCoresSessionsAndAttachments() {
        create("{\"name\": \"a\", \"size\": 4096}");
        create("{\"name\": \"b\", \"size\": 4096}");
        sessions.open("b");
        http.post()
                .uri("/api/v1/attachments")
                .contentType(MediaType.APPLICATION_JSON)
                .bodyValue("{\"volume\": \"a\"}")
                .exchange()
                .expectStatus()
                .isCreated();

        Awaitility.await()
                .atMost(PATIENCE)
                .untilAsserted(() -> http.get()
                        .uri("/api/v1/statistics")
                        .exchange()
                        .expectStatus()
                        .isOk()
                        .expectHeader()
                        .contentType(MediaType.APPLICATION_JSON)
                        .expectBody()
                        .jsonPath("$.node.volumes")
                        .isEqualTo(2)
                        .jsonPath("$.node.sessions")
                        .isEqualTo(1)
                        .jsonPath("$.node.attachments")
                        .isEqualTo(1)
                        .jsonPath("$.node.cores[0].busyNanos")
                        .isEqualTo(1_500_000_000L)
                        .jsonPath("$.node.cores[0].lastSecond.requestsPerSecond")
                        .isEqualTo(0.0)
                        .jsonPath("$.intervalSeconds")
                        .value(
                                Number.class,
                                seconds -> assertThat(seconds.doubleValue()).isPositive())
                        .jsonPath("$.volumes[*].name")
                        .isEqualTo(List.of("a", "b"))
                        .jsonPath("$.volumes[1].sessions")
                        .isEqualTo(1)
                        .jsonPath("$.volumes[0].lastSecond.operationsPerSecond")
                        .isEqualTo(0.0)
                        .jsonPath("$.volumes[0].operations[?(@.name == 'read')].bytes")
                        .isEqualTo(8192)
                        .jsonPath("$.volumes[0].operations[?(@.name == 'read')].latency.p50Micros")
                        .isEqualTo(6.0)
                        .jsonPath("$.volumes[0].operations[?(@.name == 'write')].errors.ENOSPC")
                        .isEqualTo(1)
                        .jsonPath("$.volumes[0].operations[?(@.name == 'trim')]")
                        .doesNotExist()
                        .jsonPath("$.attachments[0].device")
                        .isEqualTo("/dev/ublkb0")
                        .jsonPath("$.attachments[0].lastSecond.requestsPerSecond")
                        .isEqualTo(0.0));
    }

    @Test
    void showsOnlyWhatIsAskedFor() {
        for (final String name : List.of("a", "b", "c")) {
            create("{\"name\": \"" + name + "\", \"size\": 4096}");
        }
        Awaitility.await().atMost(PATIENCE).untilAsserted(() -> {
            assertNames("?limit=2", List.of("a", "b"), 1);
            assertNames("?limit=0", List.of(), 3);
            assertNames("?volume=c&volume=a&volume=nobody", List.of("a", "c"), 0);
        });
    }

    @Test
    void refusesWhatItDoesNotKnow() {
        for (final String wrong : List.of("limit=-1", "limit=1001", "limit=x")) {
            http.get()
                    .uri("/api/v1/statistics?" + wrong)
                    .exchange()
                    .expectStatus()
                    .isBadRequest()
                    .expectBody()
                    .jsonPath("$.code")
                    .isEqualTo("invalid-request")
                    .jsonPath("$.errors[0].field")
                    .isEqualTo("limit");
        }
        http.get()
                .uri("/api/v1/statistics?limit=1001")
                .accept(MediaType.TEXT_EVENT_STREAM)
                .exchange()
                .expectStatus()
                .isBadRequest();
        http.get()
                .uri("/api/v1/statistics?" + "volume=a&".repeat(201))
                .exchange()
                .expectStatus()
                .isBadRequest()
                .expectBody()
                .jsonPath("$.errors[0].field")
                .isEqualTo("volume");
    }

    @Test
    void streamsASampleEachSecond() {
        create("{\"name\": \"a\", \"size\": 4096}");

        final List<ServerSentEvent<Map<String, Object>>> events =
                events("?volume=a").take(3).collectList().block(PATIENCE);

        assertThat(events)
                .hasSize(3)
                .allSatisfy(event -> assertThat(event.event()).isEqualTo("statistics"));
        assertThat(events).extracting(event -> event.data().get("at")).doesNotHaveDuplicates();
        assertThat(events.getLast().data()).containsKeys("lastSecond", "node", "volumes", "attachments");
    }

    @Test
    void allWhoLookGetTheSameSamples() {
        final Sample[] ofOne = new Sample[1];
        StepVerifier.create(
                        Flux.zip(sampler.samples().skip(1), sampler.samples().skip(1))
                                .take(2))
                .assertNext(pair -> {
                    assertThat(pair.getT1()).isSameAs(pair.getT2());
                    ofOne[0] = pair.getT1();
                })
                .assertNext(pair -> assertThat(pair.getT1().before()).isSameAs(ofOne[0].now()))
                .expectComplete()
                .verify(PATIENCE);
    }

    @Test
    void whoIsSlowGetsTheNewestAndNothingIsKeptForIt() throws InterruptedException {
        final BlockingQueue<Sample> quick = new LinkedBlockingQueue<>();
        final BlockingQueue<Sample> slow = new LinkedBlockingQueue<>();
        final BaseSubscriber<Sample> asking = new BaseSubscriber<>() {
            @Override
            protected void hookOnSubscribe(final Subscription subscription) {
                // nothing yet
            }

            @Override
            protected void hookOnNext(final Sample sample) {
                slow.add(sample);
            }
        };
        sampler.samples().subscribe(asking);
        final Disposable other = sampler.samples().subscribe(quick::add);
        try {
            Sample newest = null;
            for (int i = 0; i < 4; i++) {
                newest = quick.poll(30, TimeUnit.SECONDS);
            }
            asking.request(1);
            final Sample got = slow.poll(30, TimeUnit.SECONDS);
            assertThat(got.now().nanos()).isGreaterThanOrEqualTo(newest.now().nanos());
        } finally {
            asking.cancel();
            other.dispose();
        }
    }

    @Test
    void oneStreamTooManyIsToldToComeBack() {
        final Disposable.Composite open = Disposables.composite();
        try {
            for (int i = 0; i < Subscribers.LIMIT; i++) {
                open.add(subscribers.admit(Flux.never()).subscribe());
            }
            http.get()
                    .uri("/api/v1/statistics")
                    .accept(MediaType.TEXT_EVENT_STREAM)
                    .exchange()
                    .expectStatus()
                    .isEqualTo(503)
                    .expectHeader()
                    .valueEquals("Retry-After", "5");
            http.get().uri("/api/v1/statistics").exchange().expectStatus().isOk();
        } finally {
            open.dispose();
        }
        assertThat(events("").take(1).collectList().block(PATIENCE)).hasSize(1);
    }

    @Test
    void aStopEndsTheStreams() {
        try {
            StepVerifier.create(sampler.samples())
                    .expectNextCount(1)
                    .then(lifetime::stop)
                    .thenConsumeWhile(sample -> true)
                    .expectComplete()
                    .verify(PATIENCE);
        } finally {
            lifetime.start();
        }
    }

    private Flux<ServerSentEvent<Map<String, Object>>> events(final String query) {
        return http.get()
                .uri("/api/v1/statistics" + query)
                .accept(MediaType.TEXT_EVENT_STREAM)
                .exchange()
                .expectStatus()
                .isOk()
                .expectHeader()
                .contentTypeCompatibleWith(MediaType.TEXT_EVENT_STREAM)
                .returnResult(EVENTS)
                .getResponseBody();
    }

    private void assertNames(final String query, final List<String> names, final int leftOut) {
        http.get()
                .uri("/api/v1/statistics" + query)
                .exchange()
                .expectBody()
                .jsonPath("$.volumes[*].name")
                .isEqualTo(names)
                .jsonPath("$.volumesLeftOut")
                .isEqualTo(leftOut);
    }
}
