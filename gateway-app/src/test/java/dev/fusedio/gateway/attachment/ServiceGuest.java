package dev.fusedio.gateway.attachment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.springframework.util.FileSystemUtils;

/**
 * An emulated machine with another kernel, in which the packaged service runs as root. Without the emulator, or without a
 * kernel, the test is skipped and says so. Scripts begin with the core's {@code prelude.sh}: see there for what they have.
 */
final class ServiceGuest {
    private static final Path LAB = Path.of("..", "lab", "guest", "guest.sh");
    private static final Path PRELUDE =
            Path.of("..", "fused-io-core", "src", "test", "resources", "dev", "fusedio", "guest", "prelude.sh");
    private static final String JAVA =
            Path.of(System.getProperty("java.home"), "bin", "java").toString();
    private static final int CANNOT = 3;
    private static final String LIMIT_SECONDS = "1200";

    /** The cache is good for these only, so both the machine that makes it and the guest have them. */
    private static final List<String> OPTIONS = List.of(
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Xms40m",
            "-Xmx160m",
            "-XX:-UsePerfData",
            "--enable-native-access=ALL-UNNAMED");

    private final Path results;
    private final String jar;

    private ServiceGuest(final Path results, final String jar) {
        this.results = results;
        this.jar = jar;
    }

    /** The service unpacked, with a cache for quick starts, which an emulated machine needs more than any other. */
    static ServiceGuest prepare(final String name) throws IOException, InterruptedException {
        final Path packaged = packagedJar();
        final Path results = Path.of("target", "guest", name).toAbsolutePath();
        FileSystemUtils.deleteRecursively(results);
        Files.createDirectories(results);
        final Path service = results.resolve("service");
        host(results, List.of("-Djarmode=tools"), packaged, "extract", "--destination", service.toString());
        final ServiceGuest guest =
                new ServiceGuest(results, packaged.getFileName().toString());
        host(
                results,
                List.of("-XX:AOTCacheOutput=" + results.resolve("service.aot"), "-Dfused.training=true"),
                service.resolve(guest.jar),
                "--gateway.pool.path=" + results.resolve("trained"),
                "--server.port=0",
                "--gateway.nbd.port=0");
        return guest;
    }

    private static void host(final Path results, final List<String> options, final Path jar, final String... arguments)
            throws IOException, InterruptedException {
        final List<String> command = new ArrayList<>(List.of(JAVA));
        command.addAll(OPTIONS);
        command.addAll(options);
        command.addAll(List.of("-jar", jar.toString()));
        command.addAll(List.of(arguments));
        final Path log = results.resolve("host.txt");
        final Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        final int status = process.waitFor();
        final String said = Files.readString(log);
        assumeTrue(!said.contains("io_uring_setup was refused"), "no io_uring here: " + said);
        assertThat(status).as("status of %s, which said %s", command, said).isZero();
    }

    /**
     * Boots the newest kernel of a line and runs a script in it, which has to end well.
     *
     * @param line "6.12", "6.18" or "7"
     * @return what the script printed
     */
    String run(final String line, final String script) throws IOException, InterruptedException {
        final Path file = Files.writeString(
                results.resolve("script.sh"),
                "JAVA=" + JAVA + "\nKERNEL=" + line + "\nJAR=" + jar + "\nOPTIONS=(" + String.join(" ", OPTIONS) + ")\n"
                        + Files.readString(PRELUDE) + resource(script));
        final Path console = results.resolve("console.txt");
        final ProcessBuilder guest = new ProcessBuilder(
                        LAB.toString(), "run", line, results.toString(), file.toString())
                .redirectInput(new File("/dev/null"))
                .redirectErrorStream(true)
                .redirectOutput(console.toFile());
        guest.environment().putIfAbsent("GUEST_TIMEOUT", LIMIT_SECONDS);
        final int status = guest.start().waitFor();
        final String said = Files.readString(console, StandardCharsets.ISO_8859_1);
        if (status == CANNOT) {
            return abort("no guest: " + said.strip());
        }
        assertThat(status)
                .as("exit status of %s on Linux %s, which said:%n%s", script, line, said)
                .isZero();
        return said;
    }

    private static Path packagedJar() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("target").toAbsolutePath())) {
            final var jar = files.filter(file -> file.getFileName().toString().matches("gateway-app-.*\\.jar"))
                    .findFirst();
            assumeTrue(jar.isPresent(), "there is no jar: this is tested by ./mvnw verify");
            return jar.orElseThrow();
        }
    }

    private static String resource(final String name) throws IOException {
        try (InputStream in = ServiceGuest.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IOException("no resource " + name);
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
