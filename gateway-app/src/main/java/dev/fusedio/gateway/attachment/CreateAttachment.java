package dev.fusedio.gateway.attachment;

import dev.fusedio.gateway.engine.DeviceMechanism;
import dev.fusedio.gateway.engine.DeviceSpec;
import dev.fusedio.gateway.web.ProblemException;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import org.jspecify.annotations.Nullable;

/** A request to attach: exactly one of {@code volume} and {@code source}. */
@Schema(name = "CreateAttachment", description = "Exactly one of 'volume' and 'source'.")
record CreateAttachment(
        @Schema(description = "A volume of this gateway.", example = "demo") @Nullable String volume,

        @Schema(
                description = "Another server's export: nbd://HOST[:PORT]/EXPORT or nbd+unix:///EXPORT?socket=PATH.",
                example = "nbd://192.0.2.7:10809/disk")
        @Nullable String source,

        @Schema(description = "Hardware queues; one for each core loop if absent.")
        @Min(1) @Max(DeviceSpec.MAX_QUEUES) @Nullable Integer queues,

        @Schema(description = "Requests of a queue at once.", defaultValue = "" + DeviceSpec.DEFAULT_DEPTH)
        @Min(1) @Max(DeviceSpec.MAX_DEPTH) @Nullable Integer depth,

        @Schema(defaultValue = "false") @Nullable Boolean readOnly,

        @Schema(description = "How data is to be moved; 'auto' is the best that works here.", defaultValue = "auto")
        @Nullable DeviceMechanism mechanism,

        @Schema(description = "Connections wanted to another server.", defaultValue = "1")
        @Min(1) @Max(DeviceSpec.MAX_CONNECTIONS) @Nullable Integer connections,

        @Schema(
                description = "How long another server may be silent before its connection is given up, and how long"
                        + " requests wait for a new one before they fail with EIO.",
                defaultValue = "" + DeviceSpec.DEFAULT_TIMEOUT_SECONDS)
        @Min(1) @Max(DeviceSpec.MAX_TIMEOUT_SECONDS) @Nullable Integer timeoutSeconds) {

    NewAttachment toNewAttachment() {
        if (isAbsent(volume) == isAbsent(source)) {
            throw ProblemException.invalid("volume", "give either a volume or a source, and not both");
        }
        if (connections != null && isAbsent(source)) {
            throw ProblemException.invalid("connections", "are for a source; a volume needs none");
        }
        if (timeoutSeconds != null && isAbsent(source)) {
            throw ProblemException.invalid("timeoutSeconds", "is for a source; a volume needs none");
        }
        return new NewAttachment(
                volume == null ? "" : volume,
                source == null ? "" : source,
                queues == null ? 0 : queues,
                depth == null ? DeviceSpec.DEFAULT_DEPTH : depth,
                Boolean.TRUE.equals(readOnly),
                mechanism == null ? DeviceMechanism.AUTO : mechanism,
                connections == null ? 1 : connections,
                timeoutSeconds == null ? DeviceSpec.DEFAULT_TIMEOUT_SECONDS : timeoutSeconds);
    }

    private static boolean isAbsent(final @Nullable String text) {
        return text == null || text.isEmpty();
    }
}
