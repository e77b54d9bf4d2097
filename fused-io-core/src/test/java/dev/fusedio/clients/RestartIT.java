package dev.fusedio.clients;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The server is told to stop, and started again, under clients that reconnect by themselves and keep 48 requests of 64 KiB
 * in flight. {@code -Dfusedio.restarts=N} says how often.
 */
class RestartIT {
    private static final int RESTARTS = Integer.getInteger("fusedio.restarts", 3);
    private static final long SIZE = 64 << 20;
    private static final int ANSWERS = 300;
    private static final Duration LIMIT = Duration.ofSeconds(90);

    private final Tool python = LibnbdIT.python();

    @TempDir
    Path folder;

    @Test
    @DisplayName("fault 26: a client of libnbd that reconnects sees no error when the server is restarted under load")
    void libnbd() throws Exception {
        restarts(List.of(), "client");
    }

    @Test
    @DisplayName("fault 26: behind qemu's reconnect-delay nobody sees an error when the server is restarted under load")
    void qemu() throws Exception {
        final Tool qemu = Tool.require("qemu-nbd", "qemu-utils");
        restarts(
                List.of(
                        qemu.program(),
                        "--persistent",
                        "--shared=2",
                        "--socket=" + folder.resolve("proxy.sock"),
                        "--image-opts",
                        "driver=nbd,server.type=inet,server.host=127.0.0.1,server.port=PORT,reconnect-delay=60"),
                "proxy");
    }

    @Test
    @DisplayName("fault 26: behind nbdkit's retry filter nobody sees an error when the server is restarted under load")
    void nbdkit() throws Exception {
        final Tool nbdkit = Tool.require("nbdkit", "nbdkit");
        restarts(
                List.of(
                        nbdkit.program(),
                        "--foreground",
                        "--unix",
                        folder.resolve("proxy.sock"),
                        "--filter=retry",
                        "nbd",
                        "uri=nbd://127.0.0.1:PORT/",
                        "retries=60",
                        "retry-delay=1",
                        "retry-exponential=no"),
                "proxy");
    }

    /** @param proxy what stands between the client and the server, if anything; PORT is replaced */
    private void restarts(final List<Object> proxy, final String mode) throws Exception {
        final Path file = Images.sparse(folder.resolve("v.img"), SIZE);
        ServeProcess serve = ServeProcess.start(file, "--nbd-port", 0);
        final List<Process> processes = new ArrayList<>();
        try {
            final int port = serve.port();
            String uri = serve.uri();
            if (!proxy.isEmpty()) {
                uri = "nbd+unix:///?socket=" + folder.resolve("proxy.sock");
                final List<Object> arguments = new ArrayList<>();
                proxy.forEach(each -> arguments.add(each.toString().replace("PORT", Integer.toString(port))));
                processes.add(Tool.at(Path.of(arguments.removeFirst().toString()))
                        .start(folder, folder.resolve("proxy-out"), folder.resolve("proxy-err"), arguments.toArray()));
                awaitSocket(folder.resolve("proxy.sock"), processes.getFirst());
            }
            final Process client = client(mode, uri);
            processes.add(client);
            for (int restart = 0; restart < RESTARTS; restart++) {
                awaitAnswers(client, ANSWERS);
                serve.signal("TERM");
                assertThat(serve.await(LIMIT))
                        .as("status, said: %s", serve.said())
                        .contains(0);
                assertThat(serve.said().lines()).as("nothing but the banner").hasSize(1);
                serve.close();
                serve = ServeProcess.start(file, "--nbd-port", port);
            }
            awaitAnswers(client, ANSWERS);
            Files.createFile(folder.resolve("stop"));
            assertThat(client.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS))
                    .as("the client ends")
                    .isTrue();
            requireNoError(client);
            System.out.println(mode + proxy.stream().limit(1).toList() + ": " + RESTARTS + " restarts, "
                    + Files.readString(folder.resolve("client-out")).strip());
        } finally {
            for (final Process each : processes) {
                each.destroyForcibly().waitFor();
            }
            serve.close();
        }
    }

    private Process client(final String mode, final String uri) throws Exception {
        final Path script = Path.of(RestartIT.class.getResource("restarts.py").toURI());
        return python.start(
                folder,
                folder.resolve("client-out"),
                folder.resolve("client-err"),
                "-B",
                script,
                mode,
                uri,
                folder.resolve("progress"),
                folder.resolve("stop"));
    }

    private long answers() throws Exception {
        final Path progress = folder.resolve("progress");
        return Files.exists(progress) ? Long.parseLong(Files.readString(progress)) : 0;
    }

    /** So many more requests are answered. */
    private void awaitAnswers(final Process client, final int more) throws Exception {
        final long enough = answers() + more;
        final long end = System.nanoTime() + LIMIT.toNanos();
        while (answers() < enough) {
            assertThat(System.nanoTime()).as("%s answers in time", more).isLessThan(end);
            if (client.waitFor(5, TimeUnit.MILLISECONDS)) {
                requireNoError(client);
            }
        }
    }

    private void requireNoError(final Process client) throws Exception {
        assertThat(client.exitValue())
                .as("client: %s", Files.readString(folder.resolve("client-err")))
                .isZero();
    }

    private static void awaitSocket(final Path socket, final Process server) throws Exception {
        final long end = System.nanoTime() + LIMIT.toNanos();
        while (!Files.exists(socket)) {
            assertThat(System.nanoTime()).as("%s in time", socket).isLessThan(end);
            assertThat(server.waitFor(5, TimeUnit.MILLISECONDS))
                    .as("the proxy ended")
                    .isFalse();
        }
    }
}
