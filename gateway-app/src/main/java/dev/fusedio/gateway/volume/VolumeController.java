package dev.fusedio.gateway.volume;

import dev.fusedio.gateway.catalogue.Catalogue;
import dev.fusedio.gateway.catalogue.Volume;
import dev.fusedio.gateway.catalogue.VolumeName;
import dev.fusedio.gateway.engine.NbdSessions;
import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemType;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.validation.Valid;
import java.net.URI;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PatchMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Volumes: make, list, look at, change, remove. */
@RestController
@RequestMapping("/api/v1/volumes")
@Tag(name = "volumes", description = "Make, list, look at, grow, rename and remove volumes.")
final class VolumeController {
    private static final Pattern ETAG = Pattern.compile("(?:W/)?\"(\\d{1,18})\"");

    private final Catalogue catalogue;
    private final NbdSessions sessions;

    VolumeController(final Catalogue catalogue, final NbdSessions sessions) {
        this.catalogue = catalogue;
        this.sessions = sessions;
    }

    @GetMapping
    @Operation(summary = "All volumes, in the order of names")
    Mono<VolumeList> list() {
        return Flux.fromIterable(catalogue.volumes())
                .concatMap(this::view)
                .collectList()
                .map(VolumeList::new);
    }

    @PostMapping
    @Operation(summary = "Make a volume")
    @ApiResponse(responseCode = "201", description = "It is made, and on stable storage.")
    @ApiResponse(
            responseCode = "400",
            description = "invalid-request",
            content = {})
    @ApiResponse(
            responseCode = "409",
            description = "volume-exists",
            content = {})
    @ApiResponse(
            responseCode = "507",
            description = "insufficient-storage",
            content = {})
    Mono<ResponseEntity<VolumeView>> create(@Valid @RequestBody final CreateVolume request) {
        return catalogue
                .create(request.toNewVolume())
                .flatMap(this::view)
                .map(view -> ResponseEntity.created(URI.create("/api/v1/volumes/" + view.name()))
                        .eTag(etag(view))
                        .body(view));
    }

    @GetMapping("/{name}")
    @Operation(summary = "One volume")
    @ApiResponse(responseCode = "200")
    @ApiResponse(
            responseCode = "404",
            description = "volume-not-found",
            content = {})
    Mono<ResponseEntity<VolumeView>> get(@PathVariable final String name) {
        return Mono.fromSupplier(() -> catalogue.get(name)).flatMap(this::view).map(VolumeController::answer);
    }

    @PatchMapping("/{name}")
    @Operation(
            summary = "Grow, rename, make read-only or writable, describe",
            description =
                    "What is absent stays as it is. New NBD sessions see the change at once; running ones keep the"
                            + " size and the rights they negotiated. Renaming needs a volume that no session has open.")
    @ApiResponse(responseCode = "200", description = "It is changed, and that is on stable storage.")
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
            description = "volume-exists, volume-in-use, volume-damaged or shrink-refused",
            content = {})
    @ApiResponse(
            responseCode = "412",
            description = "revision-mismatch",
            content = {})
    @ApiResponse(
            responseCode = "507",
            description = "insufficient-storage",
            content = {})
    Mono<ResponseEntity<VolumeView>> change(
            @PathVariable final String name,
            @Parameter(description = "End the sessions that forbid the change.") @RequestParam(defaultValue = "false")
                    final boolean force,
            @Parameter(description = "The ETag of the revision that the change was thought for.")
                    @RequestHeader(name = HttpHeaders.IF_MATCH, required = false)
                    final @Nullable String ifMatch,
            @Valid @RequestBody final ChangeVolume request) {
        return Mono.defer(() -> catalogue.change(nameOf(name), request.toVolumeChange(), revision(ifMatch), force))
                .flatMap(this::view)
                .map(VolumeController::answer);
    }

    @DeleteMapping("/{name}")
    @ResponseStatus(HttpStatus.NO_CONTENT)
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
    @ApiResponse(
            responseCode = "412",
            description = "revision-mismatch",
            content = {})
    Mono<Void> delete(
            @PathVariable final String name,
            @Parameter(description = "End its sessions first; remove it although it is damaged.")
                    @RequestParam(defaultValue = "false")
                    final boolean force,
            @RequestHeader(name = HttpHeaders.IF_MATCH, required = false) final @Nullable String ifMatch) {
        return Mono.defer(() -> catalogue.delete(nameOf(name), revision(ifMatch), force));
    }

    private Mono<VolumeView> view(final Volume volume) {
        return switch (volume) {
            case Volume.Damaged damaged -> Mono.just(VolumeView.of(damaged));
            case Volume.Available available ->
                available
                        .open()
                        .allocatedBytes()
                        .onErrorReturn(-1L)
                        .map(allocated -> VolumeView.of(available, allocated, sessions.count(available.open())));
        };
    }

    /** A name that can't be is the name of no volume; saying so is the clearest answer. */
    private static VolumeName nameOf(final String name) {
        if (!VolumeName.isValid(name)) {
            throw new ProblemException(ProblemType.VOLUME_NOT_FOUND, "There is no volume '" + name + "'.");
        }
        return new VolumeName(name);
    }

    private static ResponseEntity<VolumeView> answer(final VolumeView view) {
        final ResponseEntity.BodyBuilder answer = ResponseEntity.ok();
        return (view.revision() == null ? answer : answer.eTag(etag(view))).body(view);
    }

    private static String etag(final VolumeView view) {
        return "\"" + view.revision() + "\"";
    }

    private static @Nullable Long revision(final @Nullable String ifMatch) {
        if (ifMatch == null || ifMatch.strip().equals("*")) {
            return null;
        }
        final Matcher matcher = ETAG.matcher(ifMatch.strip());
        if (!matcher.matches()) {
            throw new ProblemException(
                    ProblemType.REVISION_MISMATCH, "If-Match is no ETag that a volume ever had: " + ifMatch);
        }
        return Long.valueOf(matcher.group(1));
    }
}
