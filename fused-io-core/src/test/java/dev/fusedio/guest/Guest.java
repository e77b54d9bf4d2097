package dev.fusedio.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.fusedio.cli.Main;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * An emulated machine with another kernel, in which this build's classes run as root. Without the emulator the test is
 * skipped; a kernel that can't be fetched skips it as well, and says so.
 *
 * <p>Scripts begin with {@code prelude.sh}: see there for what they have.
 */
public final class Guest {
    private static final Path LAUNCHER = Path.of("..", "lab", "guest", "guest.sh");
    private static final int CANNOT = 3;

    private Guest() {}

    /**
     * Boots the newest kernel of a line and runs a script in it, which has to end well.
     *
     * @param line "6.12", "6.18" or "7"
     * @param owner whose resource the script is
     * @param script the resource's name
     * @param arguments for the script, as {@code $1} and so on
     * @return what the script printed
     */
    public static String run(final String line, final Class<?> owner, final String script, final String... arguments)
            throws IOException, InterruptedException {
        final Path results = Path.of(
                        "target", "guest", script.replace(".sh", "") + "-" + String.join("-", arguments) + "-" + line)
                .toAbsolutePath();
        clear(results);
        copyClasses(results.resolve("classes"));
        final StringBuilder whole = new StringBuilder("set -- " + String.join(" ", arguments) + "\n");
        whole.append("JAVA=")
                .append(Path.of(System.getProperty("java.home"), "bin", "java"))
                .append('\n');
        whole.append("KERNEL=").append(line).append('\n');
        whole.append(resource(Guest.class, "prelude.sh")).append(resource(owner, script));
        final Path file = Files.writeString(results.resolve("script.sh"), whole);
        final Path console = results.resolve("console.txt");
        final Process process = new ProcessBuilder(
                        LAUNCHER.toString(), "run", line, results.toString(), file.toString())
                .redirectInput(new File("/dev/null"))
                .redirectErrorStream(true)
                .redirectOutput(console.toFile())
                .start();
        final int status = process.waitFor();
        final String said = Files.readString(console, StandardCharsets.ISO_8859_1);
        if (status == CANNOT) {
            return abort("no guest: " + said.strip());
        }
        assertThat(status)
                .as("exit status of %s on Linux %s, which said:%n%s", script, line, said)
                .isZero();
        return said;
    }

    private static void clear(final Path folder) throws IOException {
        if (Files.exists(folder)) {
            try (Stream<Path> all = Files.walk(folder)) {
                for (final Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(path);
                }
            }
        }
        Files.createDirectories(folder);
    }

    /** The guest sees the results folder wherever this build's folder is; a build below /tmp it would not see. */
    private static void copyClasses(final Path to) throws IOException {
        for (final Class<?> of : List.of(Main.class, Guest.class)) {
            final Path from = location(of);
            try (Stream<Path> all = Files.walk(from)) {
                for (final Path path : all.toList()) {
                    final Path target = to.resolve(from.relativize(path).toString());
                    if (Files.isDirectory(path)) {
                        Files.createDirectories(target);
                    } else {
                        Files.copy(path, target, StandardCopyOption.REPLACE_EXISTING); // both have package descriptions
                    }
                }
            }
        }
    }

    private static Path location(final Class<?> of) {
        try {
            return Path.of(
                    of.getProtectionDomain().getCodeSource().getLocation().toURI());
        } catch (final URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String resource(final Class<?> owner, final String name) throws IOException {
        try (InputStream in = owner.getResourceAsStream(name)) {
            if (in == null) {
                throw new IOException("no resource " + name + " beside " + owner.getName());
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
