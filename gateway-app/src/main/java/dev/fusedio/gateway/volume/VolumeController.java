package dev.fusedio.gateway.volume;

import dev.fusedio.gateway.catalogue.Catalogue;
import dev.fusedio.gateway.catalogue.LabelFilter;
import dev.fusedio.gateway.catalogue.NewVolume;
import dev.fusedio.gateway.catalogue.Volume;
import dev.fusedio.gateway.catalogue.VolumeDraft;
import dev.fusedio.gateway.catalogue.VolumeName;
import dev.fusedio.gateway.catalogue.VolumeRecord;
import dev.fusedio.gateway.copy.NewCopy;
import dev.fusedio.gateway.copy.VolumeCopies;
import dev.fusedio.gateway.operation.Operations;
import dev.fusedio.gateway.web.DryRun;
import dev.fusedio.gateway.web.PageTokens;
import dev.fusedio.gateway.web.Precondition;
import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemType;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.enums.ParameterIn;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.validation.Valid;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import java.net.URI;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PatchMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Mono;

/** Volumes: make, list, look at, change, remove. */
@RestController
@RequestMapping("/api/v1/volumes")
@Tag(name = "volumes", description = "Make, list, look at, grow, rename and remove volumes.")
final class VolumeController {
    private final Catalogue catalogue;
    private final VolumeCopies copies;
    private final VolumeViews views;
    private final PageTokens pages;

    VolumeController(
            final Catalogue catalogue, final VolumeCopies copies, final VolumeViews views, final PageTokens pages) {
        this.catalogue = catalogue;
        this.copies = copies;
        this.views = views;
        this.pages = pages;
    }

    @GetMapping
    @Operation(summary = "Volumes, in the order of names")
    @ApiResponse(responseCode = "200")
    Mono<VolumeList> list(
            @RequestParam(defaultValue = PageTokens.DEFAULT_LIMIT) @Min(1) @Max(PageTokens.MAX_LIMIT) final int limit,
            @Parameter(description = "The nextPageToken of the page before; with the same filters.")
                    @RequestParam(required = false)
                    final @Nullable String pageToken,
            @Parameter(description = "Only volumes with this label, KEY=VALUE or KEY; given again, with all of them.")
                    @RequestParam(name = "label", defaultValue = "")
                    final List<String> labels) {
        return Mono.defer(() -> {
            final List<LabelFilter> filters = LabelFilter.parse(labels);
            final PageTokens.Page<Volume> page = pages.cut(
                    catalogue.volumes().stream()
                            .filter(volume -> isAdmitted(volume, filters))
                            .toList(),
                    Volume::name,
                    limit,
                    pageToken,
                    "volumes " + labels);
            return views.of(page.items()).map(items -> new VolumeList(items, page.nextPageToken()));
        });
    }

    @PostMapping
    @Operation(
            summary = "Make a volume, or begin to copy one",
            description = "With copyOf the volume is there, whole, when the operation has succeeded, and never in part."
                    + " The copy is as its source was at one moment: if the source is written meanwhile, the operation"
                    + " fails with source-changed. At most 2 operations run at one time.")
    @ApiResponse(
            responseCode = "201",
            description = "It is made, and on stable storage.",
            content = @Content(schema = @Schema(implementation = VolumeView.class)))
    @ApiResponse(
            responseCode = "202",
            description = "It is being copied; Location is the operation's.",
            content = @Content(schema = @Schema(implementation = dev.fusedio.gateway.operation.Operation.class)))
    @ApiResponse(
            responseCode = "404",
            description = "volume-not-found: there is no volume copyOf",
            content = {})
    @ApiResponse(
            responseCode = "409",
            description = "volume-exists; or volume-damaged, which is about copyOf",
            content = {})
    @ApiResponse(
            responseCode = "503",
            description = "too-many-operations",
            content = {})
    @ApiResponse(
            responseCode = "507",
            description = "insufficient-storage",
            content = {})
    Mono<? extends ResponseEntity<?>> create(
            @Parameter(description = DryRun.DESCRIPTION) @RequestParam(defaultValue = "false") final boolean dryRun,
            @Valid @RequestBody final CreateVolume request) {
        final String source = request.copyOf();
        return source == null ? create(request, dryRun) : copy(request.toNewCopy(source), dryRun);
    }

    private Mono<ResponseEntity<VolumeView>> create(final CreateVolume request, final boolean dryRun) {
        return Mono.defer(() -> dryRun
                ? catalogue.draft(request.toNewVolume()).map(VolumeController::drafted)
                : catalogue.create(request.toNewVolume()).flatMap(views::of).map(view -> answer(created(view), view)));
    }

    private Mono<ResponseEntity<dev.fusedio.gateway.operation.Operation>> copy(
            final NewCopy wanted, final boolean dryRun) {
        return dryRun
                ? copies.draft(wanted)
                        .map(draft -> DryRun.mark(ResponseEntity.accepted()).body(draft))
                : copies.begin(wanted)
                        .map(begun -> ResponseEntity.accepted()
                                .location(URI.create(Operations.PATH + "/" + begun.id()))
                                .body(begun));
    }

    @PutMapping("/{name}")
    @Operation(
            summary = "See to it that there is a volume",
            description =
                    "Makes it unless it is there. May be repeated: if it is there as the request says, that is the"
                            + " answer. What the request leaves open is not compared, and nothing is changed.")
    @ApiResponse(responseCode = "200", description = "It was there, and is as the request says.")
    @ApiResponse(responseCode = "201", description = "It is made, and on stable storage.")
    @ApiResponse(
            responseCode = "409",
            description = "volume-exists: it is there and differs, 'errors' says in what; or volume-damaged",
            content = {})
    @ApiResponse(
            responseCode = "507",
            description = "insufficient-storage",
            content = {})
    Mono<ResponseEntity<VolumeView>> put(
            @PathVariable final String name,
            @Parameter(description = DryRun.DESCRIPTION) @RequestParam(defaultValue = "false") final boolean dryRun,
            @Valid @RequestBody final PutVolume request) {
        return Mono.defer(() -> {
            if (!VolumeName.isValid(name)) {
                throw ProblemException.invalid("name", "must be " + VolumeName.RULE);
            }
            final NewVolume wanted = request.toNewVolume(new VolumeName(name));
            return dryRun
                    ? catalogue
                            .draftEnsured(wanted, request)
                            .map(ensured -> ensured.made() ? drafted(ensured.volume()) : dry(ensured.volume()))
                    : catalogue
                            .ensure(wanted, request)
                            .flatMap(ensured -> views.of(ensured.volume())
                                    .map(view -> answer(ensured.made() ? created(view) : ResponseEntity.ok(), view)));
        });
    }

    @GetMapping("/{name}")
    @Operation(
            summary = "One volume",
            description = "The ETag is the record's revision: sessions and the space taken up may change without it.")
    @Parameter(name = HttpHeaders.IF_NONE_MATCH, in = ParameterIn.HEADER, schema = @Schema(type = "string"))
    @ApiResponse(responseCode = "200")
    @ApiResponse(
            responseCode = "304",
            description = "If-None-Match names the revision that it is at.",
            content = {})
    @ApiResponse(
            responseCode = "404",
            description = "volume-not-found",
            content = {})
    Mono<ResponseEntity<VolumeView>> get(@PathVariable final String name) {
        return Mono.fromSupplier(() -> catalogue.get(name))
                .flatMap(views::of)
                .map(view -> answer(ResponseEntity.ok(), view));
    }

    @PatchMapping("/{name}")
    @Operation(
            summary = "Grow, rename, make read-only or writable, describe, label",
            description =
                    "What is absent stays as it is. New NBD sessions see the change at once; running ones keep the"
                            + " size and the rights they negotiated. Renaming needs a volume that no session has open.")
    @ApiResponse(responseCode = "200", description = "It is changed, and that is on stable storage.")
    @ApiResponse(
            responseCode = "404",
            description = "volume-not-found",
            content = {})
    @ApiResponse(
            responseCode = "409",
            description = "volume-exists, volume-in-use, volume-damaged or shrink-refused",
            content = {})
    @ApiResponse(
            responseCode = "507",
            description = "insufficient-storage",
            content = {})
    Mono<ResponseEntity<VolumeView>> change(
            @PathVariable final String name,
            @Parameter(description = "End the sessions that forbid the change.") @RequestParam(defaultValue = "false")
                    final boolean force,
            @Parameter(description = DryRun.DESCRIPTION) @RequestParam(defaultValue = "false") final boolean dryRun,
            @Parameter(description = Precondition.DESCRIPTION)
                    @RequestHeader(name = HttpHeaders.IF_MATCH, required = false)
                    final @Nullable String ifMatch,
            @Valid @RequestBody final ChangeVolume request) {
        return Mono.defer(() -> {
            final Precondition precondition = Precondition.required(ifMatch);
            return dryRun
                    ? catalogue
                            .draft(nameOf(name), request.toVolumeChange(), precondition, force)
                            .map(VolumeController::dry)
                    : catalogue
                            .change(nameOf(name), request.toVolumeChange(), precondition, force)
                            .flatMap(views::of)
                            .map(view -> answer(ResponseEntity.ok(), view));
        });
    }

    @PostMapping("/{name}/reopen")
    @Operation(
            summary = "Open a volume anew after a failed write-back",
            description =
                    "A 'failed' volume answers every flush with an error, because data that was acknowledged may be"
                            + " missing. When its storage is repaired and its data was checked or restored, this makes it available"
                            + " again. No session and no block device may have it. A volume that has not failed is opened anew as"
                            + " well.")
    @ApiResponse(responseCode = "200", description = "It is open, and nothing of it has failed since.")
    @ApiResponse(
            responseCode = "404",
            description = "volume-not-found",
            content = {})
    @ApiResponse(
            responseCode = "409",
            description = "volume-in-use or volume-damaged",
            content = {})
    Mono<ResponseEntity<VolumeView>> reopen(@PathVariable final String name) {
        return Mono.defer(() -> catalogue.reopen(nameOf(name)))
                .flatMap(views::of)
                .map(view -> answer(ResponseEntity.ok(), view));
    }

    @DeleteMapping("/{name}")
    @Operation(summary = "Remove a volume and its data")
    @ApiResponse(responseCode = "204", description = "It is gone.")
    @ApiResponse(
            responseCode = "404",
            description = "volume-not-found",
            content = {})
    @ApiResponse(
            responseCode = "409",
            description = "volume-in-use or volume-damaged",
            content = {})
    Mono<ResponseEntity<Void>> delete(
            @PathVariable final String name,
            @Parameter(description = "End its sessions first; remove it although it is damaged.")
                    @RequestParam(defaultValue = "false")
                    final boolean force,
            @Parameter(description = DryRun.DESCRIPTION) @RequestParam(defaultValue = "false") final boolean dryRun,
            @Parameter(description = Precondition.DESCRIPTION)
                    @RequestHeader(name = HttpHeaders.IF_MATCH, required = false)
                    final @Nullable String ifMatch) {
        return Mono.defer(() -> {
            final Precondition precondition = Precondition.required(ifMatch);
            return dryRun
                    ? catalogue
                            .draftDeletion(nameOf(name), precondition, force)
                            .thenReturn(DryRun.mark(ResponseEntity.noContent()).<Void>build())
                    : catalogue
                            .delete(nameOf(name), precondition, force)
                            .thenReturn(ResponseEntity.noContent().<Void>build());
        });
    }

    private static boolean isAdmitted(final Volume volume, final List<LabelFilter> filters) {
        if (filters.isEmpty()) {
            return true;
        }
        final Map<String, String> labels =
                volume.knownRecord().map(VolumeRecord::labels).orElse(Map.of());
        return filters.stream().allMatch(filter -> filter.admits(labels));
    }

    /** A name that can't be is the name of no volume; saying so is the clearest answer. */
    private static VolumeName nameOf(final String name) {
        if (!VolumeName.isValid(name)) {
            throw new ProblemException(ProblemType.VOLUME_NOT_FOUND, "There is no volume '" + name + "'.");
        }
        return new VolumeName(name);
    }

    private static ResponseEntity.BodyBuilder created(final VolumeView view) {
        return ResponseEntity.created(URI.create("/api/v1/volumes/" + view.name()));
    }

    private static ResponseEntity<VolumeView> drafted(final VolumeDraft draft) {
        final VolumeView view = VolumeView.of(draft);
        return answer(DryRun.mark(created(view)), view);
    }

    private static ResponseEntity<VolumeView> dry(final VolumeDraft draft) {
        return answer(DryRun.mark(ResponseEntity.ok()), VolumeView.of(draft));
    }

    private static ResponseEntity<VolumeView> answer(final ResponseEntity.BodyBuilder answer, final VolumeView view) {
        return (view.revision() == null ? answer : answer.eTag(Precondition.etag(view.revision()))).body(view);
    }
}
