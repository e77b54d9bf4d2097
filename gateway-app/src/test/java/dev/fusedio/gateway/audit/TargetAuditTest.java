package dev.fusedio.gateway.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.gateway.ApiTest;
import dev.fusedio.gateway.RawHttp;
import dev.fusedio.gateway.config.GatewayProperties;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.web.server.LocalServerPort;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/** Requests that no filter sees leave lines as well. */
class TargetAuditTest extends ApiTest {
    private static final byte[] NOTHING = {};

    @Autowired
    private GatewayProperties properties;

    @Autowired
    private MeterRegistry meters;

    @LocalServerPort
    private int port;

    @Test
    void whatItSaysIsWithinItsLine() throws IOException {
        final String from = "127.0.0.71";
        final RawHttp answer = send(
                from,
                "DELETE",
                "/api/v1/volumes/\"}\\{\"who\":\"admin\"\u001b[31m\u0085\u2028?force=true",
                "X-Request-Id: target-1\r\n");

        assertThat(answer.status()).isEqualTo(400);
        assertThat(parsed(answer.body())).containsEntry("requestId", "target-1");
        final String line = lines(from, 1).getFirst();
        assertThat(line).matches("[ -~]+");
        assertThat(parsed(line))
                .containsEntry("requestId", "target-1")
                .containsEntry("method", "DELETE")
                .containsEntry("status", 400)
                .containsEntry("problem", "invalid-request")
                .containsKey("time")
                .doesNotContainKeys("who", "role", "authentication");
        assertThat((String) parsed(line).get("resource"))
                .startsWith("/api/v1/volumes/\"}\\{\"who\":\"admin\"\u001b[31m")
                .endsWith("?force=true");
    }

    @Test
    void aFirstLineThatIsTooLongLeavesOneWithoutIt() throws IOException {
        final String from = "127.0.0.72";
        final RawHttp answer = send(from, "GET", "/" + "a".repeat(10_000), "X-Request-Id: target-2\r\n");

        assertThat(answer.status()).isEqualTo(414);
        assertThat(parsed(lines(from, 1).getFirst()))
                .containsEntry("requestId", parsed(answer.body()).get("requestId"))
                .containsEntry("status", 414)
                .containsEntry("problem", "uri-too-long")
                .doesNotContainKeys("method", "resource");
    }

    @Test
    void aLongAddressIsCutAndOneWithAHostLosesIt() throws IOException {
        final String from = "127.0.0.73";
        send(from, "GET", "/;" + "a".repeat(3000), "");
        send(from, "GET", "http://somebody:hush-hush@127.0.0.1/a;b", "");

        final List<String> lines = lines(from, 2);
        assertThat((String) parsed(lines.getFirst()).get("resource"))
                .hasSize(2048)
                .startsWith("/;a");
        assertThat(lines.getLast()).doesNotContain("hush-hush");
        assertThat(parsed(lines.getLast())).containsEntry("resource", "/a;b");
    }

    @Test
    void oneClientDoesNotFillTheLog() throws IOException {
        final String from = "127.0.0.74";
        final double omitted = omitted();
        final int requests = 3 * TargetAudit.LINES_PER_MINUTE;
        for (int i = 0; i < requests; i++) {
            assertThat(send(from, "GET", "/;", "").status()).isEqualTo(400);
        }
        assertThat(send("127.0.0.75", "GET", "/;", "").status()).isEqualTo(400);

        lines("127.0.0.75", 1); // which is written after them
        final int written = lines(from).size();
        assertThat(written).isBetween(TargetAudit.LINES_PER_MINUTE, 2 * TargetAudit.LINES_PER_MINUTE);
        assertThat(omitted() - omitted).isEqualTo(requests - written);
    }

    private RawHttp send(final String from, final String method, final String target, final String headers)
            throws IOException {
        return RawHttp.send(
                port, method + " " + target + " HTTP/1.1\r\n" + headers, NOTHING, InetAddress.getByName(from));
    }

    private double omitted() {
        return meters.get("fused.audit.omitted").counter().count();
    }

    private List<String> lines(final String from, final int number) {
        return Awaitility.await().until(() -> lines(from), found -> found.size() == number);
    }

    private List<String> lines(final String from) throws IOException {
        return Files.readAllLines(properties.pool().path().resolve(".security/audit.jsonl")).stream()
                .filter(line -> line.contains("\"from\":\"" + from + "\""))
                .toList();
    }

    private static Map<String, Object> parsed(final String json) {
        return JsonMapper.shared().readValue(json, new TypeReference<>() {});
    }
}
