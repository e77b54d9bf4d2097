package dev.fusedio.clients;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.fusedio.backend.file.FileBackend;
import dev.fusedio.backend.file.FileOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Locks of served files, against this program and against qemu's. */
class FileLockIT {
    private static final int SIZE = 8 << 20;

    @TempDir
    private Path folder;

    private static FileBackend open(final Path file, final boolean readOnly, final boolean forceShare)
            throws IOException {
        return FileBackend.open(
                file,
                FileOptions.of(readOnly, false).withForceShare(forceShare).withPatience(Duration.ZERO),
                Runnable::run);
    }

    private static void refused(final Path file, final boolean readOnly) {
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> open(file, readOnly, false).close())
                .withMessageStartingWith(file + " is in use: ")
                .satisfies(refusal -> assertThat(refusal.getMessage()).doesNotContain("\n"));
    }

    @Test
    @DisplayName("fault 15: a file that is served is refused to a second writer or reader, whatever name leads to it")
    void oneWriterByInode() throws IOException {
        final Path file = Images.sparse(folder.resolve("v.img"), SIZE);
        final Path link = Files.createSymbolicLink(folder.resolve("link.img"), file);
        final Path hard = Files.createLink(folder.resolve("hard.img"), file);
        try (FileBackend first = open(file, false, false)) {
            assertThat(first.unlocked()).isEmpty();
            refused(file, false);
            refused(link, false);
            refused(hard, false);
            refused(link, true);
            open(link, true, true).close();
            refused(file, false); // what was closed took no lock of the first with it
        }
        open(link, false, false).close();
    }

    @Test
    @DisplayName("fault 15: readers share a file with each other and keep writers out")
    void readersShare() throws IOException {
        final Path file = Images.sparse(folder.resolve("v.img"), SIZE);
        try (FileBackend one = open(file, true, false);
                FileBackend two = open(file, true, false)) {
            assertThat(one.size()).isEqualTo(two.size());
            refused(file, false);
        }
        try (FileBackend careless = open(file, true, true);
                FileBackend writer = open(file, false, false)) {
            assertThat(careless.size()).isEqualTo(writer.size());
        }
    }

    @Test
    @DisplayName("fault 15: qemu can't write to what is served, and looks at it with -U")
    void qemuIsRefused() throws IOException {
        final Tool qemuImg = Tool.require("qemu-img", "qemu-utils");
        final Tool qemuIo = Tool.require("qemu-io", "qemu-utils");
        final Path file = Images.sparse(folder.resolve("v.img"), SIZE);
        try (FileBackend served = open(file, false, false)) {
            assertThat(served.size()).isEqualTo(SIZE);
            final Tool.Run write = qemuIo.run("-f", "raw", "-c", "write 0 512", file);
            assertThat(write.status()).as("%s", write).isNotZero();
            assertThat(write.toString()).contains("lock");
            qemuImg.run("info", "-U", "-f", "raw", file).succeeded();
        }
        qemuIo.run("-f", "raw", "-c", "write 0 512", file).succeeded();
    }

    @Test
    @DisplayName("fault 15: what qemu has open is refused here, but for --force-share")
    void qemuRefuses() throws Exception {
        final Tool qemuNbd = Tool.require("qemu-nbd", "qemu-utils");
        final Path file = Images.sparse(folder.resolve("v.img"), SIZE);
        final Path socket = folder.resolve("socket");
        final Process qemu = new ProcessBuilder(
                        qemuNbd.program().toString(),
                        "--persistent",
                        "--socket=" + socket,
                        "--format=raw",
                        file.toString())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("out").toFile())
                .start();
        try {
            for (int i = 0; i < 1000 && !Files.exists(socket); i++) {
                assertThat(qemu.waitFor(10, TimeUnit.MILLISECONDS)).as("ended").isFalse();
            }
            Tool.require("nbdinfo", "libnbd-bin")
                    .run("--size", "nbd+unix:///?socket=" + socket)
                    .succeeded(); // it listens before it opens the file, and answers after
            refused(file, false);
            refused(file, true);
            open(file, true, true).close();
        } finally {
            qemu.destroyForcibly();
            assertThat(qemu.waitFor(20, TimeUnit.SECONDS)).isTrue();
        }
        open(file, false, false).close();
    }
}
