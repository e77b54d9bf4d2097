package dev.fusedio.clients;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A qemu that asks for extended headers, which it does from 8.2 on: the system's, or another one in the folder that the
 * environment variable GATEWAY_TEST_QEMU names.
 */
class QemuExtendedHeadersIT {
    private static final int FIRST_MAJOR = 9;
    private static final int BLOCK_STATUS_PAYLOAD = 1 << 12;
    private static final long SIZE = 8L << 30;
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private final Path programs = programs();

    @TempDir
    Path folder;

    @Test
    void theyAreNegotiated() throws IOException {
        try (ServedVolume served = ServedVolume.file(Images.sparse(folder.resolve("v.img"), SIZE))) {
            final Tool.Run run = tool("qemu-nbd")
                    .run("--list", "-b", served.host(), "-p", served.port())
                    .succeeded();
            assertThat(run.out())
                    .contains("export: '" + ServedVolume.NAME + "'")
                    .contains("size:  " + SIZE)
                    .contains("transaction size: 64-bit")
                    .contains("base:allocation");
        }
    }

    @Test
    void blockStatusWithAPayloadIsOfferedWhereAContextWasSelected() throws IOException {
        try (ServedVolume served = ServedVolume.memory(64 << 20)) {
            final Tool.Run run = tool("qemu-img")
                    .run("--trace", "nbd_receive_negotiate_size_flags", "info", served.uri())
                    .succeeded();
            final Matcher flags = Pattern.compile("export flags 0x([0-9a-f]+)").matcher(run.err());
            assertThat(flags.find()).as("%s", run).isTrue();
            assertThat(Integer.parseInt(flags.group(1), 16) & BLOCK_STATUS_PAYLOAD)
                    .isNotZero();
        }
    }

    /** qemu up to 10.0 sends WRITE without the flag that announces its payload. */
    @Test
    void patternsSurvive() throws IOException {
        try (ServedVolume served = ServedVolume.file(Images.sparse(folder.resolve("v.img"), SIZE))) {
            qemuIo(
                    served,
                    "write -P 0x11 0 1M",
                    "write -f -P 0x22 5G 64k",
                    "write -P 0x33 8191M 1M",
                    "write -z 512k 4k",
                    "write -z -u 256k 64k",
                    "discard 4G 1G",
                    "flush",
                    "read -P 0x11 0 256k",
                    "read -P 0 256k 64k",
                    "read -P 0 512k 4k",
                    "read -P 0x22 5G 64k",
                    "read -P 0x33 8191M 1M",
                    "read -P 0 6G 32M");
        }
    }

    @Test
    void unalignedRangesAreExact() throws IOException {
        try (ServedVolume served = ServedVolume.memory(64 << 20)) {
            qemuIo(served, "write -P 0x44 4095 4099", "read -P 0x44 4095 4099", "read -P 0 8194 1", "read -P 0 0 4095");
        }
    }

    /** One request for what takes three with 32 bits. */
    @Test
    void aMapOfMoreThanFourGibibytes() throws IOException {
        try (ServedVolume served = ServedVolume.file(Images.sparse(folder.resolve("v.img"), SIZE))) {
            qemuIo(served, "write -P 1 7G 1M", "flush");
            assertThat(tool("qemu-img")
                            .run("map", "-f", "raw", "--output=json", served.uri())
                            .succeeded()
                            .out())
                    .contains("\"start\": 0, \"length\": " + (7L << 30))
                    .contains("\"start\": " + (7L << 30) + ", \"length\": 1048576")
                    .contains("\"start\": " + ((7L << 30) + (1 << 20)) + ", \"length\": " + ((1L << 30) - (1 << 20)));
        }
    }

    @Test
    void imagesComeBackAsTheyWent() throws IOException {
        final long seed = 20261122;
        final Path original = Images.patchy(folder.resolve("original.img"), 64 << 20, seed);
        final Path copy = folder.resolve("copy.img");
        try (ServedVolume served = ServedVolume.file(Images.sparse(folder.resolve("v.img"), 64 << 20))) {
            final Tool qemuImg = tool("qemu-img");
            qemuImg.run("convert", "-n", "-f", "raw", "-O", "raw", "-m", "16", "-W", original, served.uri())
                    .succeeded();
            qemuImg.run("compare", "-f", "raw", "-F", "raw", original, served.uri())
                    .succeeded();
            qemuImg.run("convert", "-f", "raw", "-O", "raw", served.uri(), copy).succeeded();
        }
        assertThat(Files.mismatch(original, copy)).isEqualTo(-1);
    }

    @Test
    void anUnknownExportIsRefusedWithAReason() throws IOException {
        try (ServedVolume served = ServedVolume.memory(64 << 20)) {
            final Tool.Run run = tool("qemu-img").run("info", served.uri("nothing"));
            assertThat(run.status()).isEqualTo(1);
            assertThat(run.err()).contains("nothing");
        }
    }

    private void qemuIo(final ServedVolume served, final String... commands) {
        final Stream<Object> each = Stream.of(commands).flatMap(command -> Stream.of("-c", command));
        final Object[] arguments = Stream.concat(
                        Stream.concat(Stream.<Object>of("-f", "raw"), each), Stream.of(served.uri()))
                .toArray();
        final Tool.Run run = tool("qemu-io").run(folder, LIMIT, arguments).succeeded();
        assertThat(run.out() + run.err()).doesNotContain("failed").doesNotContain("rror");
    }

    private Tool tool(final String name) {
        return Tool.at(programs.resolve(name));
    }

    private static Path programs() {
        final String named = System.getenv("GATEWAY_TEST_QEMU");
        final List<Path> places =
                named == null ? List.of(Path.of("/usr/bin")) : List.of(Path.of(named), Path.of("/usr/bin"));
        for (final Path place : places) {
            final Path qemuImg = place.resolve("qemu-img");
            if (Files.isExecutable(qemuImg) && major(Tool.at(qemuImg)) >= FIRST_MAJOR) {
                return place;
            }
        }
        return abort("no qemu of version " + FIRST_MAJOR + " or newer among " + places
                + "; GATEWAY_TEST_QEMU may name a folder with one");
    }

    private static int major(final Tool qemuImg) {
        final String version = qemuImg.run("--version").succeeded().out();
        return Integer.parseInt(version.replaceAll("(?s)^qemu-img version (\\d+)\\..*", "$1"));
    }
}
