package dev.fusedio.gateway.attachment;

import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemType;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.validation.Valid;
import java.net.URI;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Mono;

/** Attachments: make, list, look at, remove. */
@RestController
@RequestMapping("/api/v1/attachments")
@Tag(name = "attachments", description = "Attach volumes and other servers' exports as local block devices.")
final class AttachmentController {
    private static final Pattern ORPHAN_ID = Pattern.compile(AttachmentView.ORPHAN + "(?:0|[1-9]\\d{0,6})");

    private final Attachments attachments;

    AttachmentController(final Attachments attachments) {
        this.attachments = attachments;
    }

    @GetMapping
    @Operation(
            summary = "All attachments, in the order in which they were made, and orphaned devices behind them",
            description = "An orphaned device was made by this program and is served by no process; no record in this"
                    + " pool is its own. It may be another pool's: that gateway takes it over when it starts.")
    Mono<AttachmentList> list() {
        return attachments
                .orphans()
                .map(orphans -> new AttachmentList(Stream.concat(
                                attachments.attachments().stream().map(AttachmentView::of),
                                orphans.stream().map(AttachmentView::of))
                        .toList()));
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
    Mono<ResponseEntity<AttachmentView>> create(@Valid @RequestBody final CreateAttachment request) {
        return Mono.defer(() -> attachments.create(request.toNewAttachment()))
                .map(AttachmentView::of)
                .map(view -> ResponseEntity.created(URI.create("/api/v1/attachments/" + view.id()))
                        .body(view));
    }

    @GetMapping("/{id}")
    @Operation(summary = "One attachment")
    @ApiResponse(responseCode = "200")
    @ApiResponse(
            responseCode = "404",
            description = "attachment-not-found",
            content = {})
    Mono<AttachmentView> get(@PathVariable final String id) {
        if (!ORPHAN_ID.matcher(id).matches()) {
            return Mono.fromSupplier(() -> AttachmentView.of(attachments.get(id)));
        }
        return attachments
                .orphans()
                .flatMap(orphans -> orphans.stream()
                        .map(AttachmentView::of)
                        .filter(orphan -> orphan.id().equals(id))
                        .findFirst()
                        .map(Mono::just)
                        .orElseGet(() -> Mono.error(new ProblemException(
                                ProblemType.ATTACHMENT_NOT_FOUND, "There is no attachment " + id + "."))));
    }

    @DeleteMapping("/{id}")
    @ResponseStatus(HttpStatus.NO_CONTENT)
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
    Mono<Void> delete(
            @PathVariable final String id,
            @Parameter(description = "Although something uses the device; later requests fail.")
                    @RequestParam(defaultValue = "false")
                    final boolean force) {
        return ORPHAN_ID.matcher(id).matches()
                ? attachments.deleteOrphan(Integer.parseInt(id.substring(AttachmentView.ORPHAN.length())), force)
                : attachments.delete(id, force);
    }

    /**
     * A list of attachments.
     *
     * @param items attachments in the order in which they were made, then orphans by number
     */
    record AttachmentList(List<AttachmentView> items) {
        AttachmentList {
            items = List.copyOf(items);
        }
    }
}
