package dev.fusedio.gateway.catalogue;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.Nulls;
import dev.fusedio.gateway.engine.BackendType;
import java.time.Instant;
import java.util.Map;
import java.util.UUID;

/**
 * What {@code volume.json} says of a volume. The folder's name is the volume's name, so that renaming is one atomic
 * step.
 *
 * @param schemaVersion the form of this record
 * @param id stays the same for the volume's life
 * @param size bytes
 * @param backend what keeps the bytes
 * @param readOnly whether it is exported read-only
 * @param directIo whether its file is opened with O_DIRECT
 * @param description for people, perhaps empty
 * @param labels for programs; not written if there are none, and records of programs that knew no labels have none
 * @param revision grows by one with every change of this record
 * @param createdAt when it was made
 * @param updatedAt when this record was last changed
 */
public record VolumeRecord(
        @JsonProperty(required = true) int schemaVersion,
        @JsonProperty(required = true) UUID id,
        @JsonProperty(required = true) long size,
        @JsonProperty(required = true) BackendType backend,
        @JsonProperty(required = true) boolean readOnly,
        @JsonProperty(required = true) boolean directIo,
        @JsonProperty(required = true) String description,

        @JsonInclude(JsonInclude.Include.NON_EMPTY) @JsonSetter(nulls = Nulls.AS_EMPTY)
        Map<String, String> labels,

        @JsonProperty(required = true) long revision,
        @JsonProperty(required = true) Instant createdAt,
        @JsonProperty(required = true) Instant updatedAt) {
    /** The form that this program writes. */
    public static final int SCHEMA_VERSION = 1;

    /** Sizes are multiples of this: what every block device has in common. */
    public static final int SECTOR = 512;

    /** Characters that a description may have. */
    public static final int MAX_DESCRIPTION = 1024;

    public VolumeRecord {
        if (schemaVersion != SCHEMA_VERSION) {
            throw new IllegalArgumentException("schemaVersion is " + schemaVersion + ", and this program reads "
                    + SCHEMA_VERSION + "; was it written by a newer one?");
        }
        if (size < SECTOR || size % SECTOR != 0) {
            throw new IllegalArgumentException("size is " + size + ", and must be a positive multiple of " + SECTOR);
        }
        if (description.length() > MAX_DESCRIPTION) {
            throw new IllegalArgumentException(
                    "description has " + description.length() + " characters, and may have " + MAX_DESCRIPTION);
        }
        VolumeLabels.require(labels);
        labels = VolumeLabels.copy(labels);
        if (revision < 1) {
            throw new IllegalArgumentException("revision is " + revision + ", and must be 1 or more");
        }
    }

    /** The first record of a new volume. */
    static VolumeRecord first(final NewVolume wanted, final Instant now) {
        return new VolumeRecord(
                SCHEMA_VERSION,
                UUID.randomUUID(),
                wanted.size(),
                wanted.backend(),
                wanted.readOnly(),
                wanted.directIo(),
                wanted.description(),
                wanted.labels(),
                1,
                now,
                now);
    }

    /** The next record after a change. */
    VolumeRecord next(final VolumeChange change, final Instant now) {
        return new VolumeRecord(
                SCHEMA_VERSION,
                id,
                change.size() == null ? size : change.size(),
                backend,
                change.readOnly() == null ? readOnly : change.readOnly(),
                directIo,
                change.description() == null ? description : change.description(),
                change.labels() == null ? labels : VolumeLabels.merged(labels, change.labels()),
                revision + 1,
                createdAt,
                now);
    }

    /** The same with another size. */
    VolumeRecord withSize(final long bytes) {
        return new VolumeRecord(
                schemaVersion,
                id,
                bytes,
                backend,
                readOnly,
                directIo,
                description,
                labels,
                revision,
                createdAt,
                updatedAt);
    }
}
