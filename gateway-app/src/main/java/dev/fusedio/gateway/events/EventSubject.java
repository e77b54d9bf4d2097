package dev.fusedio.gateway.events;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.swagger.v3.oas.annotations.media.Schema;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** What an event is about, as far as it matters to whoever follows. Holds nothing that a viewer may not see. */
@Schema(
        name = "EventSubject",
        description = "Which fields there are follows from the event's type.",
        oneOf = {
            EventSubject.OfVolume.class,
            EventSubject.OfAttachment.class,
            EventSubject.OfSession.class,
            EventSubject.OfOperation.class
        })
public sealed interface EventSubject {
    /**
     * A volume.
     *
     * @param name its name, after the change
     * @param id stays the same for the volume's life; absent if its record can't be read
     * @param revision after the change; of one that was removed the last
     * @param previousName the name before; absent unless it was renamed
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    @Schema(name = "VolumeEvent")
    record OfVolume(
            String name,
            @Nullable UUID id,
            @Nullable Long revision,

            @Schema(description = "Only if it was renamed.") @Nullable String previousName)
            implements EventSubject {}

    /**
     * An attachment.
     *
     * @param id its id
     * @param device such as {@code /dev/ublkb0}
     * @param volume the volume behind it; absent if it is another server's export
     * @param state as its own address shows it; absent once it is removed
     * @param notice what is not as it should be; absent if nothing
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    @Schema(name = "AttachmentEvent")
    record OfAttachment(
            String id,
            String device,
            @Nullable String volume,

            @Schema(example = "live") @Nullable String state,

            @Nullable String notice)
            implements EventSubject {}

    /**
     * An NBD session.
     *
     * @param id its id
     * @param volume the export's name
     * @param peer the client's address
     * @param reason why it closed; absent when it opened
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    @Schema(name = "SessionChange")
    record OfSession(
            long id,
            String volume,
            String peer,

            @Schema(description = "Why it closed.") @Nullable String reason) implements EventSubject {}

    /**
     * An operation.
     *
     * @param id its id
     * @param kind such as {@code volume-copy}
     * @param state {@code running}, {@code succeeded}, {@code failed} or {@code cancelled}
     * @param volume the volume that it makes
     * @param doneBytes how far it is
     * @param totalBytes how far it has to go
     * @param problem the code of the problem that it failed with; absent unless it did
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    @Schema(name = "OperationEvent")
    record OfOperation(
            UUID id,
            @Schema(example = "volume-copy") String kind,
            @Schema(example = "running") String state,
            String volume,
            long doneBytes,
            long totalBytes,
            @Nullable String problem)
            implements EventSubject {}
}
