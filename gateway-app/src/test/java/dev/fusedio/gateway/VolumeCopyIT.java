package dev.fusedio.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import com.jayway.jsonpath.JsonPath;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Copies of volumes whose sources real NBD clients write: of one moment, or none (ADR 0013). */
class VolumeCopyIT {
    private static final String VOLUMES = "/api/v1/volumes";
    private static final byte[] NOTHING = {};
    private static final int MIB = 1 << 20;
    private static final int TRIALS = 8;

    @TempDir
    private static Path directory;

    private static @Nullable GatewayProcess started;

    @BeforeAll
    static void start() throws IOException {
        for (final String tool : List.of("qemu-io", "qemu-img", "nbdsh")) {
            Assumptions.assumeTrue(
                    Stream.of("/usr/bin/", "/bin/").anyMatch(at -> Files.isExecutable(Path.of(at + tool))),
                    tool + " is missing: install the packages qemu-utils and python3-libnbd");
        }
        started = GatewayProcess.start(directory.resolve("pool"), directory.resolve("errors"));
    }

    @AfterAll
    static void stop() {
        if (started != null) {
            started.close();
        }
    }

    private static GatewayProcess gateway() {
        return Objects.requireNonNull(started);
    }

    @AfterEach
    void empty() {
        names().stream().filter(name -> !name.equals("demo")).forEach(VolumeCopyIT::delete);
    }

    /** A source that is open and at rest: what its client was told is written is in the copy, flushed or not. */
    @Test
    void whatWasWrittenBeforeIsInTheCopyAndWhatIsWrittenLaterIsNot() throws Exception {
        make("source", 2048L * MIB);
        try (QemuIo client = QemuIo.open(gateway().nbd("source"))) {
            client.run("write -P 0x11 0 8M"); // not flushed: it is the gateway's to keep what it has answered
            client.run("write -P 0x22 1G 8M");
            client.run("write -P 0x33 2040M 8M");
            client.run("write -P 0x44 1M 64k");
            client.run("discard 4M 1M");

            final String operation = copy("source", "clone");
            assertThat(ended(operation)).isEqualTo("succeeded");

            assertThat(compare(gateway().nbd("source"), gateway().nbd("clone"))).isZero();
            assertThat(allocated("clone"))
                    .as("bytes that the copy of a sparse volume takes up")
                    .isBetween(23L * MIB, allocated("source") + MIB);
            client.run("write -P 0x55 0 64k");
        }
        read("clone", "read -P 0x11 0 64k");
        assertThat(compare(gateway().nbd("source"), gateway().nbd("clone"))).isOne();

        assertThat(delete("source")).isEqualTo(204);
        read("clone", "read -P 0x44 1M 64k", "read -P 0 4M 1M", "read -P 0x22 1G 8M", "read -P 0x33 2040M 8M");
    }

    @Test
    void aSourceThatIsAlwaysWrittenIsNotCopiedAndNothingIsLeftOfTheAttempt() throws Exception {
        make("source", 128L * MIB);
        fill(128);
        final long before = filesInThePool();
        final ProcessBuilder writing = new ProcessBuilder(
                        "nbdsh", "--uri", gateway().nbd("source"), "--command", """
                        print("writing", flush=True)
                        n = 0
                        while True:
                            n += 1
                            h.pwrite(n.to_bytes(8, 'big') * 512, (n % 1024) * 4096)
                        """)
                .redirectErrorStream(true);
        // nbdsh takes the first python3, and the distribution's has libnbd
        writing.environment().merge("PATH", "/usr/bin", (path, first) -> first + ":" + path);
        final Process writer = writing.start();
        try (BufferedReader said = writer.inputReader(StandardCharsets.UTF_8)) {
            assertThat(said.readLine()).isEqualTo("writing");
            for (int i = 0; i < 3; i++) {
                final String operation = copy("source", "clone");
                assertThat(ended(operation)).isEqualTo("failed");
                assertThat(JsonPath.<String>read(gateway().get(operation), "$.problem.code"))
                        .isEqualTo("source-changed");
                assertThat(names()).containsExactly("demo", "source");
                assertThat(filesInThePool()).isEqualTo(before);
            }
            assertThat(writer.isAlive()).isTrue();
        } finally {
            writer.destroyForcibly().waitFor();
        }
        final String operation = copy("source", "clone");
        assertThat(ended(operation)).isEqualTo("succeeded");
        assertThat(compare(gateway().nbd("source"), gateway().nbd("clone"))).isZero();
    }

    /**
     * A client writes to the front, then to the back, each when the one before is answered, at a time that is another
     * with each trial. A copy that has the later without the earlier would be of no one moment.
     */
    @Test
    void aWriteAtAnyTimeIsWhollyBeforeTheCopyOrAfterItOrHasItFail() throws Exception {
        make("source", 64L * MIB);
        fill(64);
        int failed = 0;
        try (QemuIo client = QemuIo.open(gateway().nbd("source"))) {
            client.run("write -P 0x00 0 4k");
            client.run("write -P 0x00 67104768 4k");
            for (int trial = 1; trial <= TRIALS; trial++) {
                final String operation = copy("source", "clone");
                TimeUnit.MILLISECONDS.sleep(50L * (trial - 1));
                client.run("write -P " + trial + " 0 4k");
                client.run("write -P " + trial + " 67104768 4k");
                final String end = ended(operation);
                if (end.equals("succeeded")) {
                    final int front = first(0);
                    final int back = first(67104768);
                    assertThat(front).isBetween(trial - 1, trial);
                    assertThat(back).isBetween(trial - 1, front);
                    assertThat(delete("clone")).isEqualTo(204);
                } else {
                    failed++;
                    assertThat(names()).containsExactly("demo", "source");
                }
            }
        }
        assertThat(failed).as("trials in which the write met the copy").isPositive();
    }

    @Test
    void theSourceGrowsMeanwhileAndIsNotRemoved() throws Exception {
        make("source", 256L * MIB);
        fill(256);
        final String operation = copy("source", "clone");
        final int deleted = delete("source");
        final int grown = gateway()
                .json("PATCH", VOLUMES + "/source", "{\"size\": \"512MiB\"}", "If-Match", "*")
                .statusCode();
        assertThat(JsonPath.<String>read(gateway().get(operation), "$.state"))
                .as("still while it was grown: or this test tells nothing")
                .isEqualTo("running");
        assertThat(deleted).isEqualTo(409);
        assertThat(grown).isEqualTo(200);
        assertThat(ended(operation)).isEqualTo("succeeded");
        assertThat(JsonPath.<Integer>read(gateway().get(VOLUMES + "/clone"), "$.size"))
                .isEqualTo(256 * MIB);
        assertThat(JsonPath.<Integer>read(gateway().get(VOLUMES + "/source"), "$.size"))
                .isEqualTo(512 * MIB);
        assertThat(compare(gateway().nbd("source"), gateway().nbd("clone")))
                .as("the same, but for zeros behind it")
                .isZero();
        assertThat(delete("source")).isEqualTo(204);
        read("clone", "read -P 0x5a 255M 1M");
    }

    private static void make(final String name, final long size) {
        assertThat(gateway()
                        .json("POST", VOLUMES, "{\"name\": \"" + name + "\", \"size\": " + size + "}")
                        .statusCode())
                .isEqualTo(201);
    }

    private static void fill(final int mebibytes) throws Exception {
        try (QemuIo client = QemuIo.open(gateway().nbd("source"))) {
            for (int at = 0; at < mebibytes; at += 16) {
                client.run("write -P 0x5a " + at + "M 16M");
            }
        }
    }

    /** Begins one; gives the operation's path. */
    private static String copy(final String source, final String name) {
        final var answer =
                gateway().json("POST", VOLUMES, "{\"name\": \"" + name + "\", \"copyOf\": \"" + source + "\"}");
        assertThat(answer.statusCode()).isEqualTo(202);
        return answer.headers().firstValue("Location").orElseThrow();
    }

    /** Waits for the end; gives the state. */
    private static String ended(final String operation) {
        return Awaitility.await()
                .atMost(Duration.ofSeconds(60))
                .pollInterval(Duration.ofMillis(20))
                .until(
                        () -> JsonPath.<String>read(gateway().get(operation), "$.state"),
                        state -> !state.equals("running"));
    }

    private static int delete(final String name) {
        return gateway()
                .send("DELETE", VOLUMES + "/" + name + "?force=true", NOTHING, "If-Match", "*")
                .statusCode();
    }

    private static List<String> names() {
        return JsonPath.read(gateway().get(VOLUMES), "$.items[*].name");
    }

    private static long allocated(final String name) {
        return JsonPath.<Number>read(gateway().get(VOLUMES + "/" + name), "$.allocatedBytes")
                .longValue();
    }

    /** The first byte of a copy's block. */
    private static int first(final long offset) {
        return gateway()
                .send("GET", VOLUMES + "/clone/data", NOTHING, "Range", "bytes=" + offset + "-" + offset)
                .body()[0];
    }

    private static long filesInThePool() throws IOException {
        try (Stream<Path> files = Files.list(directory.resolve("pool"))) {
            return files.count();
        }
    }

    private static void read(final String name, final String... commands) throws Exception {
        try (QemuIo client = QemuIo.open(gateway().nbd(name))) {
            for (final String command : commands) {
                client.run(command);
            }
        }
    }

    /** 0 if both have the same bytes, as qemu reads them; 1 if not. */
    private static int compare(final String one, final String other) throws Exception {
        final Process process = new ProcessBuilder("qemu-img", "compare", "-f", "raw", "-F", "raw", one, other)
                .redirectErrorStream(true)
                .start();
        final String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        final int status = process.waitFor();
        assertThat(status).as(said).isBetween(0, 1);
        return status;
    }

    /** qemu's block layer on one export, for as long as it is open. */
    private record QemuIo(Process process, BufferedReader said) implements AutoCloseable {
        static QemuIo open(final String uri) throws IOException {
            final Process process = new ProcessBuilder("qemu-io", "-f", "raw", "--discard=unmap", uri)
                    .redirectErrorStream(true)
                    .start();
            return new QemuIo(process, process.inputReader(StandardCharsets.UTF_8));
        }

        /** Runs a command, and fails if it does. */
        void run(final String command) throws IOException {
            process.outputWriter(StandardCharsets.UTF_8).write(command + "\n");
            process.outputWriter(StandardCharsets.UTF_8).flush();
            final String line = said.readLine();
            assertThat(line).as(command).matches("(qemu-io> )?(wrote|read|discard) (\\d+)/\\3 bytes.*");
            assertThat(said.readLine()).contains("ops"); // how long it took
        }

        @Override
        public void close() throws InterruptedException {
            process.destroy();
            process.waitFor();
        }
    }
}
