package dev.fusedio.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.fusedio.sys.KernelInfo;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Loops in processes that may lock little memory, and have not CAP_IPC_LOCK. */
class LockedMemoryIT {
    private static final Path SETPRIV = Path.of("/usr/bin/setpriv");

    @BeforeAll
    static void skipWhereTheLimitIsNotOurs() {
        final boolean root = "root".equals(System.getProperty("user.name"));
        assumeTrue(!root || Files.isExecutable(SETPRIV), "skipped: no setpriv to give CAP_IPC_LOCK up");
        final long limit = KernelInfo.read().lockedMemoryBytes();
        assumeTrue(limit < 0 || limit >= 8 << 20, "skipped: less than 8 MiB may be locked here");
    }

    private static List<String> run(final int kibibytes, final int loops) throws IOException, InterruptedException {
        final String drop =
                "root".equals(System.getProperty("user.name")) ? SETPRIV + " --bounding-set=-ipc_lock " : "";
        final Process process = new ProcessBuilder(
                        "sh",
                        "-c",
                        "ulimit -S -l " + kibibytes + "; ulimit -H -l " + kibibytes + "; exec " + drop + "\"$@\"",
                        "sh",
                        System.getProperty("java.home") + "/bin/java",
                        "--enable-native-access=ALL-UNNAMED",
                        "-Xmx64m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        LockedMemoryTrial.class.getName(),
                        Integer.toString(loops))
                .redirectErrorStream(true)
                .start();
        final String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        assumeTrue(!output.contains("io_uring_setup was refused (EPERM)"), output);
        return output.lines().toList();
    }

    private static boolean ringsCount() {
        return LockedMemory.countsRings(KernelInfo.read().release());
    }

    private static String started(final int loops, final int entries) {
        return "loops=" + loops + " entries=" + (ringsCount() ? entries : 1024) + " run=true registered=false";
    }

    @Test
    @DisplayName("fault 23: 64 loops start within 8 MiB")
    void manyLoops() throws Exception {
        final List<String> lines = run(8192, 64);
        assertThat(lines.getFirst()).isEqualTo(started(64, 256));
        assertThat(lines.getLast()).contains("request memory is not registered", "ulimit -l");
        assertThat(lines).as("one line says it").hasSize(2);
    }

    @Test
    @DisplayName("fault 23: two loops start with 64 KiB, and say what is reduced in one line")
    void twoLoops() throws Exception {
        final List<String> lines = run(64, 2);
        assertThat(lines.getFirst()).isEqualTo(started(2, 64));
        assertThat(lines.getLast()).startsWith("little memory may be locked: ");
        assertThat(lines).hasSize(2);
    }

    @Test
    @DisplayName("fault 23: where not even small rings fit for all loops, fewer loops serve")
    void fewerLoops() throws Exception {
        final List<String> lines = run(64, 8);
        assertThat(lines.getFirst()).isEqualTo(started(ringsCount() ? 3 : 8, 64));
        assertThat(lines).hasSize(2);
    }
}
