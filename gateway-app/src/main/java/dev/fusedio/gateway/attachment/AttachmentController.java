package dev.fusedio.gateway.attachment;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.fusedio.gateway.web.DryRun;
import dev.fusedio.gateway.web.PageTokens;
import dev.fusedio.gateway.web.Precondition;
import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemType;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.enums.ParameterIn;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.validation.Valid;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import java.net.URI;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Mono;

/** Attachments: make, list, look at, remove. */
@RestController
@RequestMapping("/api/v1/attachments")
@Tag(name = "attachments", description = "Attach volumes and other servers' exports as local block devices.")
final class AttachmentController {
    private static final Pattern ORPHAN_ID = Pattern.compile(AttachmentView.ORPHAN + "(?:0|[1-9]\\d{0,6})");

    private final Attachments attachments;
    private final PageTokens pages;

    AttachmentController(final Attachments attachments, final PageTokens pages) {
        this.attachments = attachments;
        this.pages = pages;
    }

    @GetMapping
    @Operation(
            summary = "Attachments, in the order in which they were made, and orphaned devices behind them",
            description = "An orphaned device was made by this program and is served by no process; no record in this"
                    + " pool is its own. It may be another pool's: that gateway takes it over when it starts.")
    @ApiResponse(responseCode = "200")
    Mono<AttachmentList> list(
            @RequestParam(defaultValue = PageTokens.DEFAULT_LIMIT) @Min(1) @Max(PageTokens.MAX_LIMIT) final int limit,
            @Parameter(description = "The nextPageToken of the page before.") @RequestParam(required = false)
                    final @Nullable String pageToken) {
        return attachments.orphans().map(orphans -> {
            final PageTokens.Page<AttachmentView> page = pages.cut(
                    Stream.concat(
                                    attachments.attachments().stream().map(AttachmentView::of),
                                    orphans.stream().map(AttachmentView::of))
                            .toList(),
                    AttachmentView::position,
                    limit,
                    pageToken,
                    "attachments");
            return new AttachmentList(page.items(), page.nextPageToken());
        });
    }

    @PostMapping
    @Operation(
            summary = "Attach a volume or another server's export",
            description = "The device is there when this answers, and again after a restart or a reboot.")
    @ApiResponse(responseCode = "201", description = "The device is served, and its record on stable storage.")
    @ApiResponse(
            responseCode = "400",
            description = "invalid-request",
            content = {})
    @ApiResponse(
            responseCode = "404",
            description = "volume-not-found",
            content = {})
    @ApiResponse(
            responseCode = "409",
            description = "volume-in-use or attachment-in-use: it is attached already; or volume-damaged",
            content = {})
    @ApiResponse(
            responseCode = "501",
            description = "attachments-unavailable: the driver or a privilege is missing",
            content = {})
    @ApiResponse(
            responseCode = "502",
            description = "source-unreachable",
            content = {})
    Mono<ResponseEntity<AttachmentView>> create(
            @Parameter(description = DryRun.DESCRIPTION) @RequestParam(defaultValue = "false") final boolean dryRun,
            @Valid @RequestBody final CreateAttachment request) {
        return Mono.defer(() -> dryRun
                ? attachments
                        .draft(request.toNewAttachment())
                        .map(draft -> DryRun.mark(created(draft)).body(AttachmentView.ofDraft(draft)))
                : attachments
                        .create(request.toNewAttachment())
                        .map(made -> created(made).eTag(made.etag()).body(AttachmentView.of(made))));
    }

    @GetMapping("/{id}")
    @Operation(
            summary = "One attachment",
            description =
                    "The ETag is another after every change of its record: counts and state may change without it.")
    @Parameter(name = HttpHeaders.IF_NONE_MATCH, in = ParameterIn.HEADER, schema = @Schema(type = "string"))
    @ApiResponse(responseCode = "200")
    @ApiResponse(
            responseCode = "304",
            description = "If-None-Match names the ETag that it has.",
            content = {})
    @ApiResponse(
            responseCode = "404",
            description = "attachment-not-found",
            content = {})
    Mono<ResponseEntity<AttachmentView>> get(@PathVariable final String id) {
        if (!ORPHAN_ID.matcher(id).matches()) {
            return Mono.fromSupplier(() -> {
                final Attachment attachment = attachments.get(id);
                return ResponseEntity.ok().eTag(attachment.etag()).body(AttachmentView.of(attachment));
            });
        }
        return attachments
                .orphans()
                .flatMap(orphans -> orphans.stream()
                        .filter(orphan -> orphan.number() == numberOf(id))
                        .findFirst()
                        .map(orphan -> Mono.just(ResponseEntity.ok()
                                .eTag(AttachmentView.etag(orphan))
                                .body(AttachmentView.of(orphan))))
                        .orElseGet(() -> Mono.error(new ProblemException(
                                ProblemType.ATTACHMENT_NOT_FOUND, "There is no attachment " + id + "."))));
    }

    @DeleteMapping("/{id}")
    @Operation(summary = "Detach; remove an orphaned device")
    @ApiResponse(responseCode = "204", description = "The device is gone, and its record.")
    @ApiResponse(
            responseCode = "404",
            description = "attachment-not-found",
            content = {})
    @ApiResponse(
            responseCode = "409",
            description = "attachment-in-use: it is mounted, or something has it for itself",
            content = {})
    Mono<ResponseEntity<Void>> delete(
            @PathVariable final String id,
            @Parameter(description = "Although something uses the device; later requests fail.")
                    @RequestParam(defaultValue = "false")
                    final boolean force,
            @Parameter(description = DryRun.DESCRIPTION) @RequestParam(defaultValue = "false") final boolean dryRun,
            @Parameter(description = Precondition.DESCRIPTION)
                    @RequestHeader(name = HttpHeaders.IF_MATCH, required = false)
                    final @Nullable String ifMatch) {
        return Mono.defer(() -> {
            final Precondition precondition = Precondition.required(ifMatch);
            return dryRun
                    ? draftDeletion(id, precondition, force)
                            .thenReturn(DryRun.mark(ResponseEntity.noContent()).<Void>build())
                    : delete(id, precondition, force)
                            .thenReturn(ResponseEntity.noContent().<Void>build());
        });
    }

    private Mono<Void> delete(final String id, final Precondition precondition, final boolean force) {
        return ORPHAN_ID.matcher(id).matches()
                ? attachments.deleteOrphan(numberOf(id), precondition, force)
                : attachments.delete(id, precondition, force);
    }

    private Mono<Void> draftDeletion(final String id, final Precondition precondition, final boolean force) {
        return ORPHAN_ID.matcher(id).matches()
                ? attachments.draftOrphanDeletion(numberOf(id), precondition, force)
                : attachments.draftDeletion(id, precondition, force);
    }

    private static int numberOf(final String orphan) {
        return Integer.parseInt(orphan.substring(AttachmentView.ORPHAN.length()));
    }

    private static ResponseEntity.BodyBuilder created(final Attachment attachment) {
        return ResponseEntity.created(URI.create("/api/v1/attachments/" + attachment.id()));
    }

    /**
     * A page of attachments.
     *
     * @param items attachments in the order in which they were made, then orphans by number
     * @param nextPageToken what to ask for the next page with; absent in the last
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record AttachmentList(
            List<AttachmentView> items,

            @Schema(description = "Ask with it for the next page; absent in the last.") @Nullable String nextPageToken) {
        AttachmentList {
            items = List.copyOf(items);
        }
    }
}
