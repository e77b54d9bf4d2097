package dev.fusedio.gateway;

import com.github.dockerjava.api.command.InspectImageResponse;
import com.github.dockerjava.api.exception.NotFoundException;
import com.github.dockerjava.api.model.Bind;
import com.github.dockerjava.api.model.Capability;
import com.github.dockerjava.api.model.HostConfig;
import com.github.dockerjava.api.model.Volume;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.Container.ExecResult;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.wait.strategy.Wait;
import org.testcontainers.utility.DockerImageName;
import tools.jackson.databind.JsonNode;

/**
 * A container of the gateway's own image, run as the documents say: nothing writable but its volume and /tmp, no capabilities, no
 * new privileges, a seccomp profile. It has the host's network, where every engine lets the tests in, and free ports there.
 */
final class ImageContainer implements AutoCloseable {
    static final String IMAGE = "fused-gateway";
    static final String CLIENT_IMAGE = "fused-gateway-client";
    private static final Logger LOG = LoggerFactory.getLogger(ImageContainer.class);
    private static final String DATA = "/var/lib/fused-gateway";
    private static final Path MAKE_IMAGES = Path.of("../lab/container/images.sh");
    private static final int SOMETHING_IS_MISSING = 3;

    private final GenericContainer<?> container;
    private final int nbd = FreePort.find();
    private final int rest = FreePort.find();

    private ImageContainer(final String volume, final JsonNode seccomp, final Map<String, String> more)
            throws IOException {
        container = new GenericContainer<>(DockerImageName.parse(IMAGE))
                .withNetworkMode("host")
                .withEnv(Map.of(
                        "SERVER_PORT", Integer.toString(rest),
                        "MANAGEMENT_SERVER_PORT", Integer.toString(FreePort.find()),
                        "GATEWAY_NBD_PORT", Integer.toString(nbd),
                        "GATEWAY_ENGINE_MEMORY", "4MiB",
                        "GATEWAY_JAVA_OPTS", "-Xlog:aot"))
                .withEnv(more)
                .withCreateContainerCmdModifier(command -> {
                    final HostConfig host = Objects.requireNonNull(command.getHostConfig());
                    host.withReadonlyRootfs(true)
                            .withCapDrop(Capability.ALL)
                            .withTmpFs(Map.of("/tmp", "rw,noexec,nosuid,size=64m"))
                            .withBinds(new Bind(volume, new Volume(DATA)))
                            .withSecurityOpts(List.of("no-new-privileges", "seccomp=" + seccomp));
                });
    }

    /** Builds the images named, of this source tree; skips the test where no engine can be had, or what they are built on. */
    static void assumeAvailable(final String... images) throws IOException, InterruptedException {
        Assumptions.assumeTrue(DockerClientFactory.instance().isDockerAvailable(), "no Docker engine answers");
        final List<String> command = new ArrayList<>(List.of(MAKE_IMAGES.toString()));
        command.addAll(List.of(images));
        final Process making =
                new ProcessBuilder(command).redirectErrorStream(true).start();
        making.getOutputStream().close();
        final String said = new String(making.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        Assumptions.assumeTrue(making.waitFor() != SOMETHING_IS_MISSING, said);
        if (making.exitValue() != 0) {
            throw new AssertionError("the images could not be built: " + said);
        }
    }

    /** Starts one and waits until the engine calls it healthy. */
    static ImageContainer start(final String volume) throws IOException {
        return start(volume, Map.of());
    }

    /** The same with more variables of the environment. */
    static ImageContainer start(final String volume, final Map<String, String> more) throws IOException {
        final ImageContainer gateway = new ImageContainer(volume, SeccompProfile.shipped(), more);
        gateway.container.waitingFor(Wait.forHealthcheck().withStartupTimeout(Duration.ofMinutes(2)));
        gateway.container.start();
        return gateway;
    }

    /** Starts one that is not expected to get ready. */
    static ImageContainer launch(final String volume, final JsonNode seccomp) throws IOException {
        final ImageContainer gateway = new ImageContainer(volume, seccomp, Map.of());
        gateway.container.waitingFor(Wait.forLogMessage(".*", 1)).start();
        return gateway;
    }

    static InspectImageResponse image() {
        return DockerClientFactory.lazyClient().inspectImageCmd(IMAGE).exec();
    }

    /** Removes a volume, if a container has made it. */
    static void removeVolume(final String volume) {
        try {
            DockerClientFactory.lazyClient().removeVolumeCmd(volume).exec();
        } catch (final NotFoundException e) {
            LOG.debug("no container has used {}", volume, e);
        }
    }

    /** The address of an export, as a client on the same network names it. */
    String nbd(final String export) {
        return "nbd://127.0.0.1:" + nbd + "/" + export;
    }

    String log() {
        return container.getLogs();
    }

    /** Runs a command line in the container's only shell, bash. */
    ExecResult shell(final String line) throws IOException, InterruptedException {
        return container.execInContainer("bash", "-c", line);
    }

    /**
     * Runs what {@code helm test} runs, against this very container and with its first token.
     *
     * @param certificate of REST, PEM; empty if that speaks no TLS
     */
    ExecResult chartCheck(final String certificate) throws IOException, InterruptedException {
        return shell("export GATEWAY_CERTIFICATE='" + certificate + "'\nGATEWAY_HOST=127.0.0.1 GATEWAY_REST_PORT="
                + rest + " GATEWAY_NBD_PORT=" + nbd
                + " GATEWAY_TOKEN=$(<" + DATA + "/pool/.security/admin.token)\n"
                + Files.readString(Path.of("../helm/fused-gateway/files/check.sh")));
    }

    /** What {@code docker stop} does; gives the exit status, 137 if it had to be killed. */
    long stop() throws InterruptedException {
        DockerClientFactory.lazyClient()
                .stopContainerCmd(container.getContainerId())
                .withTimeout(60)
                .exec();
        return awaitExit();
    }

    long awaitExit() throws InterruptedException {
        final long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(90);
        while (container.isRunning()) {
            if (System.nanoTime() > end) {
                throw new AssertionError("the container still runs");
            }
            Thread.sleep(100);
        }
        return Objects.requireNonNull(
                container.getCurrentContainerInfo().getState().getExitCodeLong());
    }

    @Override
    public void close() {
        container.close();
    }
}
