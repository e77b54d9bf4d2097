package dev.fusedio.gateway.session;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.fusedio.gateway.engine.NbdSession;
import dev.fusedio.gateway.engine.NbdSessions;
import dev.fusedio.gateway.engine.SessionEvent;
import dev.fusedio.gateway.web.PageTokens;
import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemType;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.codec.ServerSentEvent;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** NBD sessions: list, look at, follow, end. */
@RestController
@RequestMapping("/api/v1/sessions")
@Tag(name = "sessions", description = "List, look at, follow and end NBD sessions.")
final class SessionController {
    private final NbdSessions sessions;
    private final SessionStreams streams;
    private final PageTokens pages;

    SessionController(final NbdSessions sessions, final SessionStreams streams, final PageTokens pages) {
        this.sessions = sessions;
        this.streams = streams;
        this.pages = pages;
    }

    @GetMapping(produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(summary = "The sessions in transmission, in the order in which they opened")
    @ApiResponse(responseCode = "200")
    SessionList list(
            @Parameter(description = "Only those of this volume.") @RequestParam(required = false)
                    final @Nullable String volume,
            @RequestParam(defaultValue = PageTokens.DEFAULT_LIMIT) @Min(1) @Max(PageTokens.MAX_LIMIT) final int limit,
            @Parameter(description = "The nextPageToken of the page before; with the same filter.")
                    @RequestParam(required = false)
                    final @Nullable String pageToken) {
        final PageTokens.Page<NbdSession> page = pages.cut(
                sessions.sessions().stream()
                        .filter(session -> volume == null || session.volume().equals(volume))
                        .toList(),
                session -> "%020d".formatted(session.id()),
                limit,
                pageToken,
                "sessions " + volume);
        return new SessionList(page.items(), page.nextPageToken());
    }

    @GetMapping(path = "/events", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
    @Operation(
            summary = "Sessions as they open and close",
            description = "Server-sent events named 'opened' and 'closed', and a comment every 15 s. A client that does"
                    + " not keep up misses some: list the sessions to be sure. There are at most 100 at one time.")
    @ApiResponse(responseCode = "200")
    @ApiResponse(
            responseCode = "503",
            description = "unavailable: too many streams are open",
            content = {})
    Flux<ServerSentEvent<SessionEvent>> events() {
        return streams.follow();
    }

    @GetMapping("/{id}")
    @Operation(summary = "One session")
    @ApiResponse(responseCode = "200")
    @ApiResponse(
            responseCode = "404",
            description = "session-not-found",
            content = {})
    NbdSession get(@PathVariable final long id) {
        return sessions.sessions().stream()
                .filter(session -> session.id() == id)
                .findFirst()
                .orElseThrow(() -> unknown(id));
    }

    @DeleteMapping("/{id}")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    @Operation(
            summary = "End a session",
            description = "Its connection is cut. What it has in flight is carried out, and not answered.")
    @ApiResponse(responseCode = "204", description = "It is ending.")
    @ApiResponse(
            responseCode = "404",
            description = "session-not-found",
            content = {})
    Mono<Void> end(@PathVariable final long id) {
        return sessions.end(id).flatMap(ended -> ended ? Mono.empty() : Mono.error(unknown(id)));
    }

    private static ProblemException unknown(final long id) {
        return new ProblemException(ProblemType.SESSION_NOT_FOUND, "There is no session " + id + ".");
    }

    /**
     * A page of sessions.
     *
     * @param items in the order of their ids
     * @param nextPageToken what to ask for the next page with; absent in the last
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record SessionList(
            List<NbdSession> items,

            @Schema(description = "Ask with it for the next page; absent in the last.") @Nullable String nextPageToken) {
        SessionList {
            items = List.copyOf(items);
        }
    }
}
