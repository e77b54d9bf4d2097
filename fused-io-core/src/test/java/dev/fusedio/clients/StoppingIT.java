package dev.fusedio.clients;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The end of a server, in order and by force, while a client writes as fast as it can. */
class StoppingIT {
    private static final long SIZE = 64 << 20;
    private static final int BLOCK = 4096;
    private static final int ENOUGH = 2000;
    private static final Duration LIMIT = Duration.ofSeconds(20);

    private final Tool python = LibnbdIT.python();

    @TempDir
    Path folder;

    /** What FUA or FLUSH acknowledged is in the file when the process is killed, and is served by the next one. */
    @ParameterizedTest
    @ValueSource(strings = {"fua", "flush"})
    void whatWasAcknowledgedOutlivesAKilledServer(final String mode) throws Exception {
        final Path file = Images.sparse(folder.resolve("v.img"), SIZE);
        final Path acknowledged = folder.resolve("acknowledged.txt");
        try (ServeProcess serve = ServeProcess.start(file, "--nbd-port", 0)) {
            final Process client = client(mode, serve, acknowledged);
            awaitLines(client, acknowledged, ENOUGH);
            serve.signal("KILL");
            assertThat(serve.await(LIMIT)).contains(128 + 9);
            clientEnds(client);
        }
        final List<String> lines = Files.readAllLines(acknowledged);
        assertThat(lines).hasSizeGreaterThanOrEqualTo(ENOUGH);
        final int written = blocksOf(lines);
        try (RandomAccessFile image = new RandomAccessFile(file.toFile(), "r")) {
            final byte[] block = new byte[BLOCK];
            for (int index = 0; index < written; index++) {
                image.seek((long) index * BLOCK);
                image.readFully(block);
                assertBlock(block, index);
            }
        }
        try (ServeProcess serve = ServeProcess.start(file, "--nbd-port", 0)) {
            final Path copy = folder.resolve("copy.img");
            Tool.require("nbdcopy", "libnbd-bin").run(serve.uri(), copy).succeeded();
            assertThat(Files.mismatch(file, copy)).isEqualTo(-1);
        }
    }

    /** What is acknowledged is in the file; the client sees the end of the connection and no error; it comes in bounded time. */
    @ParameterizedTest
    @ValueSource(strings = {"TERM", "INT"})
    void anOrderlyStopUnderLoad(final String signal) throws Exception {
        final Path file = Images.sparse(folder.resolve("v.img"), SIZE);
        final Path acknowledged = folder.resolve("acknowledged.txt");
        try (ServeProcess serve = ServeProcess.start(file, "--nbd-port", 0)) {
            final Process client = client("fua", serve, acknowledged);
            awaitLines(client, acknowledged, ENOUGH);
            serve.signal(signal);
            assertThat(serve.await(LIMIT)).as("status, said: %s", serve.said()).contains(0);
            clientEnds(client);
            assertThat(serve.said().lines()).as("nothing but the banner").hasSize(1);
        }
        final int written = blocksOf(Files.readAllLines(acknowledged));
        try (RandomAccessFile image = new RandomAccessFile(file.toFile(), "r")) {
            final byte[] block = new byte[BLOCK];
            for (int index = 0; index < written; index++) {
                image.seek((long) index * BLOCK);
                image.readFully(block);
                assertBlock(block, index);
            }
        }
    }

    /** A client that reads no replies and one that never finishes its handshake don't hold it up. */
    @Test
    void silentClientsDoNotDelayTheEnd() throws Exception {
        final Path file = Images.sparse(folder.resolve("v.img"), SIZE);
        try (ServeProcess serve = ServeProcess.start(file, "--nbd-port", 0);
                Socket silent = new Socket(InetAddress.getLoopbackAddress(), serve.port())) {
            final Process client = client("deaf", serve, folder.resolve("none.txt"));
            assertThat(client.waitFor(3, TimeUnit.SECONDS))
                    .as("the deaf client holds on")
                    .isFalse();
            serve.signal("TERM");
            assertThat(serve.await(LIMIT)).contains(0);
            client.destroyForcibly();
            assertThat(silent.isConnected()).isTrue();
        }
    }

    /** The blocks that were acknowledged, which the client writes in order and reports as they are answered. */
    private static int blocksOf(final List<String> lines) {
        final boolean[] seen = new boolean[(int) (SIZE / BLOCK)];
        int highest = -1;
        for (final String line : lines) {
            final int index = Integer.parseInt(line);
            seen[index] = true;
            highest = Math.max(highest, index);
        }
        int complete = 0;
        while (complete < seen.length && seen[complete]) {
            complete++;
        }
        assertThat(highest - complete).as("answered ahead of one that was not").isLessThan(256);
        return complete;
    }

    private static void assertBlock(final byte[] block, final int index) {
        final ByteBuffer words = ByteBuffer.wrap(block);
        while (words.hasRemaining()) {
            assertThat(words.getLong())
                    .as("block %d at %d", index, words.position() - 8)
                    .isEqualTo(index + 1L);
        }
    }

    private Process client(final String mode, final ServeProcess serve, final Path acknowledged) throws Exception {
        final Path script = Path.of(StoppingIT.class.getResource("writer.py").toURI());
        return python.start(
                folder,
                folder.resolve("client-out.txt"),
                folder.resolve("client-err.txt"),
                "-B",
                script,
                mode,
                serve.uri(),
                acknowledged);
    }

    private void awaitLines(final Process client, final Path file, final int count) throws Exception {
        final long end = System.nanoTime() + LIMIT.toNanos();
        while (!Files.exists(file) || Files.readString(file).lines().count() < count) {
            assertThat(System.nanoTime()).as("%s lines in time", count).isLessThan(end);
            assertThat(client.isAlive())
                    .as("client: %s", Files.readString(folder.resolve("client-err.txt")))
                    .isTrue();
            client.waitFor(5, TimeUnit.MILLISECONDS);
        }
    }

    private void clientEnds(final Process client) throws IOException, InterruptedException {
        assertThat(client.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS))
                .as("the client ends")
                .isTrue();
        assertThat(client.exitValue())
                .as("client: %s", Files.readString(folder.resolve("client-err.txt")))
                .isZero();
    }
}
