package dev.fusedio.gateway.operation;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.fusedio.gateway.web.ProblemSummary;
import io.swagger.v3.oas.annotations.media.Schema;
import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * An operation at one moment.
 *
 * @param id its id
 * @param kind what it does
 * @param state how it stands
 * @param volume the volume that it makes
 * @param source the volume that it reads; null if it reads none
 * @param progress how far it is
 * @param createdAt when it was asked for
 * @param startedAt when it began to work
 * @param finishedAt when it ended; null before
 * @param problem what it failed with; null unless it did
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
@Schema(name = "Operation", description = "Work that takes longer than a request.")
public record Operation(
        UUID id,

        @Schema(example = "volume-copy") OperationKind kind,

        @Schema(description = "One that was told to end is 'running' until it has cleared up.")
        OperationState state,

        @Schema(description = "The volume that it makes; there once it has succeeded.")
        String volume,

        @Schema(description = "The volume that it reads.") @Nullable String source,

        Progress progress,
        Instant createdAt,
        @Nullable Instant startedAt,
        @Nullable Instant finishedAt,

        @Schema(description = "Why it failed; only if it did.") @Nullable ProblemSummary problem) {

    /** One that would be begun. */
    public static Operation drafted(final OperationPlan plan, final Instant now) {
        return new Operation(
                UUID.randomUUID(),
                plan.kind(),
                OperationState.RUNNING,
                plan.volume(),
                plan.source(),
                new Progress(0, plan.totalBytes()),
                now,
                null,
                null,
                null);
    }

    /** Another one whenever it shows something else. */
    public String etag() {
        return "\"" + state.label() + "-" + progress.doneBytes() + "\"";
    }

    /**
     * How far an operation is.
     *
     * @param doneBytes done, holes that needed no work included
     * @param totalBytes to do
     */
    @Schema(name = "Progress")
    public record Progress(
            @Schema(description = "Holes that needed no work are counted.")
            long doneBytes,

            long totalBytes) {}
}
