package dev.fusedio.gateway.copy;

import dev.fusedio.gateway.catalogue.NewVolume;
import dev.fusedio.gateway.catalogue.Volume;
import dev.fusedio.gateway.catalogue.VolumeName;
import dev.fusedio.gateway.engine.BackendType;
import dev.fusedio.gateway.web.ProblemException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A copy to be made. What is null follows the source; what is not is as with any new volume.
 *
 * @param name its name
 * @param source the name of the volume that is copied
 * @param size bytes, not less than the source has
 * @param backend what keeps the bytes
 * @param readOnly whether it is exported read-only
 * @param directIo whether its file is opened with O_DIRECT; follows only a source with the same backend
 * @param description for people, perhaps empty
 * @param labels for programs
 */
public record NewCopy(
        VolumeName name,
        String source,
        @Nullable Long size,
        @Nullable BackendType backend,
        boolean readOnly,
        @Nullable Boolean directIo,
        String description,
        Map<String, String> labels) {
    public NewCopy {
        labels = Map.copyOf(labels);
    }

    /**
     * The volume that is to be made.
     *
     * @throws ProblemException if it can't have what the source has
     */
    NewVolume of(final Volume.Available from) {
        final long sourceSize = from.open().size();
        if (size != null && size < sourceSize) {
            throw ProblemException.invalid(
                    "size", "must not be below that of '" + source + "', " + sourceSize + " bytes, and is " + size);
        }
        final BackendType type = backend == null ? from.record().backend() : backend;
        final boolean follows = type == from.record().backend() && from.record().directIo();
        return new NewVolume(
                name,
                size == null ? sourceSize : size,
                type,
                readOnly,
                directIo == null ? follows : directIo,
                description,
                labels);
    }
}
