package dev.fusedio.clients;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.backend.memory.MemoryBackend;
import dev.fusedio.loop.LoopConfig;
import dev.fusedio.loop.LoopGroup;
import dev.fusedio.nbd.server.ExportDirectory;
import dev.fusedio.nbd.server.NbdLimits;
import dev.fusedio.nbd.server.NbdServer;
import dev.fusedio.nbd.server.NbdServerConfig;
import dev.fusedio.nbd.server.NegotiationFailure;
import dev.fusedio.nbd.server.SessionListener;
import dev.fusedio.net.ListenAddress;
import dev.fusedio.volume.Volume;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tools that describe every export of a server, which ask for each of them in one handshake. */
class ManyExportsIT {
    private static final int EXPORTS = 1_000;
    private static final Duration LIMIT = Duration.ofSeconds(90);

    private final Queue<Throwable> complaints = new ConcurrentLinkedQueue<>();
    private final Volume[] volumes = new Volume[EXPORTS];

    @TempDir
    Path folder;

    private Path socket;
    private LoopGroup loops;
    private NbdServer server;

    @BeforeEach
    void serve() throws IOException {
        socket = folder.resolve("nbd.sock");
        for (int i = 0; i < EXPORTS; i++) {
            volumes[i] = new Volume("export-" + i, "number " + i, new MemoryBackend(4096), false);
        }
        loops = LoopGroup.start(LoopConfig.ofAllowedCores(), complaints::add);
        server = NbdServer.start(
                loops,
                new NbdServerConfig(List.of(ListenAddress.unix(socket)), NbdLimits.defaults()),
                ExportDirectory.of(volumes),
                SessionListener.none());
    }

    @AfterEach
    void close() throws IOException {
        server.close();
        loops.close();
        for (final Volume volume : volumes) {
            volume.close();
        }
        assertThat(complaints).isEmpty();
    }

    @Test
    @DisplayName("fault 21: nbdinfo --list describes a thousand exports")
    void nbdinfoLists() {
        final String said = Tool.require("nbdinfo", "libnbd-bin")
                .run(Path.of("").toAbsolutePath(), LIMIT, "--list", "--no-content", "nbd+unix:///?socket=" + socket)
                .succeeded()
                .out();
        assertThat(said.lines().filter(line -> line.startsWith("export=")).count())
                .isEqualTo(EXPORTS);
        notLimited();
    }

    @Test
    @DisplayName("fault 21: qemu-nbd -L describes a thousand exports")
    void qemuLists() {
        final String said = Tool.require("qemu-nbd", "qemu-utils")
                .run(Path.of("").toAbsolutePath(), LIMIT, "-L", "-k", socket)
                .succeeded()
                .out();
        assertThat(said).contains("exports available: " + EXPORTS);
        assertThat(said.lines().filter(line -> line.startsWith(" export: ")).count())
                .isEqualTo(EXPORTS);
        notLimited();
    }

    private void notLimited() {
        assertThat(server.snapshot().negotiationFailures())
                .containsEntry(NegotiationFailure.LIMIT, 0L)
                .containsEntry(NegotiationFailure.CROWDED, 0L)
                .containsEntry(NegotiationFailure.TIMEOUT, 0L);
    }
}
