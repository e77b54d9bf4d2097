package dev.fusedio.gateway.statistics;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.fusedio.gateway.engine.VolumeCounters;
import io.swagger.v3.oas.annotations.media.Schema;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a volume does, as the API shows it. */
@JsonInclude(JsonInclude.Include.NON_NULL)
@Schema(name = "VolumeStatistics", description = "What a volume does.")
record VolumeStatistics(
        @Schema(example = "demo") String name,

        @Schema(description = "NBD sessions that have it open.")
        int sessions,

        @Schema(description = "Requests begun and not completed.")
        long inFlight,

        @Schema(description = "By kind of request; kinds that never came are left out.")
        List<OperationStatistics> operations,

        @Schema(description = "All kinds together; absent in the first sample.") @Nullable Rates lastSecond) {
    VolumeStatistics {
        operations = List.copyOf(operations);
    }

    static VolumeStatistics of(final Source source, final double seconds, final int sessions) {
        final VolumeCounters before =
                source.before() == null ? VolumeCounters.NONE : source.before().counters();
        return new VolumeStatistics(
                source.now().name(),
                sessions,
                source.now().counters().inFlight(),
                source.now().counters().operations().stream()
                        .filter(operation -> operation.count() > 0)
                        .map(operation -> OperationStatistics.of(operation, before, seconds))
                        .toList(),
                seconds == 0 ? null : Rates.of(source.grown(), seconds));
    }

    /**
     * What it is made from.
     *
     * @param now the counters
     * @param before those of the sample before; null if it was not open then, and all that it did it did since
     * @param grown what they grew by
     */
    record Source(Reading.OfVolume now, Reading.@Nullable OfVolume before, Tally grown) {}

    /** One kind of request. */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    @Schema(name = "OperationStatistics", description = "One kind of request.")
    record OperationStatistics(
            @Schema(example = "read") String name,

            @Schema(description = "Requests completed since the volume was opened, failed ones included.")
            long count,

            @Schema(description = "Bytes moved or affected by those that succeeded.")
            long bytes,

            @Schema(description = "Failures by the errno's name.")
            Map<String, Long> errors,

            @Schema(description = "Since the volume was opened.") @Nullable Latency latency,

            @Schema(description = "Absent in the first sample.") @Nullable Rates lastSecond) {
        OperationStatistics {
            errors = Map.copyOf(errors);
        }

        private static OperationStatistics of(
                final VolumeCounters.Operation operation, final VolumeCounters before, final double seconds) {
            final Tally now = Tally.of(operation);
            final Tally past = before.operations().stream()
                    .filter(each -> each.name().equals(operation.name()))
                    .findFirst()
                    .map(Tally::of)
                    .orElse(Tally.NONE);
            return new OperationStatistics(
                    operation.name(),
                    operation.count(),
                    operation.bytes(),
                    operation.errors(),
                    Latency.of(now),
                    seconds == 0 ? null : Rates.of(now.since(past), seconds));
        }
    }
}
