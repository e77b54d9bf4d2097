package dev.fusedio.clients;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The command line: what it accepts, what it says, and how it ends. */
class CommandLineIT {
    private static final int FAILURE = 1;
    private static final int USAGE = 2;
    private static final long SIZE = 1 << 20;
    private static final Duration LIMIT = Duration.ofSeconds(20);

    @TempDir
    Path folder;

    @Test
    void helpGoesToStandardOutput() {
        for (final String[] asked : List.of(
                new String[] {"--help"},
                new String[] {"-h"},
                new String[] {},
                new String[] {"serve", "--help"},
                new String[] {"serve", "nothing", "-h"})) {
            final Tool.Run run = gateway((Object[]) asked).succeeded();
            assertThat(run.out())
                    .startsWith("Usage: ")
                    .contains(
                            "--export",
                            "--nbd-port",
                            "--nbd-bind",
                            "--nbd-socket",
                            "--read-only",
                            "--direct",
                            "--cores");
            assertThat(run.err()).isEmpty();
        }
    }

    @Test
    void versionGoesToStandardOutput() {
        assertThat(gateway("--version").succeeded().out()).startsWith("gateway ");
    }

    static Stream<List<String>> wrongCommandLines() {
        return Stream.of(
                List.of("frobnicate"),
                List.of("--frobnicate"),
                List.of("serve"),
                List.of("serve", "v.img", "w.img"),
                List.of("serve", "v.img", "--frobnicate"),
                List.of("serve", "v.img", "-x"),
                List.of("serve", "v.img", "--nbd-port"),
                List.of("serve", "v.img", "--nbd-port", "many"),
                List.of("serve", "v.img", "--nbd-port", "-1"),
                List.of("serve", "v.img", "--nbd-port", "65536"),
                List.of("serve", "v.img", "--nbd-port", "99999999999999999999"),
                List.of("serve", "v.img", "--nbd-bind", "no.such.host.invalid"),
                List.of("serve", "v.img", "--export"),
                List.of("serve", "v.img", "--export", "n".repeat(4097)),
                List.of("serve", "v.img", "--read-only=yes"),
                List.of("serve", "v.img", "--cores", ""),
                List.of("serve", "v.img", "--cores", "all"),
                List.of("serve", "v.img", "--cores", "0,,1"),
                List.of("serve", "v.img", "--cores", "3-1"),
                List.of("serve", "v.img", "--cores", "0-1-2"),
                List.of("serve", "v.img", "--cores", "8000"));
    }

    @ParameterizedTest
    @MethodSource("wrongCommandLines")
    void wrongUsageIsExplained(final List<String> arguments) {
        final Tool.Run run = gateway(arguments.toArray()).failedWith(USAGE);
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).startsWith("gateway: ").contains("--help").doesNotContain("Exception");
        assertThat(run.err().lines()).hasSize(2);
    }

    @Test
    void theWrongOptionIsNamed() {
        assertThat(gateway("serve", "v.img", "--frobnicate").err()).contains("--frobnicate");
        assertThat(gateway("serve", "v.img", "--nbd-port", "65536").err()).contains("--nbd-port", "65536");
        assertThat(gateway("frobnicate").err()).contains("frobnicate");
    }

    @Test
    void aFileThatIsNotThere() {
        final Path absent = folder.resolve("absent.img");
        failsSaying(List.of(absent), absent.toString(), "o such file");
        assertThat(absent).doesNotExist();
    }

    @Test
    void aFolderIsNoVolume() {
        failsSaying(List.of(folder), folder.toString(), "irectory");
    }

    @Test
    void aCharacterDeviceIsNoVolume() {
        failsSaying(List.of("/dev/null"), "/dev/null");
    }

    @Test
    void aPortThatIsTaken() throws IOException {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            failsSaying(
                    List.of(image(), "--nbd-port", taken.getLocalPort()),
                    String.valueOf(taken.getLocalPort()),
                    "in use");
        }
    }

    @Test
    void anAddressOfAnotherMachine() throws IOException {
        failsSaying(List.of(image(), "--nbd-port", 0, "--nbd-bind", "192.0.2.1"), "192.0.2.1");
    }

    @Test
    void aSocketWhereNoneCanBe() throws IOException {
        final Path nowhere = folder.resolve("no/such/folder/nbd.sock");
        failsSaying(List.of(image(), "--nbd-socket", nowhere), nowhere.toString());
    }

    @Test
    void aSocketWithATooLongName() throws IOException {
        final Path tooLong = folder.resolve("s".repeat(108));
        failsSaying(List.of(image(), "--nbd-socket", tooLong), "107");
    }

    @Test
    void aFileInTheSocketsPlaceIsLeftAlone() throws IOException {
        final Path file = Files.writeString(folder.resolve("precious.txt"), "precious");
        failsSaying(List.of(image(), "--nbd-socket", file), file.toString());
        assertThat(file).hasContent("precious");
    }

    @Test
    void theBannerSaysWhatIsServedAndWhere() throws IOException {
        final Path image = image();
        try (ServeProcess serve = ServeProcess.start(image, "--nbd-port", 0, "--export", "disk", "--read-only")) {
            assertThat(serve.banner())
                    .contains(
                            image.toString(),
                            String.valueOf(SIZE),
                            "\"disk\"",
                            "read-only",
                            "127.0.0.1:" + serve.port());
            final Tool nbdinfo = Tool.require("nbdinfo", "libnbd-bin");
            nbdinfo.run("--is", "read-only", serve.uri()).succeeded();
            nbdinfo.run("--size", serve.uri() + "disk").succeeded();
            assertThat(nbdinfo.run("--size", serve.uri() + "other").status()).isEqualTo(1);
            assertThat(serve.said().lines()).hasSize(1);
        }
    }

    @Test
    void theNameIsTheFilesUnlessSaidOtherwise() throws IOException {
        try (ServeProcess serve = ServeProcess.start(image(), "--nbd-port=0")) {
            Tool.require("nbdinfo", "libnbd-bin")
                    .run("--size", serve.uri() + "v.img")
                    .succeeded();
        }
    }

    @Test
    void listeningBeyondLoopbackWarns() throws Exception {
        try (ServeProcess serve = ServeProcess.start(image(), "--nbd-port", 0, "--nbd-bind", "0.0.0.0")) {
            for (int i = 0; i < 100 && serve.said().lines().count() < 2; i++) {
                assertThat(serve.await(Duration.ofMillis(50))).isEmpty();
            }
            assertThat(serve.said()).contains("warning").contains("no authentication");
        }
    }

    @Test
    void aSocketAloneMeansNoPort() throws IOException {
        final Path socket = folder.resolve("nbd.sock");
        try (ServeProcess serve = ServeProcess.start(image(), "--nbd-socket", socket)) {
            assertThat(serve.banner()).contains(socket.toString()).doesNotContain("127.0.0.1");
            Tool.require("nbdinfo", "libnbd-bin")
                    .run("--size", "nbd+unix:///?socket=" + socket)
                    .succeeded();
        }
    }

    @Test
    void aSocketInUseIsNotTakenAway() throws Exception {
        final Path socket = folder.resolve("nbd.sock");
        try (ServeProcess first = ServeProcess.start(image(), "--nbd-socket", socket)) {
            final Path another = Images.sparse(folder.resolve("w.img"), SIZE);
            failsSaying(List.of(another, "--nbd-socket", socket), socket.toString());
            Tool.require("nbdinfo", "libnbd-bin")
                    .run("--size", "nbd+unix:///?socket=" + socket)
                    .succeeded();
            first.signal("KILL");
            assertThat(first.await(LIMIT)).isPresent();
        }
        assertThat(socket).exists();
        try (ServeProcess second = ServeProcess.start(image(), "--nbd-socket", socket)) {
            second.signal("TERM");
            assertThat(second.await(LIMIT)).as("said %s", second.said()).contains(0);
        }
        assertThat(socket).as("an orderly end leaves no socket").doesNotExist();
    }

    @Test
    @DisplayName(
            "fault 15: a file is not served twice, whatever its name, but read beside its writer when that is asked for")
    void aFileIsServedOnce() throws IOException {
        final Path file = image();
        final Path link = Files.createSymbolicLink(folder.resolve("link.img"), file);
        try (ServeProcess first = ServeProcess.start(file, "--nbd-port", 0)) {
            failsSaying(List.of(link), link + " is in use");
            failsSaying(List.of(file, "--read-only"), "--force-share");
            try (ServeProcess reader = ServeProcess.start(link, "--nbd-port", 0, "--read-only", "--force-share")) {
                assertThat(reader.banner()).contains("read-only");
            }
            assertThat(first.banner()).contains(file.toString());
        }
    }

    @Test
    void coresCanBeChosen() throws IOException {
        try (ServeProcess serve = ServeProcess.start(image(), "--nbd-port", 0, "--cores", "0")) {
            Tool.require("nbdinfo", "libnbd-bin").run(serve.uri()).succeeded();
        }
    }

    private void failsSaying(final List<Object> arguments, final String... words) {
        final List<Object> all = new ArrayList<>(List.of("serve"));
        all.addAll(arguments);
        if (!arguments.contains("--nbd-port") && !arguments.contains("--nbd-socket")) {
            all.addAll(List.of("--nbd-port", 0));
        }
        final Tool.Run run = gateway(all.toArray()).failedWith(FAILURE);
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).startsWith("gateway: ").contains(words).doesNotContain("Exception");
        assertThat(run.err().lines()).hasSize(1);
    }

    private Path image() throws IOException {
        return Images.sparse(folder.resolve("v.img"), SIZE);
    }

    private Tool.Run gateway(final Object... arguments) {
        final List<Object> all = new ArrayList<>(ServeProcess.mainArguments());
        all.addAll(List.of(arguments));
        return ServeProcess.java().run(folder, LIMIT, all.toArray());
    }
}
