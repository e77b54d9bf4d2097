package dev.fusedio.clients;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** libnbd's nbdinfo. */
class NbdInfoIT {
    private static final long SIZE = 16 << 20;

    /** nbdinfo's exit status for a plain no. */
    private static final int NO = 2;

    private final Tool nbdinfo = Tool.require("nbdinfo", "libnbd-bin");

    @TempDir
    Path folder;

    @Test
    void describesTheExport() throws IOException {
        try (ServedVolume served = ServedVolume.file(Images.sparse(folder.resolve("v.img"), SIZE))) {
            assertThat(nbdinfo.run("--json", served.uri()).succeeded().out())
                    .contains("\"protocol\": \"newstyle-fixed\"")
                    .contains("\"structured\": true")
                    .contains("\"export-name\": \"" + ServedVolume.NAME + "\"")
                    .contains("\"description\": \"" + ServedVolume.DESCRIPTION + "\"")
                    .contains("\"base:allocation\"")
                    .contains("\"is_read_only\": false")
                    .contains("\"can_multi_conn\": true")
                    .contains("\"can_fua\": true")
                    .contains("\"can_flush\": true")
                    .contains("\"can_trim\": true")
                    .contains("\"can_zero\": true")
                    .contains("\"can_cache\": true")
                    .contains("\"can_df\": true")
                    .contains("\"block_size_minimum\": 1,")
                    .contains("\"block_size_maximum\": 33554432,")
                    .contains("\"export-size\": " + SIZE + ",");
        }
    }

    @Test
    void theEmptyNameIsTheFirstExport() throws IOException {
        try (ServedVolume served = ServedVolume.memory(SIZE)) {
            assertThat(nbdinfo.run("--size", served.uri("")).succeeded().out()).isEqualTo(SIZE + "\n");
        }
    }

    @Test
    void unixSocketsServeTheSame() throws IOException {
        try (ServedVolume served = ServedVolume.memory(SIZE)) {
            assertThat(nbdinfo.run("--size", served.socketUri()).succeeded().out())
                    .isEqualTo(SIZE + "\n");
        }
    }

    @Test
    void listsAllExports() throws IOException {
        try (ServedVolume served = ServedVolume.memory(SIZE)) {
            assertThat(nbdinfo.run("--list", served.uri("")).succeeded().out())
                    .contains("export=\"" + ServedVolume.NAME + "\":")
                    .contains("description: " + ServedVolume.DESCRIPTION)
                    .contains("export-size: " + SIZE)
                    .contains("export=\"" + ServedVolume.OTHER + "\":")
                    .contains("export-size: " + ServedVolume.OTHER_SIZE);
        }
    }

    @Test
    void anUnknownExportIsSaidToBeUnknown() throws IOException {
        try (ServedVolume served = ServedVolume.memory(SIZE)) {
            final Tool.Run run = nbdinfo.run(served.uri("nothing"));
            assertThat(run.status()).isEqualTo(1);
            assertThat(run.err()).contains("nothing");
            nbdinfo.run(served.uri()).succeeded();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cache", "connect", "df", "flush", "fua", "multi-conn", "read", "trim", "write", "zero"})
    void canDo(final String feature) throws IOException {
        try (ServedVolume served = ServedVolume.file(Images.sparse(folder.resolve("v.img"), SIZE))) {
            nbdinfo.run("--can", feature, served.uri()).succeeded();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"write", "trim", "zero", "fast-zero"})
    void canNotDoToAReadOnlyExport(final String feature) throws IOException {
        try (ServedVolume served = ServedVolume.readOnly(Images.sparse(folder.resolve("v.img"), SIZE))) {
            nbdinfo.run("--can", feature, served.uri()).failedWith(NO);
            nbdinfo.run("--is", "read-only", served.uri()).succeeded();
        }
    }

    @Test
    void isNeitherReadOnlyNorRotationalNorEncrypted() throws IOException {
        try (ServedVolume served = ServedVolume.memory(SIZE)) {
            nbdinfo.run("--is", "read-only", served.uri()).failedWith(NO);
            nbdinfo.run("--is", "rotational", served.uri()).failedWith(NO);
            nbdinfo.run("--is", "tls", served.uri()).failedWith(NO);
        }
    }

    @Test
    void mapsHolesAndData() throws IOException {
        final long seed = 20261122;
        try (ServedVolume served = ServedVolume.file(Images.patchy(folder.resolve("v.img"), 9 << 20, seed))) {
            final String mebibyte = " +1048576 +0 +data\\n";
            final String hole = " +2097152 +3 +hole,zero\\n";
            assertThat(nbdinfo.run("--map", served.uri()).succeeded().out())
                    .matches(" +0" + mebibyte + " +1048576" + hole + " +3145728" + mebibyte + " +4194304" + hole
                            + " +6291456" + mebibyte + " +7340032" + hole);
            assertThat(nbdinfo.run("--map", "--totals", served.uri())
                            .succeeded()
                            .out())
                    .containsPattern(" 3145728 +33.3% +0 data")
                    .containsPattern(" 6291456 +66.7% +3 hole,zero");
        }
    }
}
