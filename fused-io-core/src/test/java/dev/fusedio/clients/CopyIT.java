package dev.fusedio.clients;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A file system there and back by libnbd's nbdcopy and by qemu-img. */
class CopyIT {
    private static final long SIZE = 64 << 20;

    private final Tool e2fsck = Tool.require("e2fsck", "e2fsprogs");

    @TempDir
    Path folder;

    private Path original;
    private Path copy;

    @BeforeEach
    void makeFileSystem() throws IOException {
        original = Images.fileSystem(
                folder.resolve("original.img"), SIZE, Path.of("src").toAbsolutePath());
        copy = folder.resolve("copy.img");
    }

    @Test
    void nbdcopyBringsBackWhatItTook() throws IOException {
        final Tool nbdcopy = Tool.require("nbdcopy", "libnbd-bin");
        try (ServedVolume served = ServedVolume.file(Images.sparse(folder.resolve("v.img"), SIZE))) {
            nbdcopy.run("--connections=4", "--requests=64", "--flush", original, served.uri())
                    .succeeded();
            nbdcopy.run("--connections=4", "--requests=64", served.uri(), copy).succeeded();
        }
        copyIsGood();
        assertThat(Files.mismatch(original, folder.resolve("v.img"))).isEqualTo(-1);
    }

    @Test
    void nbdcopyInOneSynchronousConnectionToMemory() throws IOException {
        final Tool nbdcopy = Tool.require("nbdcopy", "libnbd-bin");
        try (ServedVolume served = ServedVolume.memory(SIZE)) {
            nbdcopy.run("--synchronous", "--allocated", original, served.socketUri())
                    .succeeded();
            nbdcopy.run("--synchronous", served.socketUri(), copy).succeeded();
        }
        copyIsGood();
    }

    @Test
    void nbdcopyFromOneExportToAnother() throws IOException {
        final Tool nbdcopy = Tool.require("nbdcopy", "libnbd-bin");
        try (ServedVolume from = ServedVolume.readOnly(original);
                ServedVolume to = ServedVolume.file(Images.sparse(copy, SIZE))) {
            nbdcopy.run("--connections=2", "--destination-is-zero", "--flush", from.uri(), to.uri())
                    .succeeded();
        }
        copyIsGood();
        assertThat(Images.allocatedBytes(copy)).as("holes stay holes").isLessThan(SIZE / 2);
    }

    @Test
    void qemuImgBringsBackWhatItTook() throws IOException {
        final Tool qemuImg = Tool.require("qemu-img", "qemu-utils");
        try (ServedVolume served = ServedVolume.file(Images.sparse(folder.resolve("v.img"), SIZE))) {
            qemuImg.run("convert", "-n", "-f", "raw", "-O", "raw", "-m", "8", "-W", original, served.uri())
                    .succeeded();
            assertThat(qemuImg.run("compare", "-f", "raw", "-F", "raw", original, served.uri())
                            .succeeded()
                            .out())
                    .contains("Images are identical.");
            qemuImg.run("convert", "-f", "raw", "-O", "raw", served.uri(), copy).succeeded();
            assertThat(qemuImg.run("info", "--output=json", served.uri())
                            .succeeded()
                            .out())
                    .contains("\"virtual-size\": " + SIZE);
            assertThat(qemuImg.run("map", "-f", "raw", "--output=json", served.uri())
                            .succeeded()
                            .out())
                    .contains("\"data\": true")
                    .contains("\"data\": false");
        }
        copyIsGood();
    }

    @Test
    void qemuImgSeesADifference() throws IOException {
        final Tool qemuImg = Tool.require("qemu-img", "qemu-utils");
        final Tool qemuIo = Tool.require("qemu-io", "qemu-utils");
        Files.copy(original, copy);
        try (ServedVolume served = ServedVolume.file(copy)) {
            qemuIo.run("-f", "raw", "-c", "write -P 0xee 33M 512", served.uri()).succeeded();
            assertThat(qemuImg.run("compare", "-f", "raw", "-F", "raw", original, served.uri())
                            .failedWith(1)
                            .out())
                    .contains("Content mismatch at offset " + (33 << 20));
        }
    }

    private void copyIsGood() throws IOException {
        assertThat(Files.mismatch(original, copy))
                .as("the first byte that differs")
                .isEqualTo(-1);
        e2fsck.run("-f", "-n", copy).succeeded();
    }
}
