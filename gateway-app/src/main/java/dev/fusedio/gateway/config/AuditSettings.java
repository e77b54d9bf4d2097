package dev.fusedio.gateway.config;

import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The audit log.
 *
 * @param destination where its lines go
 * @param path the file; {@code audit.jsonl} in the directory of secrets unless given
 * @param maxSize of one file, before it is set aside
 * @param files how many are kept, the current one included
 */
public record AuditSettings(
        @DefaultValue("file") Destination destination,
        @Nullable Path path,

        @DefaultValue("16MiB") @ByteSizeBetween(min = "64KiB", max = "16GiB")
        ByteSize maxSize,

        @DefaultValue("8") @Min(1) @Max(1000) int files) {

    /** Where the lines go. */
    public enum Destination {
        FILE,
        /** Standard output, for container engines that collect it. */
        STDOUT,
        NONE
    }
}
