package dev.fusedio.gateway.attachment;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Locale;

/** How an attachment stands. */
public enum AttachmentState {
    /** Its requests are answered. */
    @JsonProperty("live")
    LIVE,
    /** It could not be taken over or made again yet; that is tried every few seconds, and its requests wait. */
    @JsonProperty("waiting")
    WAITING,
    /** Somebody else has stopped its device. */
    @JsonProperty("stopped")
    STOPPED,
    /** A device of this program that no process serves and that is no attachment of this pool. */
    @JsonProperty("orphaned")
    ORPHANED;

    /** As it is written in the API and in labels. */
    public String text() {
        return name().toLowerCase(Locale.ROOT);
    }
}
