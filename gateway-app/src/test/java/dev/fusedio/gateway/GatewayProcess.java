package dev.fusedio.gateway;

import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Assumptions;

/** The gateway as a process of its own, as an operator runs it. */
public final class GatewayProcess implements AutoCloseable {
    private static final long START_SECONDS = 120;
    private static final Pattern REST = Pattern.compile("REST +(https?://\\S+)/api/v1");
    private static final Pattern NBD = Pattern.compile("NBD +nbd://(\\S+)/");

    private final HttpClient http =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();
    private final Process process;
    private final Path errors;
    private final Path log;
    private String rest = "";
    private String nbd = "";

    private GatewayProcess(final Path errors, final String... settings) throws IOException {
        this.errors = errors;
        final List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                productClassPath(),
                GatewayApplication.class.getName()));
        command.addAll(List.of(settings));
        log = errors.resolveSibling(errors.getFileName() + ".out");
        Files.deleteIfExists(log);
        process = new ProcessBuilder(command)
                .redirectError(errors.toFile())
                .redirectOutput(log.toFile())
                .start();
    }

    /** Starts one on free ports and waits until it is ready. */
    public static GatewayProcess start(final Path pool, final Path errors, final String... more) throws IOException {
        return startOn(0, pool, errors, more);
    }

    /** Starts one with that port for REST and waits until it is ready. */
    static GatewayProcess startOn(final int port, final Path pool, final Path errors, final String... more)
            throws IOException {
        final List<String> settings = new ArrayList<>(List.of(
                "--gateway.pool.path=" + pool,
                "--server.port=" + port,
                "--gateway.nbd.port=0",
                "--gateway.engine.memory=8MiB"));
        settings.addAll(List.of(more));
        final GatewayProcess gateway = new GatewayProcess(errors, settings.toArray(String[]::new));
        gateway.awaitReady();
        return gateway;
    }

    /** Starts one that is not expected to get ready. */
    static GatewayProcess launch(final Path errors, final String... settings) throws IOException {
        return new GatewayProcess(errors, settings);
    }

    private void awaitReady() throws IOException {
        final long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
        while (process.isAlive() && System.nanoTime() < end) {
            final String output = Files.readString(log);
            final Matcher restLine = REST.matcher(output);
            final Matcher nbdLine = NBD.matcher(output);
            if (output.contains("Try:") && restLine.find() && nbdLine.find()) {
                rest = restLine.group(1);
                nbd = "nbd://" + nbdLine.group(1) + "/";
                return;
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
        }
        final String reason = errors();
        Assumptions.assumeFalse(reason.contains("io_uring_setup was refused"), "no io_uring here: " + reason);
        throw new AssertionError("the gateway did not start: " + reason + "\n" + Files.readString(log));
    }

    /** {@code http://HOST:PORT}, or with https. */
    public String rest() {
        return rest;
    }

    public String nbd(final String export) {
        return nbd + export;
    }

    /** {@code HOST:PORT} of REST. */
    public String httpAddress() {
        return URI.create(rest).getAuthority();
    }

    /** What it has said so far. */
    public String log() throws IOException {
        return Files.readString(log);
    }

    public long pid() {
        return process.pid();
    }

    /** {@code HOST:PORT} of the NBD server. */
    String nbdAddress() {
        return URI.create(nbd).getAuthority();
    }

    public HttpResponse<byte[]> send(
            final String method, final String path, final byte[] body, final String... headers) {
        final HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(rest + path))
                .timeout(Duration.ofSeconds(60))
                .method(method, body.length == 0 ? BodyPublishers.noBody() : BodyPublishers.ofByteArray(body));
        if (headers.length > 0) {
            request.headers(headers);
        }
        try {
            return http.send(request.build(), BodyHandlers.ofByteArray());
        } catch (final IOException e) {
            throw new AssertionError(method + " " + path + ": " + e, e);
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    HttpResponse<byte[]> json(final String method, final String path, final String body, final String... headers) {
        final String[] all = Arrays.copyOf(headers, headers.length + 2);
        all[headers.length] = "Content-Type";
        all[headers.length + 1] = "application/json";
        return send(method, path, body.getBytes(StandardCharsets.UTF_8), all);
    }

    public String get(final String path) {
        return new String(send("GET", path, new byte[0]).body(), StandardCharsets.UTF_8);
    }

    /** kill -9. */
    void kill() throws InterruptedException {
        process.destroyForcibly();
        awaitExit(30);
    }

    /** SIGTERM; gives the exit code. */
    int terminate(final long seconds) throws InterruptedException {
        process.destroy();
        return awaitExit(seconds);
    }

    int awaitExit(final long seconds) throws InterruptedException {
        if (!process.waitFor(seconds, TimeUnit.SECONDS)) {
            throw new AssertionError("the gateway still runs after " + seconds + " s");
        }
        return process.exitValue();
    }

    /** Without the tests' own classes, whose beans would be found. */
    private static String productClassPath() {
        return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator, -1))
                .filter(entry -> !entry.endsWith("test-classes") && !entry.endsWith("test-classes/"))
                .collect(Collectors.joining(File.pathSeparator));
    }

    static long startSeconds() {
        return START_SECONDS;
    }

    String errors() throws IOException {
        return Files.readString(errors);
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
