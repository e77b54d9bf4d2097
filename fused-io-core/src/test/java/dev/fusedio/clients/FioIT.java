package dev.fusedio.clients;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** fio's NBD engine: several connections that check the sums of what they wrote. */
class FioIT {
    private static final int JOBS = 4;
    private static final long SIZE = 64 << 20;
    private static final Duration LIMIT = Duration.ofSeconds(90);

    private final Tool fio = Tool.require("fio", "fio");

    @TempDir
    Path folder;

    @BeforeEach
    void requireEngine() {
        final Tool.Run engines = fio.run("--enghelp");
        assumeTrue(engines.out().contains("nbd"), "this fio was built without its NBD engine");
    }

    @Test
    void randomMix() throws IOException {
        try (ServedVolume served = ServedVolume.file(Images.sparse(folder.resolve("v.img"), SIZE))) {
            fio(served.uri(), "--rw=randrw", "--bsrange=4k-64k", "--iodepth=32");
        }
    }

    @Test
    void randomMixInMemoryOverAUnixSocket() throws IOException {
        try (ServedVolume served = ServedVolume.memory(SIZE)) {
            fio(served.socketUri(), "--rw=randrw", "--bs=4k", "--iodepth=16");
        }
    }

    @Test
    void sequentialWritesReadBack() throws IOException {
        try (ServedVolume served = ServedVolume.file(Images.sparse(folder.resolve("v.img"), SIZE))) {
            fio(served.uri(), "--rw=write", "--bs=256k", "--iodepth=8");
        }
    }

    @Test
    void writesOfOddSizes() throws IOException {
        try (ServedVolume served = ServedVolume.file(Images.sparse(folder.resolve("v.img"), SIZE))) {
            fio(served.uri(), "--rw=randwrite", "--bsrange=512-128k", "--bs_unaligned", "--iodepth=16");
        }
    }

    /** One at a time: nothing orders a trim and the write of the same block that follows it before its reply. */
    @Test
    void trimsAmongWrites() throws IOException {
        try (ServedVolume served = ServedVolume.file(Images.sparse(folder.resolve("v.img"), SIZE))) {
            fio(served.uri(), "--rw=trimwrite", "--bs=64k", "--iodepth=1");
        }
    }

    private void fio(final String uri, final String... options) {
        final long share = SIZE / JOBS;
        final List<Object> arguments = new ArrayList<>(List.of(
                "--name=verify",
                "--ioengine=nbd",
                "--uri=" + uri,
                "--thread",
                "--numjobs=" + JOBS,
                "--size=" + share,
                "--offset_increment=" + share,
                "--verify=crc32c",
                "--verify_fatal=1",
                "--verify_state_save=0",
                "--do_verify=1",
                "--randseed=20261122",
                "--group_reporting"));
        arguments.addAll(List.of(options));
        final Tool.Run run = fio.run(folder, LIMIT, arguments.toArray()).succeeded();
        assertThat(run.out()).contains("err= 0");
        assertThat(run.err()).doesNotContain("verify:");
    }
}
