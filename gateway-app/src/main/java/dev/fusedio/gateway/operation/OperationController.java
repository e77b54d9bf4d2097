package dev.fusedio.gateway.operation;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.fusedio.gateway.web.PageTokens;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.enums.ParameterIn;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Mono;

/** Operations: list, look at, cancel, forget. */
@RestController
@RequestMapping(Operations.PATH)
@Tag(name = "operations", description = "Work that takes longer than a request: look at it, cancel it.")
final class OperationController {
    private final Operations operations;
    private final PageTokens pages;

    OperationController(final Operations operations, final PageTokens pages) {
        this.operations = operations;
        this.pages = pages;
    }

    @GetMapping
    @io.swagger.v3.oas.annotations.Operation(
            summary = "Operations, in the order in which they were begun",
            description = "Those that run, and the last 100 that have ended, for an hour. A gateway that starts again"
                    + " knows none.")
    @ApiResponse(responseCode = "200")
    Mono<OperationList> list(
            @Parameter(
                            description = "Only those in this state.",
                            schema = @Schema(allowableValues = {"running", "succeeded", "failed", "cancelled"}))
                    @RequestParam(required = false)
                    final @Nullable String state,
            @RequestParam(defaultValue = PageTokens.DEFAULT_LIMIT) @Min(1) @Max(PageTokens.MAX_LIMIT) final int limit,
            @Parameter(description = "The nextPageToken of the page before; with the same filter.")
                    @RequestParam(required = false)
                    final @Nullable String pageToken) {
        return Mono.fromSupplier(() -> {
            final OperationState wanted = state == null ? null : OperationState.of(state);
            final PageTokens.Page<Operations.Placed> page = pages.cut(
                    operations.operations().stream()
                            .filter(placed ->
                                    wanted == null || placed.operation().state() == wanted)
                            .toList(),
                    Operations.Placed::position,
                    limit,
                    pageToken,
                    "operations " + state);
            return new OperationList(
                    page.items().stream().map(Operations.Placed::operation).toList(), page.nextPageToken());
        });
    }

    @GetMapping("/{id}")
    @io.swagger.v3.oas.annotations.Operation(
            summary = "One operation",
            description = "The ETag is another whenever its state or progress is.")
    @Parameter(name = HttpHeaders.IF_NONE_MATCH, in = ParameterIn.HEADER, schema = @Schema(type = "string"))
    @ApiResponse(responseCode = "200")
    @ApiResponse(
            responseCode = "304",
            description = "If-None-Match names the ETag that it has.",
            content = {})
    @ApiResponse(
            responseCode = "404",
            description = "operation-not-found",
            content = {})
    Mono<ResponseEntity<Operation>> get(@PathVariable final String id) {
        return Mono.fromSupplier(() -> operations.get(id))
                .map(operation -> ResponseEntity.ok().eTag(operation.etag()).body(operation));
    }

    @DeleteMapping("/{id}")
    @io.swagger.v3.oas.annotations.Operation(
            summary = "Cancel an operation; forget one that has ended",
            description =
                    "A running one is told to give up, and is 'cancelled' once nothing is left of what it was making;"
                            + " it may still succeed if it was all but done. May be repeated.")
    @ApiResponse(
            responseCode = "202",
            description = "It ran, and is told to give up.",
            content = @Content(schema = @Schema(implementation = Operation.class)))
    @ApiResponse(
            responseCode = "204",
            description = "It had ended, and is forgotten.",
            content = {})
    @ApiResponse(
            responseCode = "404",
            description = "operation-not-found",
            content = {})
    Mono<ResponseEntity<Operation>> delete(@PathVariable final String id) {
        return Mono.fromSupplier(() -> operations
                .delete(id)
                .map(cancelled -> ResponseEntity.accepted().body(cancelled))
                .orElseGet(() -> ResponseEntity.noContent().build()));
    }

    /**
     * A page of operations.
     *
     * @param items in the order in which they were begun
     * @param nextPageToken what to ask for the next page with; absent in the last
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record OperationList(
            List<Operation> items,

            @Schema(description = "Ask with it for the next page; absent in the last.") @Nullable String nextPageToken) {
        OperationList {
            items = List.copyOf(items);
        }
    }
}
