package dev.fusedio.gateway.volume;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.fusedio.gateway.catalogue.Volume;
import dev.fusedio.gateway.catalogue.VolumeDraft;
import dev.fusedio.gateway.catalogue.VolumeRecord;
import dev.fusedio.gateway.engine.BackendType;
import dev.fusedio.gateway.engine.VolumeFailure;
import io.swagger.v3.oas.annotations.media.Schema;
import java.time.Instant;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A volume as the API shows it. A damaged one has a name, a state and a reason, and what else its record still tells.
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
@Schema(name = "Volume", description = "A volume.")
record VolumeView(
        @Schema(description = "Its name: the NBD export's name too.", example = "demo")
        String name,

        @Schema(
                description =
                        "'damaged' volumes are set aside and served to nobody. Of 'failed' ones data that was acknowledged"
                                + " may be missing: reads and writes go on, flushes fail until they are reopened.",
                allowableValues = {"available", "failed", "damaged"})
        String state,

        @Schema(description = "Why it is set aside or has failed; only then.") @Nullable String reason,

        @Schema(description = "Stays the same when it is renamed.") @Nullable UUID id,

        @Schema(description = "Bytes.", example = "1073741824") @Nullable Long size,

        @Schema(description = "Bytes it takes up in the pool.", example = "4096") @Nullable Long allocatedBytes,

        @Nullable BackendType backend,
        @Nullable Boolean readOnly,

        @Schema(description = "Whether its file is opened with O_DIRECT.") @Nullable Boolean directIo,

        @Nullable String description,
        @Nullable Map<String, String> labels,

        @Schema(description = "NBD sessions that have it open.") @Nullable Integer sessions,

        @Schema(description = "Grows with every change of the record; in quotes it is the ETag.") @Nullable Long revision,

        @Nullable Instant createdAt,
        @Nullable Instant updatedAt) {

    static VolumeView of(final Volume.Available volume, final long allocatedBytes, final int sessions) {
        final VolumeRecord record = volume.record();
        final VolumeFailure failure = volume.open().failure().orElse(null);
        return new VolumeView(
                volume.name(),
                failure == null ? "available" : "failed",
                failure == null ? null : "a write-back ended with " + failure.errno() + " at " + failure.since(),
                record.id(),
                volume.open().size(),
                allocatedBytes < 0 ? null : allocatedBytes,
                record.backend(),
                record.readOnly(),
                record.directIo(),
                record.description(),
                record.labels(),
                sessions,
                record.revision(),
                record.createdAt(),
                record.updatedAt());
    }

    /** As it would be; what it takes up and who has it open is left out. */
    static VolumeView of(final VolumeDraft draft) {
        final VolumeRecord record = draft.record();
        return new VolumeView(
                draft.name(),
                "available",
                null,
                record.id(),
                record.size(),
                null,
                record.backend(),
                record.readOnly(),
                record.directIo(),
                record.description(),
                record.labels(),
                null,
                record.revision(),
                record.createdAt(),
                record.updatedAt());
    }

    static VolumeView of(final Volume.Damaged volume) {
        final VolumeRecord record = volume.record();
        return new VolumeView(
                volume.name(),
                "damaged",
                volume.reason(),
                record == null ? null : record.id(),
                record == null ? null : record.size(),
                null,
                record == null ? null : record.backend(),
                record == null ? null : record.readOnly(),
                record == null ? null : record.directIo(),
                record == null ? null : record.description(),
                record == null ? null : record.labels(),
                null,
                record == null ? null : record.revision(),
                record == null ? null : record.createdAt(),
                record == null ? null : record.updatedAt());
    }
}
