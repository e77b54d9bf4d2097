package dev.fusedio.gateway.events;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.ArraySchema;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.validation.constraints.Size;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.http.codec.ServerSentEvent;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Flux;

/** All that changes in the control plane, as it happens. */
@RestController
@RequestMapping("/api/v1/events")
@Tag(name = "events", description = "Follow all that changes.")
final class EventController {
    private static final String LAST_EVENT_ID = "Last-Event-ID";
    private static final int MAX_TYPES = 50;

    private final EventJournal journal;
    private final EventStreams streams;

    EventController(final EventJournal journal, final EventStreams streams) {
        this.journal = journal;
        this.streams = streams;
    }

    @GetMapping(produces = MediaType.TEXT_EVENT_STREAM_VALUE)
    @Operation(
            summary = "Volumes, attachments, sessions and operations as they change",
            description = "Server-sent events, named by their type. It begins with what comes from now on, or after the"
                    + " event that the request names; the last 1024 events are held. A comment with the id of the"
                    + " present place comes first, and every 15 s. A stream that is read too slowly ends, and can be"
                    + " resumed. There are at most 100 at one time.")
    @ApiResponse(
            responseCode = "200",
            description = "Each event's data is an Event.",
            content =
                    @Content(
                            mediaType = MediaType.TEXT_EVENT_STREAM_VALUE,
                            array = @ArraySchema(schema = @Schema(implementation = Event.class))))
    @ApiResponse(
            responseCode = "410",
            description = "events-gone: what came after that event is not held any more, or the gateway has started"
                    + " again. List the resources again and follow from the start.",
            content = {})
    @ApiResponse(
            responseCode = "503",
            description = "unavailable: too many streams are open",
            content = {})
    Flux<ServerSentEvent<Event>> follow(
            @Parameter(description = "Only events of this type; repeat it for several.")
                    @RequestParam(name = "type", defaultValue = "")
                    @Size(max = MAX_TYPES) final List<String> type,
            @Parameter(description = "The id of the last event that was seen; Last-Event-ID goes before it.")
                    @RequestParam(required = false)
                    final @Nullable String after,
            @Parameter(description = "The id of the last event that was seen; browsers send it when they come again.")
                    @RequestHeader(name = LAST_EVENT_ID, required = false)
                    final @Nullable String lastEventId) {
        return Flux.defer(() -> {
            final Set<EventType> types = type.stream().map(EventType::of).collect(Collectors.toUnmodifiableSet());
            return streams.follow(place(lastEventId, after), types);
        });
    }

    private EventPlace place(final @Nullable String lastEventId, final @Nullable String after) {
        if (lastEventId != null) {
            return EventPlace.parse(lastEventId, LAST_EVENT_ID, journal);
        }
        return after == null ? new EventPlace(journal.last()) : EventPlace.parse(after, "after", journal);
    }
}
