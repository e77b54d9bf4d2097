package dev.fusedio.gateway.volume;

import dev.fusedio.gateway.catalogue.NewVolume;
import dev.fusedio.gateway.catalogue.Volume;
import dev.fusedio.gateway.catalogue.VolumeAcceptance;
import dev.fusedio.gateway.catalogue.VolumeName;
import dev.fusedio.gateway.catalogue.VolumeRecord;
import dev.fusedio.gateway.engine.BackendType;
import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemException.FieldError;
import dev.fusedio.gateway.web.ProblemType;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Size;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A request that a volume be there. Of one that is there already, only what is said here is compared. */
@Schema(name = "PutVolume")
record PutVolume(
        @Schema(requiredMode = Schema.RequiredMode.REQUIRED) @NotNull(message = "is needed") RequestedSize size,

        @Schema(description = "What keeps the bytes; 'memory' is zeros after every start.", defaultValue = "file")
        @Nullable BackendType backend,

        @Schema(defaultValue = "false") @Nullable Boolean readOnly,

        @Schema(description = "Open the file with O_DIRECT.", defaultValue = "false") @Nullable Boolean directIo,

        @Size(max = VolumeRecord.MAX_DESCRIPTION) @Nullable String description,

        @Schema(description = RequestedLabels.DESCRIPTION) @Nullable Map<String, @Nullable String> labels)
        implements VolumeAcceptance {

    NewVolume toNewVolume(final VolumeName name) {
        return new CreateVolume(name.value(), null, size, backend, readOnly, directIo, description, labels)
                .toNewVolume();
    }

    @Override
    public void require(final Volume.Available there) {
        final VolumeRecord record = there.record();
        final List<FieldError> differences = new ArrayList<>();
        compare("size", size.bytes(), there.open().size(), differences);
        compare("backend", backend, record.backend(), differences);
        compare("readOnly", readOnly, record.readOnly(), differences);
        compare("directIo", directIo, record.directIo(), differences);
        compare("description", description, record.description(), differences);
        compare("labels", labels == null ? null : RequestedLabels.present(labels), record.labels(), differences);
        if (!differences.isEmpty()) {
            throw new ProblemException(
                    ProblemType.VOLUME_EXISTS,
                    "There is a volume '" + there.name() + "' already, with another "
                            + differences.stream().map(FieldError::field).collect(Collectors.joining(", "))
                            + ". PATCH changes it.",
                    differences);
        }
    }

    private static <T> void compare(
            final String field, final @Nullable T wanted, final T there, final List<FieldError> differences) {
        if (wanted != null && !wanted.equals(there)) {
            differences.add(new FieldError(field, "the volume there has another: " + there));
        }
    }
}
