package dev.fusedio.gateway.attachment;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.Nulls;
import dev.fusedio.gateway.engine.DeviceMechanism;
import dev.fusedio.gateway.engine.DeviceSource;
import dev.fusedio.gateway.engine.DeviceSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;

/**
 * What is kept of an attachment in the pool. With it the next process finds the device, which carries the id, or makes
 * it again.
 *
 * @param schemaVersion the form of this record
 * @param id stays the same for the attachment's life
 * @param volume a volume's name; empty if it is a remote export
 * @param source a remote export's URI; empty if it is a volume
 * @param number N of {@code /dev/ublkbN}
 * @param queues as asked for
 * @param depth as asked for
 * @param readOnly as asked for
 * @param mechanism as asked for
 * @param connections as asked for
 * @param timeoutSeconds as asked for; 0, the usual time, in records of programs that could not be asked
 * @param recoveries how often a process took the device over from another
 * @param createdAt when it was made
 */
public record AttachmentRecord(
        @JsonProperty(required = true) int schemaVersion,
        @JsonProperty(required = true) UUID id,
        @JsonProperty(required = true) String volume,
        @JsonProperty(required = true) String source,
        @JsonProperty(required = true) int number,
        @JsonProperty(required = true) int queues,
        @JsonProperty(required = true) int depth,
        @JsonProperty(required = true) boolean readOnly,
        @JsonProperty(required = true) DeviceMechanism mechanism,
        @JsonProperty(required = true) int connections,
        @JsonSetter(nulls = Nulls.AS_EMPTY) int timeoutSeconds,
        @JsonProperty(required = true) long recoveries,
        @JsonProperty(required = true) Instant createdAt) {
    /** The form that this program writes. */
    public static final int SCHEMA_VERSION = 1;

    public AttachmentRecord {
        if (schemaVersion != SCHEMA_VERSION) {
            throw new IllegalArgumentException("schemaVersion is " + schemaVersion + ", and this program reads "
                    + SCHEMA_VERSION + "; was it written by a newer one?");
        }
        if (volume.isEmpty() == source.isEmpty()) {
            throw new IllegalArgumentException("there must be either a volume or a source");
        }
    }

    static AttachmentRecord of(final UUID id, final NewAttachment wanted, final int number, final Instant now) {
        return new AttachmentRecord(
                SCHEMA_VERSION,
                id,
                wanted.volume(),
                wanted.source(),
                number,
                wanted.queues(),
                wanted.depth(),
                wanted.readOnly(),
                wanted.mechanism(),
                wanted.connections(),
                wanted.timeoutSeconds(),
                0,
                now);
    }

    AttachmentRecord servedAs(final int newNumber, final boolean recovered) {
        return new AttachmentRecord(
                schemaVersion,
                id,
                volume,
                source,
                newNumber,
                queues,
                depth,
                readOnly,
                mechanism,
                connections,
                timeoutSeconds,
                recovered ? recoveries + 1 : recoveries,
                createdAt);
    }

    DeviceSpec spec() {
        return new DeviceSpec(id.toString(), number, queues, depth, readOnly, mechanism);
    }

    /** The remote export that is behind it. */
    DeviceSource.Remote remote() {
        final int seconds = timeoutSeconds == 0 ? DeviceSpec.DEFAULT_TIMEOUT_SECONDS : timeoutSeconds;
        return new DeviceSource.Remote(source, connections, Duration.ofSeconds(seconds));
    }

    /** What is behind it, for people and for telling whether two have the same. */
    String behind() {
        return volume.isEmpty() ? source : "volume '" + volume + "'";
    }
}
