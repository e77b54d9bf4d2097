package dev.fusedio.gateway.volume;

import dev.fusedio.gateway.catalogue.VolumeChange;
import dev.fusedio.gateway.catalogue.VolumeName;
import dev.fusedio.gateway.catalogue.VolumeRecord;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.Pattern;
import jakarta.validation.constraints.Size;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A request to change a volume; what is absent stays as it is. */
@Schema(name = "ChangeVolume")
record ChangeVolume(
        @Pattern(regexp = VolumeName.FORM, message = "must be " + VolumeName.RULE) @Nullable String name,

        @Schema(description = "Not less than it has.") @Nullable RequestedSize size,

        @Nullable Boolean readOnly,
        @Size(max = VolumeRecord.MAX_DESCRIPTION) @Nullable String description,

        @Schema(
                description =
                        "Labels to add or replace; null removes one; the others stay. " + RequestedLabels.DESCRIPTION)
        @Nullable Map<String, @Nullable String> labels) {

    VolumeChange toVolumeChange() {
        return new VolumeChange(
                name == null ? null : new VolumeName(name),
                size == null ? null : size.bytes(),
                readOnly,
                description,
                labels);
    }
}
