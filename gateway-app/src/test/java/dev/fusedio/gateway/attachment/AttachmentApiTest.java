package dev.fusedio.gateway.attachment;

import static org.assertj.core.api.Assertions.assertThat;

import com.jayway.jsonpath.JsonPath;
import dev.fusedio.gateway.ApiTest;
import dev.fusedio.gateway.engine.DataPlaneException;
import dev.fusedio.gateway.engine.DeviceMechanism;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.test.web.reactive.server.WebTestClient.BodyContentSpec;
import org.springframework.test.web.reactive.server.WebTestClient.ResponseSpec;

class AttachmentApiTest extends ApiTest {
    private static final String ATTACHMENTS = "/api/v1/attachments";

    @Test
    void attachesListsShowsAndDetaches() {
        create("{\"name\": \"v\", \"size\": 1048576}");

        final String location = Objects.requireNonNull(post("""
                {"volume": "v", "queues": 3, "depth": 64, "readOnly": true, "mechanism": "user-copy"}""")
                        .expectStatus()
                        .isCreated()
                        .expectBody()
                        .jsonPath("$.device")
                        .isEqualTo("/dev/ublkb0")
                        .jsonPath("$.volume")
                        .isEqualTo("v")
                        .jsonPath("$.source")
                        .doesNotExist()
                        .jsonPath("$.state")
                        .isEqualTo("live")
                        .jsonPath("$.mechanism")
                        .isEqualTo("user-copy")
                        .jsonPath("$.why")
                        .value(why -> assertThat(why.toString()).contains("UBLK_F_AUTO_BUF_REG"))
                        .jsonPath("$.queues")
                        .isEqualTo(3)
                        .jsonPath("$.depth")
                        .isEqualTo(64)
                        .jsonPath("$.readOnly")
                        .isEqualTo(true)
                        .jsonPath("$.size")
                        .isEqualTo(1048576)
                        .jsonPath("$.bytesBorrowed")
                        .isEqualTo(4096)
                        .jsonPath("$.bytesCopied")
                        .isEqualTo(512)
                        .jsonPath("$.recoveries")
                        .isEqualTo(0)
                        .jsonPath("$.createdAt")
                        .exists()
                        .returnResult()
                        .getResponseHeaders()
                        .getLocation())
                .getPath();
        assertThat(devices.device(0).spec().mechanism()).isEqualTo(DeviceMechanism.USER_COPY);
        http.get().uri(location).exchange().expectStatus().isOk();
        http.get()
                .uri(ATTACHMENTS)
                .exchange()
                .expectStatus()
                .isOk()
                .expectBody()
                .jsonPath("$.items.length()")
                .isEqualTo(1);
        problem(delete("/api/v1/volumes/v?force=true"), HttpStatus.CONFLICT, "volume-in-use")
                .jsonPath("$.detail")
                .value(detail -> assertThat(detail.toString()).contains("/dev/ublkb0"));

        delete(location).expectStatus().isNoContent();

        problem(http.get().uri(location).exchange(), HttpStatus.NOT_FOUND, "attachment-not-found");
        problem(delete(location), HttpStatus.NOT_FOUND, "attachment-not-found");
        assertThat(devices.numbers()).isEmpty();
    }

    @Test
    void attachesARemoteExport() {
        post("{\"source\": \"nbd://192.0.2.7:10809/disk\", \"connections\": 4}")
                .expectStatus()
                .isCreated()
                .expectBody()
                .jsonPath("$.source")
                .isEqualTo("nbd://192.0.2.7:10809/disk")
                .jsonPath("$.volume")
                .doesNotExist()
                .jsonPath("$.depth")
                .isEqualTo(128);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{}|volume|either a volume or a source",
                "{'volume': 'v', 'source': 'nbd://h/x'}|volume|either a volume or a source",
                "{'volume': 'v', 'connections': 2}|connections|for a source",
                "{'volume': 'v', 'queues': 0}|queues|1",
                "{'volume': 'v', 'depth': 4097}|depth|4096",
                "{'volume': 'v', 'depth': 'deep'}|depth|whole number",
                "{'source': 'nbd://h/x', 'connections': 65}|connections|64",
                "{'volume': 'v', 'timeoutSeconds': 60}|timeoutSeconds|for a source",
                "{'source': 'nbd://h/x', 'timeoutSeconds': 0}|timeoutSeconds|1",
                "{'source': 'nbd://h/x', 'timeoutSeconds': 86401}|timeoutSeconds|86400",
                "{'volume': 'v', 'mechanism': 'magic'}|mechanism|auto-registration",
                "{'volume': 7}|volume|text",
                "{'volume': 'v', 'depth': '64'}|depth|whole number",
                "{'volume': 'v', 'queues': 1.5}|queues|whole number",
                "{'volume': 'v', 'queues': 4097}|queues|4096",
                "{'volume': 'v', 'depth': 0}|depth|1",
                "{'volume': 'v', 'depth': 99999999999}|depth|whole number",
                "{'source': 'nbd://h/x', 'connections': 0}|connections|1",
                "{'volume': 'v', 'readOnly': 'yes'}|readOnly|true or false",
                "{'volume': 'v', 'colour': 'red'}|colour|unknown field"
            })
    void refusesWhatItCanNotMean(final String json, final String field, final String hint) {
        problem(post(json.replace('\'', '"')), HttpStatus.BAD_REQUEST, "invalid-request")
                .jsonPath("$.errors[0].field")
                .isEqualTo(field)
                .jsonPath("$.errors[0].message")
                .value(message -> assertThat(message.toString()).contains(hint));
    }

    @Test
    void eachFailureHasItsProblem() {
        create("{\"name\": \"v\", \"size\": 1048576}");
        problem(post("{\"volume\": \"nobody\"}"), HttpStatus.NOT_FOUND, "volume-not-found");
        problem(post("{\"source\": \"ftp://h/x\"}"), HttpStatus.BAD_REQUEST, "invalid-request");
        problem(post("{\"source\": \"nbd://nobody/x\"}"), HttpStatus.BAD_GATEWAY, "source-unreachable")
                .jsonPath("$.detail")
                .value(detail -> assertThat(detail.toString()).contains("connection refused"));

        devices.obstacle("open /dev/ublk-control: modprobe ublk_drv");
        problem(post("{\"volume\": \"v\"}"), HttpStatus.NOT_IMPLEMENTED, "attachments-unavailable")
                .jsonPath("$.detail")
                .value(detail -> assertThat(detail.toString()).contains("modprobe ublk_drv"));
        http.get()
                .uri(ATTACHMENTS)
                .exchange()
                .expectStatus()
                .isOk()
                .expectBody()
                .jsonPath("$.items.length()")
                .isEqualTo(0);
        http.get()
                .uri("/api/v1/node")
                .exchange()
                .expectBody()
                .jsonPath("$.blockDevices.available")
                .isEqualTo(false)
                .jsonPath("$.blockDevices.reason")
                .isEqualTo("open /dev/ublk-control: modprobe ublk_drv");
        devices.obstacle("");

        devices.fail(new DataPlaneException("EBUSY", "the loops are busy"));
        problem(post("{\"volume\": \"v\"}"), HttpStatus.SERVICE_UNAVAILABLE, "unavailable");
        devices.fail(new DataPlaneException("EIO", "no luck"));
        problem(post("{\"volume\": \"v\"}"), HttpStatus.INTERNAL_SERVER_ERROR, "storage-error");
        devices.fail(null);

        post("{\"volume\": \"v\"}").expectStatus().isCreated();
        problem(post("{\"volume\": \"v\"}"), HttpStatus.CONFLICT, "volume-in-use");
        post("{\"source\": \"nbd://h/x\"}").expectStatus().isCreated();
        problem(post("{\"source\": \"nbd://h/x\"}"), HttpStatus.CONFLICT, "attachment-in-use");
        devices.device(0).used(true);
        final String mounted =
                ATTACHMENTS + "/" + attachments.attachments().getFirst().id();
        problem(delete(mounted), HttpStatus.CONFLICT, "attachment-in-use")
                .jsonPath("$.detail")
                .value(detail -> assertThat(detail.toString()).contains("/dev/ublkb0", "force=true"));
        delete(mounted + "?force=true").expectStatus().isNoContent();
    }

    @Test
    void tellsOfAndRemovesOrphans() {
        devices.left(7, "of a dead process");

        http.get()
                .uri(ATTACHMENTS)
                .exchange()
                .expectBody()
                .jsonPath("$.items[0].id")
                .isEqualTo("orphan-7")
                .jsonPath("$.items[0].state")
                .isEqualTo("orphaned")
                .jsonPath("$.items[0].device")
                .isEqualTo("/dev/ublkb7");
        http.get().uri(ATTACHMENTS + "/orphan-7").exchange().expectStatus().isOk();
        problem(http.get().uri(ATTACHMENTS + "/orphan-8").exchange(), HttpStatus.NOT_FOUND, "attachment-not-found");
        problem(delete(ATTACHMENTS + "/orphan-8"), HttpStatus.NOT_FOUND, "attachment-not-found");
        problem(delete(ATTACHMENTS + "/orphan-99999999999"), HttpStatus.NOT_FOUND, "attachment-not-found");
        delete(ATTACHMENTS + "/orphan-7").expectStatus().isNoContent();
        assertThat(devices.numbers()).isEmpty();
    }

    @Test
    void publishesItsCounters() {
        post("{\"source\": \"nbd://h/x\"}").expectStatus().isCreated();
        final String labels =
                "attachment=\"" + attachments.attachments().getFirst().id() + "\",device=\"ublkb0\"";

        final String scrape = http.mutate()
                .codecs(codecs -> codecs.defaultCodecs().maxInMemorySize(4 << 20))
                .build()
                .get()
                .uri("/actuator/prometheus")
                .exchange()
                .expectStatus()
                .isOk()
                .expectBody(String.class)
                .returnResult()
                .getResponseBody();

        assertThat(scrape)
                .contains("fused_attachment_requests_total{" + labels + "} 7.0")
                .contains("fused_attachment_errors_total{" + labels + "} 2.0")
                .contains("fused_attachment_bytes_borrowed_total{" + labels + "} 4096.0")
                .contains("fused_attachment_bytes_copied_total{" + labels + "} 512.0")
                .contains("fused_attachment_recoveries_total{" + labels + "} 0.0")
                .contains("fused_attachment_in_flight{" + labels + "} 1.0")
                .contains("fused_attachment_state{" + labels + ",mechanism=\"user-copy\",state=\"live\"} 1.0");
    }

    @Test
    void detachesOnlyWhatWasMeant() {
        create("{\"name\": \"v\", \"size\": 1048576}");
        final HttpHeaders made = post("{\"volume\": \"v\"}")
                .expectStatus()
                .isCreated()
                .returnResult(String.class)
                .getResponseHeaders();
        final String path = Objects.requireNonNull(made.getLocation()).getPath();
        final String tag = Objects.requireNonNull(made.getETag());

        http.get()
                .uri(path)
                .header("If-None-Match", tag)
                .exchange()
                .expectStatus()
                .isNotModified();
        problem(http.delete().uri(path).exchange(), HttpStatus.PRECONDITION_REQUIRED, "precondition-required");
        problem(
                http.delete().uri(path).header("If-Match", "\"9-9\"").exchange(),
                HttpStatus.PRECONDITION_FAILED,
                "revision-mismatch");
        http.delete()
                .uri(path + "?dryRun=true")
                .header("If-Match", tag)
                .exchange()
                .expectStatus()
                .isNoContent()
                .expectHeader()
                .valueEquals("Dry-Run", "true");
        assertThat(devices.numbers()).containsExactly(0);
        devices.device(0).used(true);
        problem(delete(path + "?dryRun=true"), HttpStatus.CONFLICT, "attachment-in-use");
        devices.device(0).used(false);
        http.delete()
                .uri(path)
                .header("If-Match", tag)
                .exchange()
                .expectStatus()
                .isNoContent();
    }

    @Test
    void aDryRunAttachesNothing() {
        create("{\"name\": \"v\", \"size\": 1048576}");
        dry("{\"volume\": \"v\", \"depth\": 64}")
                .expectStatus()
                .isCreated()
                .expectHeader()
                .valueEquals("Dry-Run", "true")
                .expectBody()
                .jsonPath("$.volume")
                .isEqualTo("v")
                .jsonPath("$.depth")
                .isEqualTo(64)
                .jsonPath("$.device")
                .doesNotExist();
        problem(dry("{\"volume\": \"nobody\"}"), HttpStatus.NOT_FOUND, "volume-not-found");
        problem(dry("{\"volume\": \"v\", \"depth\": 0}"), HttpStatus.BAD_REQUEST, "invalid-request");
        devices.obstacle("open /dev/ublk-control: modprobe ublk_drv");
        problem(dry("{\"volume\": \"v\"}"), HttpStatus.NOT_IMPLEMENTED, "attachments-unavailable");
        devices.obstacle("");
        post("{\"volume\": \"v\"}").expectStatus().isCreated();
        problem(dry("{\"volume\": \"v\"}"), HttpStatus.CONFLICT, "volume-in-use");
        assertThat(devices.numbers()).containsExactly(0);
    }

    @Test
    void listsInPages() {
        create("{\"name\": \"v\", \"size\": 1048576}");
        for (int i = 0; i < 3; i++) {
            post("{\"volume\": \"v\", \"readOnly\": true}").expectStatus().isCreated();
        }
        devices.left(9, "other");
        devices.left(10, "another");
        final List<String> numbers = new ArrayList<>();
        String token = "";
        do {
            final String page = Objects.requireNonNull(http.get()
                    .uri(ATTACHMENTS + "?limit=2" + (token.isEmpty() ? "" : "&pageToken=" + token))
                    .exchange()
                    .expectStatus()
                    .isOk()
                    .expectBody(String.class)
                    .returnResult()
                    .getResponseBody());
            numbers.addAll(JsonPath.<List<String>>read(page, "$.items[*].device"));
            token = page.contains("nextPageToken") ? JsonPath.read(page, "$.nextPageToken") : "";
        } while (!token.isEmpty());
        assertThat(numbers).containsExactly("/dev/ublkb0", "/dev/ublkb1", "/dev/ublkb2", "/dev/ublkb9", "/dev/ublkb10");
        problem(http.get().uri(ATTACHMENTS + "?pageToken=x").exchange(), HttpStatus.BAD_REQUEST, "invalid-request");
    }

    private ResponseSpec dry(final String json) {
        return http.post()
                .uri(ATTACHMENTS + "?dryRun=true")
                .contentType(MediaType.APPLICATION_JSON)
                .bodyValue(json)
                .exchange();
    }

    private ResponseSpec post(final String json) {
        return http.post()
                .uri(ATTACHMENTS)
                .contentType(MediaType.APPLICATION_JSON)
                .bodyValue(json)
                .exchange();
    }

    private ResponseSpec delete(final String path) {
        return http.delete().uri(path).header("If-Match", "*").exchange();
    }

    private static BodyContentSpec problem(final ResponseSpec answer, final HttpStatus status, final String code) {
        return answer.expectStatus()
                .isEqualTo(status)
                .expectHeader()
                .contentType(MediaType.APPLICATION_PROBLEM_JSON)
                .expectBody()
                .jsonPath("$.code")
                .isEqualTo(code);
    }
}
