package dev.fusedio.gateway.volume;

import dev.fusedio.gateway.catalogue.NewVolume;
import dev.fusedio.gateway.catalogue.VolumeName;
import dev.fusedio.gateway.catalogue.VolumeRecord;
import dev.fusedio.gateway.engine.BackendType;
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

        @Schema(requiredMode = Schema.RequiredMode.REQUIRED) @NotNull(message = "is needed") RequestedSize size,

        @Schema(description = "What keeps the bytes; 'memory' is zeros after every start.", defaultValue = "file")
        @Nullable BackendType backend,

        @Schema(defaultValue = "false") @Nullable Boolean readOnly,

        @Schema(description = "Open the file with O_DIRECT.", defaultValue = "false") @Nullable Boolean directIo,

        @Size(max = VolumeRecord.MAX_DESCRIPTION) @Nullable String description,

        @Schema(description = RequestedLabels.DESCRIPTION) @Nullable Map<String, @Nullable String> labels) {

    NewVolume toNewVolume() {
        return new NewVolume(
                new VolumeName(name),
                size.bytes(),
                backend == null ? BackendType.FILE : backend,
                Boolean.TRUE.equals(readOnly),
                Boolean.TRUE.equals(directIo),
                description == null ? "" : description,
                RequestedLabels.present(labels));
    }
}
