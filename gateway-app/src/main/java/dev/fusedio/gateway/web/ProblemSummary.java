package dev.fusedio.gateway.web;

import dev.fusedio.gateway.engine.DataPlaneException;
import io.swagger.v3.oas.annotations.media.Schema;

/**
 * What work failed with that no request waits for: a problem without its request.
 *
 * @param code what programs compare
 * @param detail what is wrong in this case, and what to do
 */
@Schema(name = "ProblemSummary", description = "What work failed with that no request waits for.")
public record ProblemSummary(
        @Schema(example = "insufficient-storage") String code, String detail) {
    /** A failure, as it would be answered. */
    public static ProblemSummary of(final Throwable failure) {
        return switch (failure) {
            case ProblemException problem ->
                new ProblemSummary(problem.type().code(), String.valueOf(problem.getMessage()));
            case DataPlaneException storage ->
                new ProblemSummary(Problems.typeOf(storage).code(), String.valueOf(storage.getMessage()));
            default -> new ProblemSummary(ProblemType.INTERNAL_ERROR.code(), "See the gateway's log.");
        };
    }
}
