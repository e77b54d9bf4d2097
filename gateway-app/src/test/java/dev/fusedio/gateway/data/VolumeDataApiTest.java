package dev.fusedio.gateway.data;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.gateway.ApiTest;
import java.util.Arrays;
import java.util.Random;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DefaultDataBufferFactory;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.test.web.reactive.server.WebTestClient.ResponseSpec;
import org.springframework.web.reactive.function.BodyInserters;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

class VolumeDataApiTest extends ApiTest {
    private static final int SIZE = 3 << 20;

    private final byte[] content = new byte[SIZE];

    @BeforeEach
    void fill() {
        create("{\"name\": \"v\", \"size\": " + SIZE + "}");
        new Random(1).nextBytes(content);
        dataPlane.volume("v").content(content);
    }

    @Test
    void readsTheWholeVolume() {
        final byte[] body = http.mutate()
                .codecs(codecs -> codecs.defaultCodecs().maxInMemorySize(SIZE))
                .build()
                .get()
                .uri("/api/v1/volumes/v/data")
                .exchange()
                .expectStatus()
                .isOk()
                .expectHeader()
                .valueEquals("Accept-Ranges", "bytes")
                .expectHeader()
                .contentLength(SIZE)
                .expectHeader()
                .contentType(MediaType.APPLICATION_OCTET_STREAM)
                .expectBody()
                .returnResult()
                .getResponseBody();
        assertThat(body).isEqualTo(content);
    }

    @ParameterizedTest
    @CsvSource({
        "bytes=0-0,0,0",
        "bytes=100-299,100,299",
        "bytes=262143-262144,262143,262144",
        "bytes=3145600-,3145600,3145727",
        "bytes=-5,3145723,3145727",
        "bytes=3145727-9999999,3145727,3145727"
    })
    void readsOneRange(final String range, final int first, final int last) {
        final byte[] body = http.get()
                .uri("/api/v1/volumes/v/data")
                .header("Range", range)
                .exchange()
                .expectStatus()
                .isEqualTo(HttpStatus.PARTIAL_CONTENT)
                .expectHeader()
                .valueEquals("Content-Range", "bytes " + first + "-" + last + "/" + SIZE)
                .expectHeader()
                .contentLength(last - first + 1)
                .expectBody()
                .returnResult()
                .getResponseBody();
        assertThat(body).isEqualTo(Arrays.copyOfRange(content, first, last + 1));
    }

    @Test
    void aRangeOutsideIs416AndTellsTheSize() {
        http.get()
                .uri("/api/v1/volumes/v/data")
                .header("Range", "bytes=" + SIZE + "-")
                .exchange()
                .expectStatus()
                .isEqualTo(HttpStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
                .expectHeader()
                .valueEquals("Content-Range", "bytes */" + SIZE)
                .expectBody()
                .jsonPath("$.code")
                .isEqualTo("range-not-satisfiable");
    }

    @Test
    void ifRangeNeverHolds() {
        http.get()
                .uri("/api/v1/volumes/v/data")
                .header("Range", "bytes=0-9")
                .header("If-Range", "\"1\"")
                .exchange()
                .expectStatus()
                .isOk()
                .expectHeader()
                .contentLength(SIZE);
    }

    @Test
    void headTellsTheSizeAndReadsNothing() {
        dataPlane.volume("v").fail("EIO");
        http.head()
                .uri("/api/v1/volumes/v/data")
                .exchange()
                .expectStatus()
                .isOk()
                .expectHeader()
                .contentLength(SIZE)
                .expectHeader()
                .valueEquals("Accept-Ranges", "bytes");
        dataPlane.volume("v").fail(null);
    }

    @Test
    void aFailureBeforeTheFirstByteIsAProblem() {
        dataPlane.volume("v").fail("EIO");
        http.get()
                .uri("/api/v1/volumes/v/data")
                .exchange()
                .expectStatus()
                .isEqualTo(HttpStatus.INTERNAL_SERVER_ERROR)
                .expectHeader()
                .contentType(MediaType.APPLICATION_PROBLEM_JSON)
                .expectBody()
                .jsonPath("$.code")
                .isEqualTo("storage-error")
                .jsonPath("$.errno")
                .isEqualTo("EIO");
        dataPlane.volume("v").fail(null);
    }

    @Test
    void writesTheWholeVolumeAndFlushes() {
        final byte[] fresh = new byte[SIZE];
        new Random(2).nextBytes(fresh);

        put(null, "", fresh).expectStatus().isNoContent();

        assertThat(dataPlane.volume("v").content()).isEqualTo(fresh);
        assertThat(dataPlane.volume("v").flushes()).isEqualTo(1);
    }

    @Test
    void writesARangeAndFlushesUnlessToldNotTo() {
        final byte[] fresh = new byte[700_001];
        new Random(3).nextBytes(fresh);

        put("bytes 99999-800000/*", "?flush=false", Arrays.copyOf(fresh, 700_002))
                .expectStatus()
                .isNoContent();
        assertThat(dataPlane.volume("v").flushes()).isZero();
        put("bytes 99999-799999/" + SIZE, "?flush=true", fresh).expectStatus().isNoContent();

        System.arraycopy(fresh, 0, content, 99_999, fresh.length);
        content[800_000] = 0;
        assertThat(dataPlane.volume("v").content()).isEqualTo(content);
        assertThat(dataPlane.volume("v").flushes()).isEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource({
        "bytes 0-9/*, 11, 413, content-too-large",
        "bytes 0-9/*, 9, 400, length-mismatch",
        "bytes 3145720-3145729/*, 10, 416, range-not-satisfiable",
        "bytes 0-9/100, 10, 416, range-not-satisfiable",
        "bytes 9-0/*, 10, 400, invalid-request",
        "bytes=0-9, 10, 400, invalid-request",
        ", 10, 400, length-mismatch"
    })
    void refusesARangeThatDoesNotFitTheBodyOrTheVolume(
            final String range, final int length, final int status, final String code) {
        put(range, "", new byte[length])
                .expectStatus()
                .isEqualTo(status)
                .expectBody()
                .jsonPath("$.code")
                .isEqualTo(code);
        assertThat(dataPlane.volume("v").content()).isEqualTo(content);
    }

    @Test
    void refusesAStreamThatIsTooLong() {
        http.put()
                .uri("/api/v1/volumes/v/data")
                .header("Content-Range", "bytes 0-999/*")
                .contentType(MediaType.APPLICATION_OCTET_STREAM)
                .body(BodyInserters.fromDataBuffers(stream(3, 500)))
                .exchange()
                .expectStatus()
                .isBadRequest()
                .expectBody()
                .jsonPath("$.code")
                .isEqualTo("length-mismatch");
    }

    @Test
    void aReadOnlyVolumeIsNotWritten() {
        dataPlane.volume("v").describe(true, "");
        put("bytes 0-9/*", "", new byte[10])
                .expectStatus()
                .isEqualTo(HttpStatus.CONFLICT)
                .expectBody()
                .jsonPath("$.code")
                .isEqualTo("volume-read-only");
        assertThat(dataPlane.volume("v").content()).isEqualTo(content);
    }

    @Test
    void aFullDiskIs507() {
        dataPlane.volume("v").fail("ENOSPC");
        put("bytes 0-9/*", "", new byte[10])
                .expectStatus()
                .isEqualTo(HttpStatus.INSUFFICIENT_STORAGE)
                .expectBody()
                .jsonPath("$.code")
                .isEqualTo("insufficient-storage");
        dataPlane.volume("v").fail(null);
    }

    @Test
    void whatIsNotInWholeBlocksIsRefusedForWritingAndReadAllTheSame() {
        dataPlane.volume("v").blockSize(4096);
        put("bytes 512-1023/*", "", new byte[512])
                .expectStatus()
                .isBadRequest()
                .expectBody()
                .jsonPath("$.detail")
                .value(String.class, detail -> assertThat(detail).contains("4096"));
        http.get()
                .uri("/api/v1/volumes/v/data")
                .header("Range", "bytes=5-9")
                .exchange()
                .expectStatus()
                .isEqualTo(HttpStatus.PARTIAL_CONTENT)
                .expectBody()
                .consumeWith(
                        result -> assertThat(result.getResponseBody()).isEqualTo(Arrays.copyOfRange(content, 5, 10)));
    }

    @Test
    void tooManyTransfersAreToldToComeBack() {
        dataPlane.volume("v").hold();
        final var first = read().toFuture();
        final var second = read().toFuture();
        Awaitility.await().atMost(PATIENCE).until(() -> dataPlane.volume("v").inFlight() >= 2);

        http.get()
                .uri("/api/v1/volumes/v/data")
                .header("Range", "bytes=0-9")
                .exchange()
                .expectStatus()
                .isEqualTo(HttpStatus.SERVICE_UNAVAILABLE)
                .expectHeader()
                .valueEquals("Retry-After", "1")
                .expectBody()
                .jsonPath("$.code")
                .isEqualTo("too-many-transfers");

        dataPlane.volume("v").release();
        assertThat(first.join()).hasSize(10);
        assertThat(second.join()).hasSize(10);
    }

    @Test
    void unknownVolumesAndEncodingsAreRefused() {
        http.get().uri("/api/v1/volumes/nobody/data").exchange().expectStatus().isNotFound();
        http.put()
                .uri("/api/v1/volumes/v/data")
                .header("Content-Range", "bytes 0-9/*")
                .header("Content-Encoding", "gzip")
                .bodyValue(new byte[10])
                .exchange()
                .expectStatus()
                .isEqualTo(HttpStatus.UNSUPPORTED_MEDIA_TYPE);
    }

    private Mono<byte[]> read() {
        return Mono.fromCallable(() -> http.mutate()
                        .responseTimeout(PATIENCE)
                        .build()
                        .get()
                        .uri("/api/v1/volumes/v/data")
                        .header("Range", "bytes=0-9")
                        .exchange()
                        .expectBody()
                        .returnResult()
                        .getResponseBody())
                .subscribeOn(Schedulers.boundedElastic());
    }

    private ResponseSpec put(final String range, final String query, final byte[] body) {
        return http.put()
                .uri("/api/v1/volumes/v/data" + query)
                .headers(headers -> {
                    if (range != null) {
                        headers.set("Content-Range", range);
                    }
                })
                .contentType(MediaType.APPLICATION_OCTET_STREAM)
                .bodyValue(body)
                .exchange();
    }

    private static Flux<DataBuffer> stream(final int pieces, final int length) {
        return Flux.range(0, pieces).map(n -> DefaultDataBufferFactory.sharedInstance.wrap(new byte[length]));
    }
}
