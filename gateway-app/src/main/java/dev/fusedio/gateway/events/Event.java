package dev.fusedio.gateway.events;

import io.swagger.v3.oas.annotations.media.Schema;
import java.time.Instant;

/**
 * Something that changed.
 *
 * @param type what happened
 * @param time when
 * @param resource the path of what it happened to
 * @param subject what is to be known of it
 */
@Schema(name = "Event", description = "Something that changed.")
public record Event(
        EventType type,
        Instant time,

        @Schema(description = "The path of what it happened to.", example = "/api/v1/volumes/demo")
        String resource,

        EventSubject subject) {}
