package dev.fusedio.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import com.jayway.jsonpath.JsonPath;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The whole gateway on the running kernel, met as its users meet it. */
class GatewayIT {
    private static final String VOLUMES = "/api/v1/volumes";
    private static final byte[] NOTHING = {};
    private static final String[] ANY = {"If-Match", "*"};

    @TempDir
    private Path directory;

    private Path pool;
    private Path errors;

    @BeforeEach
    void paths() {
        pool = directory.resolve("pool");
        errors = directory.resolve("errors");
    }

    @Test
    void whatWasAnsweredSurvivesKill9() throws Exception {
        final byte[] content = new byte[5_000_000];
        new Random(1).nextBytes(content);
        try (GatewayProcess gateway = GatewayProcess.start(pool, errors)) {
            assertThat(gateway.json("POST", VOLUMES, "{\"name\": \"one\", \"size\": \"16MiB\"}")
                            .statusCode())
                    .isEqualTo(201);
            assertThat(gateway.send("PUT", VOLUMES + "/one/data", content, "Content-Range", "bytes 12345-5012344/*")
                            .statusCode())
                    .isEqualTo(204);
            assertThat(gateway.json(
                                    "PATCH",
                                    VOLUMES + "/one",
                                    "{\"name\": \"two\", \"size\": \"32MiB\", \"description\": \"kept\"}",
                                    ANY)
                            .statusCode())
                    .isEqualTo(200);
            assertThat(gateway.send("DELETE", VOLUMES + "/demo", NOTHING, ANY).statusCode())
                    .isEqualTo(204);
            gateway.kill();
        }
        try (GatewayProcess gateway = GatewayProcess.start(pool, errors)) {
            final String volumes = gateway.get(VOLUMES);
            assertThat(JsonPath.<List<String>>read(volumes, "$.items[*].name")).containsExactly("two");
            assertThat(JsonPath.<Integer>read(volumes, "$.items[0].size")).isEqualTo(32 << 20);
            assertThat(JsonPath.<String>read(volumes, "$.items[0].description")).isEqualTo("kept");
            assertThat(gateway.send("GET", VOLUMES + "/two/data", NOTHING, "Range", "bytes=12345-5012344")
                            .body())
                    .isEqualTo(content);
            assertThat(gateway.terminate(60)).isEqualTo(128 + 15);
        }
    }

    /** ADR 0014: who waits for a volume doesn't wait for the web. */
    @Test
    void nbdListensBeforeTheWebIsMade() throws Exception {
        try (GatewayProcess gateway = GatewayProcess.start(pool, errors)) {
            assertThat(gateway.terminate(60)).isEqualTo(128 + 15);
            assertThat(gateway.log()).containsSubsequence("NBD listens at", "Netty started on port");
        }
    }

    @Test
    void everyBackendGivesBackWhatItGotAndTheScrapeTellsOfIt() throws Exception {
        try (GatewayProcess gateway = GatewayProcess.start(pool, errors)) {
            final long seed = System.nanoTime();
            final Random random = new Random(seed);
            for (final String backend : List.of("\"file\"", "\"memory\"", "\"file\", \"directIo\": true")) {
                final int status = gateway.json(
                                "POST", VOLUMES, "{\"name\": \"v\", \"size\": \"8MiB\", \"backend\": " + backend + "}")
                        .statusCode();
                if (status != 201 && backend.contains("directIo")) {
                    continue; // the file system below has no O_DIRECT
                }
                assertThat(status).isEqualTo(201);
                final byte[] model = new byte[8 << 20];
                for (int i = 0; i < 20; i++) {
                    final int first = random.nextInt(2000) * 4096;
                    final byte[] part = new byte[Math.min(random.nextInt(1, 400) * 4096, model.length - first)];
                    random.nextBytes(part);
                    System.arraycopy(part, 0, model, first, part.length);
                    final String range = "bytes " + first + "-" + (first + part.length - 1) + "/*";
                    assertThat(gateway.send("PUT", VOLUMES + "/v/data", part, "Content-Range", range)
                                    .statusCode())
                            .as("seed %d: %s of %s", seed, range, backend)
                            .isEqualTo(204);
                    final int from = random.nextInt(model.length);
                    final int to = random.nextInt(from, model.length);
                    assertThat(gateway.send("GET", VOLUMES + "/v/data", NOTHING, "Range", "bytes=" + from + "-" + to)
                                    .body())
                            .as("seed %d: %d-%d of %s", seed, from, to, backend)
                            .isEqualTo(Arrays.copyOfRange(model, from, to + 1));
                }
                assertThat(gateway.send("GET", VOLUMES + "/v/data", NOTHING).body())
                        .as("seed %d: %s", seed, backend)
                        .isEqualTo(model);
                assertThat(gateway.get("/actuator/prometheus"))
                        .containsPattern("fused_volume_operations_total\\{operation=\"write\",volume=\"v\"} [1-9]")
                        .containsPattern("fused_bytes_copied_total\\{core=\"\\d+\"} [1-9]");
                assertThat(gateway.send("DELETE", VOLUMES + "/v", NOTHING, ANY).statusCode())
                        .isEqualTo(204);
            }
            assertThat(gateway.get("/actuator/health")).startsWith("{").contains("\"ring\"");
            assertThat(JsonPath.<Boolean>read(gateway.get("/api/v1/node"), "$.ring.running"))
                    .isTrue();
        }
    }

    @Test
    void httpAndNbdMeetInOneVolume() throws Exception {
        requireTool("nbdcopy", "nbdinfo");
        final byte[] content = new byte[4 << 20];
        new Random(2).nextBytes(content);
        final Path copy = directory.resolve("copy");
        try (GatewayProcess gateway = GatewayProcess.start(pool, errors)) {
            gateway.json("POST", VOLUMES, "{\"name\": \"v\", \"size\": \"4MiB\", \"description\": \"shared\"}");
            assertThat(gateway.send("PUT", VOLUMES + "/v/data", content).statusCode())
                    .isEqualTo(204);

            assertThat(run("nbdcopy", gateway.nbd("v"), copy.toString())).isZero();
            assertThat(copy).hasBinaryContent(content);
            new Random(3).nextBytes(content);
            Files.write(copy, content);
            assertThat(run("nbdcopy", "--flush", copy.toString(), gateway.nbd("v")))
                    .isZero();
            assertThat(gateway.send("GET", VOLUMES + "/v/data", NOTHING).body()).isEqualTo(content);

            assertThat(run("nbdinfo", "--list", gateway.nbd(""))).isZero();
            assertThat(run("nbdinfo", gateway.nbd("nobody"))).isNotZero();
            assertThat(gateway.json("PATCH", VOLUMES + "/v", "{\"readOnly\": true}", ANY)
                            .statusCode())
                    .isEqualTo(200);
            assertThat(run("nbdinfo", "--is", "read-only", gateway.nbd("v"))).isZero();
            assertThat(run("nbdcopy", copy.toString(), gateway.nbd("v"))).isNotZero();
        }
    }

    @Test
    void aSessionIsSeenAndEndedAndHoldsItsVolume() throws Exception {
        try (GatewayProcess gateway = GatewayProcess.start(pool, errors);
                IdleNbdClient client = IdleNbdClient.connect(gateway.nbdAddress(), "demo")) {
            assertThat(client.read(512)).containsOnly(0);
            await(() -> JsonPath.<List<Integer>>read(gateway.get("/api/v1/sessions"), "$.items[*].requests")
                    .equals(List.of(1)));
            final String sessions = gateway.get("/api/v1/sessions");
            assertThat(JsonPath.<String>read(sessions, "$.items[0].volume")).isEqualTo("demo");
            assertThat(JsonPath.<Integer>read(sessions, "$.items[0].bytesRead")).isEqualTo(512);
            assertThat(JsonPath.<String>read(sessions, "$.items[0].peer")).startsWith("127.0.0.1:");
            assertThat(gateway.send("DELETE", VOLUMES + "/demo", NOTHING, ANY).statusCode())
                    .isEqualTo(409);
            assertThat(gateway.json("PATCH", VOLUMES + "/demo", "{\"size\": \"2GiB\"}", ANY)
                            .statusCode())
                    .isEqualTo(200);

            final Integer id = JsonPath.read(sessions, "$.items[0].id");
            assertThat(gateway.send("DELETE", "/api/v1/sessions/" + id, NOTHING).statusCode())
                    .isEqualTo(204);

            await(() -> JsonPath.<List<Integer>>read(gateway.get("/api/v1/sessions"), "$.items[*].id")
                    .isEmpty());
            assertThat(gateway.send("DELETE", VOLUMES + "/demo", NOTHING, ANY).statusCode())
                    .isEqualTo(204);
        }
    }

    @Test
    void stopsInBoundedTimeAlthoughAClientIsIdle() throws Exception {
        try (GatewayProcess gateway = GatewayProcess.start(pool, errors);
                IdleNbdClient client = IdleNbdClient.connect(gateway.nbdAddress(), "demo")) {
            assertThat(client.read(512)).containsOnly(0);
            await(() -> gateway.get("/actuator/prometheus").contains("fused_sessions 1.0"));
            assertThat(gateway.terminate(60)).isEqualTo(128 + 15);
        }
        try (GatewayProcess again = GatewayProcess.start(pool, errors)) {
            assertThat(again.get(VOLUMES)).contains("demo");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "--gateway.nbd.port=70000|2|gateway.nbd.port is '70000': must be less than or equal to 65535",
                "--gateway.nbd.prot=1|2|gateway.nbd.prot",
                "--gateway.engine.cores=4000|1|processor 4000 is not among those",
                "--gateway.pool.path=/proc/no-pool|1|the pool /proc/no-pool can't be opened"
            })
    void saysOnOneLineWhyItDoesNotStart(final String setting, final int exit, final String reason) throws Exception {
        assertRefused(exit, reason, setting, "--server.port=0");
    }

    @Test
    void saysOnOneLineThatItsPlaceIsTaken() throws Exception {
        try (GatewayProcess gateway = GatewayProcess.start(pool, errors);
                ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            assertThat(gateway.get(VOLUMES)).contains("demo");
            final String port = Integer.toString(taken.getLocalPort());
            final String other = "--gateway.pool.path=" + directory.resolve("other");
            assertRefused(
                    1,
                    "in use by another gateway",
                    "--gateway.pool.path=" + pool,
                    "--server.port=0",
                    "--gateway.nbd.port=0");
            assertRefused(1, "NBD can't listen", other, "--server.port=0", "--gateway.nbd.port=" + port);
            assertRefused(1, "HTTP can't listen", other, "--gateway.nbd.port=0", "--server.port=" + port);
        }
    }

    private void assertRefused(final int exit, final String reason, final String... settings) throws Exception {
        final Path refused = directory.resolve("refused");
        try (GatewayProcess gateway = GatewayProcess.launch(refused, settings)) {
            assertThat(gateway.awaitExit(GatewayProcess.startSeconds())).isEqualTo(exit);
            Assumptions.assumeFalse(gateway.errors().contains("io_uring_setup was refused"), gateway.errors());
            assertThat(gateway.errors().lines())
                    .singleElement()
                    .asString()
                    .startsWith("gateway: ")
                    .contains(reason);
        }
    }

    @Test
    void withoutTheDriverAttachingSaysWhatIsMissing() throws Exception {
        Assumptions.assumeFalse(Files.exists(Path.of("/dev/ublk-control")), "this machine has ublk devices");
        try (GatewayProcess gateway = GatewayProcess.start(pool, errors)) {
            final var refused = gateway.json("POST", "/api/v1/attachments", "{\"volume\": \"demo\"}");
            assertThat(refused.statusCode()).isEqualTo(501);
            assertThat(new String(refused.body(), StandardCharsets.UTF_8))
                    .contains("attachments-unavailable")
                    .contains("modprobe ublk_drv");
            assertThat(gateway.send("DELETE", VOLUMES + "/demo", NOTHING, ANY).statusCode())
                    .isEqualTo(204);
        }
    }

    private static void await(final Callable<Boolean> condition) {
        Awaitility.await()
                .atMost(Duration.ofSeconds(30))
                .pollInterval(Duration.ofMillis(50))
                .until(condition);
    }

    private int run(final String... command) throws IOException, InterruptedException {
        final Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("client").toFile())
                .start();
        assertThat(process.waitFor(60, TimeUnit.SECONDS))
                .as("%s ends", command[0])
                .isTrue();
        return process.exitValue();
    }

    private static void requireTool(final String... tools) {
        for (final String tool : tools) {
            Assumptions.assumeTrue(
                    Arrays.stream(System.getenv("PATH").split(":", -1))
                            .anyMatch(folder -> Files.isExecutable(Path.of(folder, tool))),
                    tool + " is not installed");
        }
    }
}
