package dev.fusedio.clients;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A program that the tests run. One that is not on this machine skips the test that needs it, and says so. */
final class Tool {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    /** Where administrators' programs are, which are not on everybody's path. */
    private static final List<String> MORE_FOLDERS =
            List.of("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin");

    private final Path program;
    private final Map<String, String> environment;

    private Tool(final Path program, final Map<String, String> environment) {
        this.program = program;
        this.environment = environment;
    }

    /**
     * Finds a program, or skips the test.
     *
     * @param debianPackage what to install to have it
     */
    static Tool require(final String name, final String debianPackage) {
        final List<String> folders =
                new ArrayList<>(List.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator)));
        folders.addAll(MORE_FOLDERS);
        for (final String folder : folders) {
            final Path candidate = Path.of(folder, name);
            if (!folder.isEmpty() && Files.isExecutable(candidate)) {
                return new Tool(candidate, Map.of());
            }
        }
        return abort(name + " is not installed; it is in Debian's package " + debianPackage);
    }

    /** A program whose place is known. */
    static Tool at(final Path program) {
        return new Tool(program, Map.of());
    }

    /** The same with a variable set in its environment. */
    Tool with(final String variable, final String value) {
        final Map<String, String> changed = new LinkedHashMap<>(environment);
        changed.put(variable, value);
        return new Tool(program, changed);
    }

    Path program() {
        return program;
    }

    /** Runs it to its end, a minute at most. */
    Run run(final Object... arguments) {
        return run(Path.of("").toAbsolutePath(), LIMIT, arguments);
    }

    /** Runs it to its end in a folder, within a limit after which it is killed and the test fails. */
    Run run(final Path folder, final Duration limit, final Object... arguments) {
        try {
            final Path out = Files.createTempFile("out", ".txt");
            final Path err = Files.createTempFile("err", ".txt");
            try {
                final Process process = start(folder, out, err, arguments);
                final boolean ended = process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS);
                if (!ended) {
                    process.destroyForcibly().waitFor();
                }
                final Run run = new Run(command(arguments), process.exitValue(), read(out), read(err));
                return ended ? run : fail("still running after " + limit + ": " + run);
            } finally {
                Files.deleteIfExists(out);
                Files.deleteIfExists(err);
            }
        } catch (final IOException e) {
            return fail("can't run " + program, e);
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            return fail("interrupted while " + program + " ran", e);
        }
    }

    /** Starts it; its output goes to the files. */
    Process start(final Path folder, final Path out, final Path err, final Object... arguments) throws IOException {
        final ProcessBuilder builder = new ProcessBuilder(command(arguments))
                .directory(folder.toFile())
                .redirectInput(new File("/dev/null"))
                .redirectOutput(out.toFile())
                .redirectError(err.toFile());
        builder.environment().put("LC_ALL", "C.UTF-8");
        builder.environment().putAll(environment);
        return builder.start();
    }

    private List<String> command(final Object... arguments) {
        final List<String> command = new ArrayList<>();
        command.add(program.toString());
        for (final Object argument : arguments) {
            command.add(argument.toString());
        }
        return command;
    }

    private static String read(final Path file) throws IOException {
        return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    }

    /** How a program ended and what it said. */
    record Run(List<String> command, int status, String out, String err) {

        /** Fails the test unless the program ended well. */
        Run succeeded() {
            assertThat(status).as("exit status of %s", this).isZero();
            return this;
        }

        /** Fails the test unless the program ended with the status. */
        Run failedWith(final int expected) {
            assertThat(status).as("exit status of %s", this).isEqualTo(expected);
            return this;
        }

        @Override
        public String toString() {
            return String.join(" ", command) + "\nstatus " + status + "\n--- out\n" + out + "--- err\n" + err;
        }
    }
}
