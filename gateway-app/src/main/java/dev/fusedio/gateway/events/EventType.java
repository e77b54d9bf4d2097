package dev.fusedio.gateway.events;

import com.fasterxml.jackson.annotation.JsonValue;
import dev.fusedio.gateway.web.ProblemException;
import java.util.Arrays;
import java.util.stream.Collectors;

/** What happened. */
public enum EventType {
    /** A volume was made. */
    VOLUME_CREATED("volume.created"),
    /** A volume's record changed: it was grown, renamed, described, labelled, made read-only or writable. */
    VOLUME_CHANGED("volume.changed"),
    /** A volume was removed. */
    VOLUME_DELETED("volume.deleted"),
    /** A write-back of a volume has failed: its flushes fail until it is reopened. */
    VOLUME_FAILED("volume.failed"),
    /** A device was attached. */
    ATTACHMENT_CREATED("attachment.created"),
    /** An attachment's record changed: its device was taken over or made again. */
    ATTACHMENT_CHANGED("attachment.changed"),
    /** A device was detached. */
    ATTACHMENT_DELETED("attachment.deleted"),
    /** An attachment's requests are answered, wait or fail from now on; or what is not as it should be has changed. */
    ATTACHMENT_STATE("attachment.state"),
    /** An NBD session is in transmission. */
    SESSION_OPENED("session.opened"),
    /** An NBD session is gone. */
    SESSION_CLOSED("session.closed"),
    /** An operation began, came a tenth further, or ended. */
    OPERATION_CHANGED("operation.changed");

    private final String label;

    EventType(final String label) {
        this.label = label;
    }

    /** As it is written: {@code volume.created}. */
    @JsonValue
    public String label() {
        return label;
    }

    /**
     * Reads a type.
     *
     * @throws ProblemException with an invalid-request problem that names {@code type}
     */
    static EventType of(final String label) {
        return Arrays.stream(values())
                .filter(type -> type.label.equals(label))
                .findFirst()
                .orElseThrow(() -> ProblemException.invalid(
                        "type",
                        "must be one of "
                                + Arrays.stream(values()).map(EventType::label).collect(Collectors.joining(", "))));
    }
}
