package dev.fusedio.clients;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** qemu-io's commands, which write patterns and check them. */
class QemuIoIT {
    private static final long SIZE = 64 << 20;

    private final Tool qemuIo = Tool.require("qemu-io", "qemu-utils");

    @TempDir
    Path folder;

    @Test
    void patternsSurvive() throws IOException {
        try (ServedVolume served = ServedVolume.file(Images.sparse(folder.resolve("v.img"), SIZE))) {
            run(
                    served,
                    "read -P 0 0 1M",
                    "write -P 0x11 0 1M",
                    "write -P 0x22 256k 64k",
                    "write -f -P 0x33 300k 1k",
                    "read -P 0x11 0 256k",
                    "read -P 0x22 256k 44k",
                    "read -P 0x33 300k 1k",
                    "read -P 0x22 301k 19k",
                    "read -P 0x11 320k 704k",
                    "flush");
            run(served, "read -P 0x33 300k 1k");
        }
    }

    @Test
    void unalignedRangesAreExact() throws IOException {
        try (ServedVolume served = ServedVolume.file(Images.sparse(folder.resolve("v.img"), SIZE))) {
            run(
                    served,
                    "write -P 0x44 4095 4099",
                    "read -P 0 4000 95",
                    "read -P 0x44 4095 4099",
                    "read -P 0 8194 1",
                    "write -P 0x55 67108863 1",
                    "read -P 0x55 67108863 1");
        }
    }

    @Test
    void zeroesAndDiscardedRanges() throws IOException {
        try (ServedVolume served = ServedVolume.file(Images.sparse(folder.resolve("v.img"), SIZE))) {
            run(
                    served,
                    "write -P 0x66 0 8M",
                    "write -z 1M 64k",
                    "write -z -u 2M 64k",
                    "write -z -u -f 3M 1M",
                    "discard 5M 1M",
                    "read -P 0x66 0 1M",
                    "read -P 0 1M 64k",
                    "read -P 0 2M 64k",
                    "read -P 0x66 2112k 960k",
                    "read -P 0 3M 1M",
                    "read -P 0x66 4M 1M",
                    "read -P 0x66 6M 2M",
                    "flush");
        }
    }

    @Test
    void zeroesKeepTheirSpaceUnlessTheyMayNot() throws IOException {
        final Path file = Images.sparse(folder.resolve("v.img"), SIZE);
        try (ServedVolume served = ServedVolume.file(file)) {
            run(served, "write -P 0x66 0 8M", "write -z 0 8M", "flush");
            assertThat(Images.allocatedBytes(file)).isGreaterThanOrEqualTo(8 << 20);
            run(served, "write -z -u 0 8M", "flush");
            assertThat(Images.allocatedBytes(file)).isLessThan(1 << 20);
            run(served, "write -P 0x66 0 8M", "discard 0 8M", "flush");
            assertThat(Images.allocatedBytes(file)).isLessThan(1 << 20);
        }
    }

    @Test
    void largeRequests() throws IOException {
        try (ServedVolume served = ServedVolume.memory(SIZE)) {
            run(served, "write -P 0x77 0 64M", "read -P 0x77 0 64M", "write -z 1k 62M", "read -P 0 1k 62M");
        }
    }

    @Test
    void vectoredRequests() throws IOException {
        try (ServedVolume served = ServedVolume.memory(SIZE)) {
            run(served, "writev -P 0x88 0 4k 512 64k 512", "readv -P 0x88 0 512 4k 64k 512");
        }
    }

    @Test
    void manyAtOnce() throws IOException {
        try (ServedVolume served = ServedVolume.file(Images.sparse(folder.resolve("v.img"), SIZE))) {
            final List<String> commands = new ArrayList<>();
            for (int block = 0; block < 64; block++) {
                commands.add("aio_write -q -P " + (block + 1) + " " + block * 64 + "k 64k");
            }
            commands.add("aio_flush");
            for (int block = 63; block >= 0; block--) {
                commands.add("aio_read -q -P " + (block + 1) + " " + block * 64 + "k 64k");
            }
            commands.add("aio_write -q -z 8M 4M");
            commands.add("aio_flush");
            run(served, commands.toArray(String[]::new));
        }
    }

    @Test
    void readOnlyExportsCanOnlyBeRead() throws IOException {
        try (ServedVolume served = ServedVolume.readOnly(Images.sparse(folder.resolve("v.img"), SIZE))) {
            qemuIo.run("-r", "-f", "raw", "-c", "read -P 0 0 1M", served.uri()).succeeded();
            final Tool.Run refused = qemuIo.run("-f", "raw", "-c", "write 0 512", served.uri());
            assertThat(refused.status()).as("%s", refused).isNotZero();
        }
    }

    /** CVE-2017-15118: a name of 3000 characters, which is legal, is unknown and harms nobody. */
    @Test
    void aVeryLongNameIsUnknown() throws IOException {
        try (ServedVolume served = ServedVolume.memory(SIZE)) {
            final Tool.Run run = qemuIo.run("-f", "raw", "-c", "read 0 512", served.uri("a".repeat(3000)));
            assertThat(run.status()).isNotZero();
            run(served, "read -P 0 0 512");
        }
    }

    private void run(final ServedVolume served, final String... commands) {
        final List<Object> arguments = new ArrayList<>(List.of("-f", "raw", "-t", "none"));
        for (final String command : commands) {
            arguments.add("-c");
            arguments.add(command);
        }
        arguments.add(served.uri());
        final Tool.Run run = qemuIo.run(arguments.toArray()).succeeded();
        assertThat(run.out()).doesNotContain("failed").doesNotContain("rror");
        assertThat(run.err()).doesNotContain("failed").doesNotContain("rror");
    }
}
