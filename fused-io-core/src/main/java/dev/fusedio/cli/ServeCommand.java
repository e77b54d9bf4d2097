package dev.fusedio.cli;

import dev.fusedio.backend.file.FileBackend;
import dev.fusedio.backend.file.FileOptions;
import dev.fusedio.loop.LoopConfig;
import dev.fusedio.loop.LoopGroup;
import dev.fusedio.nbd.server.ExportDirectory;
import dev.fusedio.nbd.server.NbdLimits;
import dev.fusedio.nbd.server.NbdServer;
import dev.fusedio.nbd.server.NbdServerConfig;
import dev.fusedio.nbd.server.SessionListener;
import dev.fusedio.net.ListenAddress;
import dev.fusedio.volume.Volume;
import java.io.Closeable;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** A running {@code serve}: one volume, one server. */
final class ServeCommand implements Closeable {
    private static final Duration GRACE = Duration.ofSeconds(5);

    private final FileArgument file;
    private final LoopGroup loops;
    private final Volume volume;
    private final NbdServer server;
    private final List<String> warnings;

    private ServeCommand(
            final FileArgument file,
            final LoopGroup loops,
            final Volume volume,
            final NbdServer server,
            final List<String> warnings) {
        this.file = file;
        this.loops = loops;
        this.volume = volume;
        this.server = server;
        this.warnings = warnings;
    }

    private static List<String> warnings(final Volume volume, final FileBackend file) {
        final List<String> found = new ArrayList<>();
        if (!file.unlocked().isEmpty()) {
            found.add(file.unlocked());
        }
        if (volume.size() == 0) {
            found.add(file.description() + " has no bytes; there is nothing to read or write");
        }
        return List.copyOf(found);
    }

    /** What the operator should know, a line each. */
    List<String> warnings() {
        return warnings;
    }

    /**
     * Opens the volume and starts to listen.
     *
     * @param errors is told of failures that no client is told of
     * @throws IOException saying what can't be had, and why
     */
    static ServeCommand start(final ServeOptions options, final Consumer<Throwable> errors) throws IOException {
        final LoopGroup loops = LoopGroup.start(LoopConfig.of(options.cores()), errors);
        try {
            final FileBackend backend = FileBackend.open(
                    options.file().path(),
                    FileOptions.of(options.readOnly(), options.direct()).withForceShare(options.forceShare()),
                    loops.blocking());
            final Volume volume = new Volume(options.export(), "", backend, options.readOnly());
            final NbdServer server = NbdServer.start(
                    loops,
                    new NbdServerConfig(options.listen(), NbdLimits.defaults()),
                    ExportDirectory.of(volume),
                    SessionListener.none());
            return new ServeCommand(options.file(), loops, volume, server, warnings(volume, backend));
        } catch (final IOException | RuntimeException e) {
            loops.close();
            throw e;
        }
    }

    /** One line about what little locked memory costs; empty if it costs nothing. */
    Optional<String> shortage() {
        return loops.shortage();
    }

    /** One line for the operator. */
    String banner() {
        return "serving " + file.named(volume.backend().description()) + " (" + volume.size() + " bytes"
                + (volume.readOnly() ? ", read-only" : "") + ") as \"" + volume.name() + "\" at "
                + String.join(
                        ", ",
                        server.addresses().stream().map(ServeCommand::display).toList());
    }

    private static String display(final SocketAddress address) {
        return address instanceof InetSocketAddress inet
                ? new ListenAddress.Tcp(inet.getAddress(), inet.getPort()).toString()
                : "unix:" + address;
    }

    NbdServer server() {
        return server;
    }

    /** Waits until a core loop fails, which without a failure is for ever. */
    void awaitFailure() throws InterruptedException {
        loops.awaitFailure();
    }

    /** Whether the data plane is alive. */
    boolean isRunning() {
        return loops.isRunning();
    }

    /** Answers what is in flight, then lets go of everything; takes at most some seconds. */
    @Override
    public void close() throws IOException {
        server.stop(GRACE);
        volume.close();
        loops.close();
    }
}
