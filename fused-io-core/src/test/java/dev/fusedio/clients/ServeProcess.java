package dev.fusedio.clients;

import static org.junit.jupiter.api.Assertions.fail;

import dev.fusedio.cli.Main;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@code serve} as a process of its own, which can be told to stop, or killed. */
final class ServeProcess implements AutoCloseable {
    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    private static final Pattern TCP = Pattern.compile("127\\.0\\.0\\.1:(\\d+)");
    private static final Pattern LISTENING = Pattern.compile("(?m)^gateway: serving .*$");

    private final Process process;
    private final Path out;
    private final Path err;
    private final String banner;

    private ServeProcess(final Tool program, final Path folder, final Object... arguments) throws IOException {
        out = Files.createTempFile("serve-out", ".txt");
        err = Files.createTempFile("serve-err", ".txt");
        process = program.start(folder, out, err, arguments);
        banner = awaitBanner();
    }

    /** Starts {@code serve} with the arguments and waits until it listens. */
    static ServeProcess start(final Object... arguments) throws IOException {
        final List<Object> all = new ArrayList<>(mainArguments());
        all.add("serve");
        all.addAll(List.of(arguments));
        return new ServeProcess(java(), Path.of("").toAbsolutePath(), all.toArray());
    }

    /** Starts another program that becomes {@code serve}, in a folder. */
    static ServeProcess startWith(final Tool program, final Path folder, final Object... arguments) throws IOException {
        return new ServeProcess(program, folder, arguments);
    }

    /** The Java machine that runs the tests. */
    static Tool java() {
        return Tool.at(Path.of(System.getProperty("java.home"), "bin", "java"));
    }

    /** What the Java machine needs to run the command line from the compiled classes. */
    static List<Object> mainArguments() {
        try {
            final Path classes = Path.of(Main.class
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .toURI());
            return List.of(
                    "-XX:+UseSerialGC",
                    "-XX:TieredStopAtLevel=1",
                    "-Xmx64m",
                    "--enable-native-access=ALL-UNNAMED",
                    "-cp",
                    classes,
                    Main.class.getName());
        } catch (final URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private String awaitBanner() throws IOException {
        final long end = System.nanoTime() + START_LIMIT.toNanos();
        while (System.nanoTime() < end) {
            final Matcher matcher = LISTENING.matcher(Files.readString(err));
            if (matcher.find()) {
                return matcher.group();
            }
            if (!process.isAlive()) {
                break;
            }
            pause();
        }
        process.destroyForcibly();
        return fail("serve does not listen; it said: " + Files.readString(err));
    }

    private void pause() throws IOException {
        try {
            process.waitFor(20, TimeUnit.MILLISECONDS);
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while serve started", e);
        }
    }

    /** The line that says what is served, and where. */
    String banner() {
        return banner;
    }

    int port() {
        final Matcher matcher = TCP.matcher(banner);
        return matcher.find() ? Integer.parseInt(matcher.group(1)) : fail("no TCP port in: " + banner);
    }

    /** The export under its empty name, by TCP. */
    String uri() {
        return "nbd://127.0.0.1:" + port() + "/";
    }

    /** What it said so far on standard error. */
    String said() throws IOException {
        return Files.readString(err);
    }

    void signal(final String name) {
        Tool.require("kill", "procps").run("-" + name, process.pid()).succeeded();
    }

    /** The exit status, if it ended within the time. */
    Optional<Integer> await(final Duration limit) throws InterruptedException {
        return process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)
                ? Optional.of(process.exitValue())
                : Optional.empty();
    }

    @Override
    public void close() throws IOException {
        process.destroyForcibly().onExit().join();
        Files.deleteIfExists(out);
        Files.deleteIfExists(err);
    }
}
