package dev.fusedio.gateway.volume;

import dev.fusedio.gateway.catalogue.NewVolume;
import dev.fusedio.gateway.catalogue.VolumeName;
import dev.fusedio.gateway.catalogue.VolumeRecord;
import dev.fusedio.gateway.copy.NewCopy;
import dev.fusedio.gateway.engine.BackendType;
import dev.fusedio.gateway.web.ProblemException;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Pattern;
import jakarta.validation.constraints.Size;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A request to make a volume. */
@Schema(name = "CreateVolume")
record CreateVolume(
        @Schema(example = "scratch", requiredMode = Schema.RequiredMode.REQUIRED)
        @NotNull(message = "is needed") @Pattern(regexp = VolumeName.FORM, message = "must be " + VolumeName.RULE) String name,

        @Schema(description = "Makes it a copy of this volume: an operation, answered with 202.", example = "demo")
        @Pattern(regexp = VolumeName.FORM, message = "must be " + VolumeName.RULE) @Nullable String copyOf,

        @Schema(description = "Needed, but for a copy, which has the size of its source, or is larger.") @Nullable RequestedSize size,

        @Schema(
                description =
                        "What keeps the bytes; 'memory' is zeros after every start. 'file', or what a copy's source has.")
        @Nullable BackendType backend,

        @Schema(defaultValue = "false") @Nullable Boolean readOnly,

        @Schema(description = "Open the file with O_DIRECT. False, or as a copy's source with the same backend.")
        @Nullable Boolean directIo,

        @Size(max = VolumeRecord.MAX_DESCRIPTION) @Nullable String description,

        @Schema(description = RequestedLabels.DESCRIPTION) @Nullable Map<String, @Nullable String> labels) {

    NewVolume toNewVolume() {
        if (size == null) {
            throw ProblemException.invalid("size", "is needed");
        }
        return new NewVolume(
                new VolumeName(name),
                size.bytes(),
                backend == null ? BackendType.FILE : backend,
                Boolean.TRUE.equals(readOnly),
                Boolean.TRUE.equals(directIo),
                description == null ? "" : description,
                RequestedLabels.present(labels));
    }

    /** @param source what {@code copyOf} says */
    NewCopy toNewCopy(final String source) {
        return new NewCopy(
                new VolumeName(name),
                source,
                size == null ? null : size.bytes(),
                backend,
                Boolean.TRUE.equals(readOnly),
                directIo,
                description == null ? "" : description,
                RequestedLabels.present(labels));
    }
}
