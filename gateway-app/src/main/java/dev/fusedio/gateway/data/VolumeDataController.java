package dev.fusedio.gateway.data;

import dev.fusedio.gateway.catalogue.Catalogue;
import dev.fusedio.gateway.config.GatewayProperties;
import dev.fusedio.gateway.engine.OpenVolume;
import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemType;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.enums.ParameterIn;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.util.Optional;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestMethod;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/** A volume's bytes: GET and HEAD with Range, PUT with Content-Range. */
@RestController
@RequestMapping("/api/v1/volumes/{name}/data")
@Tag(name = "data", description = "Read and write a volume's bytes.")
final class VolumeDataController {
    private static final String BYTES = "bytes";

    private final Catalogue catalogue;
    private final GatewayProperties properties;
    private final TransferLimit transfers;

    VolumeDataController(final Catalogue catalogue, final GatewayProperties properties, final TransferLimit transfers) {
        this.catalogue = catalogue;
        this.properties = properties;
        this.transfers = transfers;
    }

    @RequestMapping(method = RequestMethod.HEAD)
    @Operation(summary = "A volume's length", description = "In Content-Length.")
    @ApiResponse(
            responseCode = "200",
            content = {})
    @ApiResponse(
            responseCode = "404",
            description = "volume-not-found",
            content = {})
    Mono<Void> head(@PathVariable final String name, @Parameter(hidden = true) final ServerWebExchange exchange) {
        return Mono.fromSupplier(() -> open(name)).flatMap(volume -> {
            describe(exchange.getResponse(), volume.size());
            return exchange.getResponse().setComplete();
        });
    }

    @GetMapping
    @Operation(
            summary = "Read a volume, or one range of it",
            description =
                    "The content is a live volume's: it may change while it is read. There is no validator for it,"
                            + " so If-Range never holds and gets the whole volume.")
    @Parameter(
            name = HttpHeaders.RANGE,
            in = ParameterIn.HEADER,
            description = "One range of bytes; several are answered with the whole volume.",
            schema = @Schema(type = "string"),
            example = "bytes=0-4095")
    @ApiResponse(
            responseCode = "200",
            description = "The whole volume.",
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_OCTET_STREAM_VALUE,
                            schema = @Schema(type = "string", format = "binary")))
    @ApiResponse(
            responseCode = "206",
            description = "The range.",
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_OCTET_STREAM_VALUE,
                            schema = @Schema(type = "string", format = "binary")))
    @ApiResponse(
            responseCode = "404",
            description = "volume-not-found",
            content = {})
    @ApiResponse(
            responseCode = "409",
            description = "volume-damaged",
            content = {})
    @ApiResponse(
            responseCode = "416",
            description = "range-not-satisfiable",
            content = {})
    @ApiResponse(
            responseCode = "503",
            description = "too-many-transfers",
            content = {})
    Mono<Void> read(@PathVariable final String name, @Parameter(hidden = true) final ServerWebExchange exchange) {
        return transfers.run(Mono.defer(() -> {
            final OpenVolume volume = open(name);
            final long size = volume.size();
            final Optional<ByteRange> part = requestedRange(exchange.getRequest(), size);
            final ByteRange range = part.orElseGet(() -> ByteRange.all(size));
            final ServerHttpResponse response = exchange.getResponse();
            describe(response, range.length());
            if (part.isPresent()) {
                response.setStatusCode(HttpStatus.PARTIAL_CONTENT);
                response.getHeaders().set(HttpHeaders.CONTENT_RANGE, range.contentRange(size));
            }
            final VolumeReader reader = new VolumeReader(
                    volume,
                    response.bufferFactory(),
                    chunkSize(),
                    properties.data().chunksInFlight());
            return response.writeWith(
                    reader.read(range).doOnNext(buffer -> transfers.read(buffer.readableByteCount())));
        }));
    }

    @PutMapping
    @Operation(
            summary = "Write a volume, or one range of it",
            description = "Without Content-Range the body is the whole volume and has its size. A write that fails half"
                    + " way has written what came before.",
            requestBody =
                    @io.swagger.v3.oas.annotations.parameters.RequestBody(
                            required = true,
                            content =
                                    @Content(
                                            mediaType = MediaType.APPLICATION_OCTET_STREAM_VALUE,
                                            schema = @Schema(type = "string", format = "binary"))))
    @Parameter(
            name = HttpHeaders.CONTENT_RANGE,
            in = ParameterIn.HEADER,
            description = "Where the body goes.",
            schema = @Schema(type = "string"),
            example = "bytes 0-4095/*")
    @ApiResponse(responseCode = "204", description = "It is written and, unless flush=false, on stable storage.")
    @ApiResponse(
            responseCode = "400",
            description = "invalid-request or length-mismatch",
            content = {})
    @ApiResponse(
            responseCode = "404",
            description = "volume-not-found",
            content = {})
    @ApiResponse(
            responseCode = "409",
            description = "volume-read-only or volume-damaged",
            content = {})
    @ApiResponse(
            responseCode = "413",
            description = "content-too-large",
            content = {})
    @ApiResponse(
            responseCode = "416",
            description = "range-not-satisfiable",
            content = {})
    @ApiResponse(
            responseCode = "503",
            description = "too-many-transfers",
            content = {})
    @ApiResponse(
            responseCode = "507",
            description = "insufficient-storage",
            content = {})
    Mono<Void> write(
            @PathVariable final String name,
            @Parameter(
                            description =
                                    "Whether to answer only when the data is on stable storage. Without, it survives"
                                            + " the gateway's end, but not the machine's.")
                    @RequestParam(defaultValue = "true")
                    final boolean flush,
            @Parameter(hidden = true) final ServerWebExchange exchange) {
        return transfers.run(Mono.defer(() -> {
            final OpenVolume volume = open(name);
            final ServerHttpRequest request = exchange.getRequest();
            if (volume.readOnly()) {
                throw new ProblemException(
                        ProblemType.VOLUME_READ_ONLY, "The volume '" + name + "' is read-only; PATCH readOnly first.");
            }
            final ByteRange range = contentRange(request, volume);
            final VolumeWriter writer = new VolumeWriter(
                    volume,
                    exchange.getResponse().bufferFactory(),
                    chunkSize(),
                    properties.data().chunksInFlight());
            return writer.write(
                            range, request.getBody().doOnNext(buffer -> transfers.written(buffer.readableByteCount())))
                    .then(flush ? volume.flush() : Mono.empty())
                    .then(Mono.defer(() -> {
                        exchange.getResponse().setStatusCode(HttpStatus.NO_CONTENT);
                        return exchange.getResponse().setComplete();
                    }));
        }));
    }

    private OpenVolume open(final String name) {
        return catalogue.get(name).orDamaged().open();
    }

    private int chunkSize() {
        return Math.toIntExact(properties.data().chunkSize().bytes());
    }

    private static void describe(final ServerHttpResponse response, final long length) {
        final HttpHeaders headers = response.getHeaders();
        headers.setContentType(MediaType.APPLICATION_OCTET_STREAM);
        headers.setContentLength(length);
        headers.set(HttpHeaders.ACCEPT_RANGES, BYTES);
        headers.setCacheControl(CacheControl.noStore());
    }

    private static Optional<ByteRange> requestedRange(final ServerHttpRequest request, final long size) {
        final HttpHeaders headers = request.getHeaders();
        final String range = headers.getFirst(HttpHeaders.RANGE);
        if (range == null || headers.containsHeader(HttpHeaders.IF_RANGE)) {
            return Optional.empty();
        }
        try {
            return ByteRange.parse(range, size);
        } catch (final UnsatisfiableRangeException e) {
            throw unsatisfiable(e, size);
        }
    }

    private static ByteRange contentRange(final ServerHttpRequest request, final OpenVolume volume) {
        final HttpHeaders headers = request.getHeaders();
        if (headers.containsHeader(HttpHeaders.CONTENT_ENCODING)) {
            throw new ProblemException(
                    ProblemType.UNSUPPORTED_MEDIA_TYPE, "Content-Encoding: only plain bytes are taken.");
        }
        final ByteRange range = targetRange(headers, volume.size());
        final int block = volume.blockSize();
        if (range.first() % block != 0 || range.length() % block != 0) {
            throw ProblemException.invalid(
                    HttpHeaders.CONTENT_RANGE, "this volume is written in blocks of " + block + " bytes");
        }
        final long announced = headers.getContentLength();
        if (announced > range.length()) {
            throw new ProblemException(
                    ProblemType.CONTENT_TOO_LARGE,
                    "The body has " + announced + " bytes, and the range " + range.length() + ".");
        }
        if (announced >= 0 && announced < range.length()) {
            throw new ProblemException(
                    ProblemType.LENGTH_MISMATCH,
                    "The body has " + announced + " bytes, and the range " + range.length()
                            + "; say with Content-Range where a part goes.");
        }
        return range;
    }

    private static ByteRange targetRange(final HttpHeaders headers, final long size) {
        final String header = headers.getFirst(HttpHeaders.CONTENT_RANGE);
        if (header == null) {
            return ByteRange.all(size);
        }
        try {
            return ByteRange.parseContentRange(header, size);
        } catch (final UnsatisfiableRangeException e) {
            throw unsatisfiable(e, size);
        } catch (final IllegalArgumentException e) {
            throw ProblemException.invalid(HttpHeaders.CONTENT_RANGE, String.valueOf(e.getMessage()));
        }
    }

    private static ProblemException unsatisfiable(final UnsatisfiableRangeException failure, final long size) {
        return new ProblemException(ProblemType.RANGE_NOT_SATISFIABLE, String.valueOf(failure.getMessage()))
                .withHeader(HttpHeaders.CONTENT_RANGE, "bytes */" + size);
    }
}
