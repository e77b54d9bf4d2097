package dev.fusedio.clients;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Clients that are not libnbd's own nor qemu's: the reference implementation's, and nbdkit's proxy. */
class PeersIT {
    private static final long SIZE = 16 << 20;

    @TempDir
    Path folder;

    @Test
    void nbdClientListsTheExports() throws IOException {
        final Tool nbdClient = Tool.require("nbd-client", "nbd-client");
        try (ServedVolume served = ServedVolume.memory(SIZE)) {
            assertThat(nbdClient
                            .run("-l", served.host(), served.port())
                            .succeeded()
                            .out())
                    .contains(ServedVolume.NAME)
                    .contains(ServedVolume.OTHER);
        }
    }

    @Test
    void nbdkitServesWhatItHasFromHere() throws IOException {
        final Tool nbdkit = Tool.require("nbdkit", "nbdkit");
        Tool.require("qemu-io", "qemu-utils");
        try (ServedVolume served = ServedVolume.file(Images.sparse(folder.resolve("v.img"), SIZE))) {
            nbdkit.run(
                            "-U",
                            "-",
                            "nbd",
                            "uri=" + served.uri(),
                            "--run",
                            "qemu-io -f raw -c 'write -P 0x77 64k 1M' -c 'write -z 128k 64k' -c flush"
                                    + " -c 'read -P 0x77 64k 64k' -c 'read -P 0 128k 64k' \"$uri\"")
                    .succeeded();
            final Tool.Run run = Tool.require("qemu-io", "qemu-utils")
                    .run("-r", "-f", "raw", "-c", "read -P 0x77 192k 896k", served.uri())
                    .succeeded();
            assertThat(run.out()).doesNotContain("failed");
        }
    }

    /** The filter makes nbdkit use what this server promised about several connections. */
    @Test
    void nbdkitCopiesThroughSharedConnections() throws IOException {
        final Tool nbdkit = Tool.require("nbdkit", "nbdkit");
        Tool.require("nbdcopy", "libnbd-bin");
        final Path original = Images.patchy(folder.resolve("original.img"), SIZE, 20261122);
        final Path copy = folder.resolve("copy.img");
        try (ServedVolume served = ServedVolume.readOnly(original)) {
            nbdkit.run(
                            "-r",
                            "-U",
                            "-",
                            "nbd",
                            "uri=" + served.uri(),
                            "shared=true",
                            "--run",
                            "nbdcopy --connections=4 \"$uri\" '" + copy + "'")
                    .succeeded();
        }
        assertThat(Files.mismatch(original, copy)).isEqualTo(-1);
    }
}
