package dev.fusedio.gateway.statistics;

import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemType;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.Size;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.springframework.http.MediaType;
import org.springframework.http.codec.ServerSentEvent;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** What the data plane does: once, or second by second. */
@RestController
@RequestMapping("/api/v1/statistics")
@Tag(name = "statistics", description = "Counters and rates of volumes, cores and block devices, second by second.")
final class StatisticsController {
    private static final String EVENT = "statistics";
    private static final int MAX_NAMES = 200;
    private static final int MAX_LIMIT = 1000;
    private static final String DEFAULT_LIMIT = "100";

    /** Until the first one there is a sample nearly at once. */
    private static final Duration FIRST_SAMPLE = Duration.ofSeconds(5);

    private final Sampler sampler;
    private final Subscribers subscribers;

    StatisticsController(final Sampler sampler, final Subscribers subscribers) {
        this.sampler = sampler;
        this.subscribers = subscribers;
    }

    @GetMapping
    @Operation(
            summary = "What the data plane does",
            description =
                    "As JSON, the newest sample. With 'Accept: text/event-stream', an event named 'statistics' a"
                            + " second, with the same content. The counters are read once a second for all who look, and for"
                            + " 30 s after: who asks for the first time in a while gets the first sample, which has no rates. A"
                            + " stream that is read too slowly misses samples: what is written is the newest then. There are at most 100 streams at one time.")
    @ApiResponse(responseCode = "200")
    @ApiResponse(
            responseCode = "400",
            description = "invalid-request",
            content = {})
    Mono<StatisticsView> newest(
            @Parameter(description = "Only volumes of these names; repeat it for several, up to 200.")
                    @RequestParam(defaultValue = "")
                    @Size(max = MAX_NAMES) final List<String> volume,
            @Parameter(description = "The most volumes, and the most attachments, to show: those that did most.")
                    @RequestParam(defaultValue = DEFAULT_LIMIT)
                    @Min(0) @Max(MAX_LIMIT) final int limit) {
        final Selection selection = new Selection(Set.copyOf(volume), limit);
        return sampler.samples()
                .next()
                .timeout(FIRST_SAMPLE, Mono.empty())
                .map(sample -> StatisticsView.of(sample, selection))
                .switchIfEmpty(Mono.error(() -> new ProblemException(
                        ProblemType.UNAVAILABLE, "There is no sample now: the gateway is stopping, or is too busy.")));
    }

    @GetMapping(produces = MediaType.TEXT_EVENT_STREAM_VALUE)
    @ApiResponse(
            responseCode = "503",
            description = "unavailable: too many streams are open",
            content = {})
    Flux<ServerSentEvent<NewestView>> stream(
            @RequestParam(defaultValue = "") @Size(max = MAX_NAMES) final List<String> volume,
            @RequestParam(defaultValue = DEFAULT_LIMIT) @Min(0) @Max(MAX_LIMIT) final int limit) {
        final Selection selection = new Selection(Set.copyOf(volume), limit);
        final AtomicReference<Sample> newest = new AtomicReference<>();
        return subscribers.admit(sampler.samples()
                .doOnNext(newest::set)
                .map(sample -> ServerSentEvent.builder(new NewestView(newest::get, selection))
                        .event(EVENT)
                        .build()));
    }
}
