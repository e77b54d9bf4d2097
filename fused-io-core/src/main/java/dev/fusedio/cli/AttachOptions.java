package dev.fusedio.cli;

import dev.fusedio.backend.remote.RemoteOptions;
import dev.fusedio.nbd.client.NbdUri;
import dev.fusedio.sys.Affinity;
import dev.fusedio.ublk.Mechanism;
import dev.fusedio.ublk.UblkOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What {@code attach} was asked for.
 *
 * @param source what is attached, as one spelling that is the same at every start: a device that was left behind is
 *     found by it
 * @param uri the export, or null for a file or block device
 * @param path the file or block device; unused for an export
 * @param direct whether to go past the page cache
 * @param keep whether to leave the device for the next start when told to stop
 * @param device how the device is made
 * @param remote how the export is used
 * @param cores processors to run on
 */
record AttachOptions(
        String source,
        @Nullable NbdUri uri,
        Path path,
        boolean direct,
        boolean keep,
        UblkOptions device,
        RemoteOptions remote,
        List<Integer> cores) {

    private static final int MAX_CONNECTIONS = 64;
    private static final int MAX_TIMEOUT_SECONDS = 86_400;

    static final String HELP = """
            Usage: gateway attach SOURCE [OPTION]...

            Makes SOURCE a local block device, prints its name (/dev/ublkbN), and serves it until it is told to stop
            (SIGTERM, SIGINT); then the device is removed. SOURCE is a raw file, a block device, or an NBD export:
            nbd://HOST[:PORT]/EXPORT or nbd+unix:///EXPORT?socket=FILE. Needs root and the kernel's ublk driver.

            A device whose server was killed stays, and its requests wait: the same command takes it over.

              --connections N     connections to the NBD server (default: one for each processor used); one only is made
                                  to a server that doesn't allow several (CAN_MULTI_CONN)
              --timeout SECONDS   how long a server may be silent before its connection is given up, and how long
                                  requests wait for a new one before they fail with EIO (default: 30)
              --replay            send writes again although the server was not seen to end the connection that had
                                  them; it could execute the old one after newer ones. Without, they fail with EIO
              --queues N          hardware queues (default: one for each processor used)
              --depth N           requests of a queue at once (default: 128)
              --device N          number of the device (default: the first that is free)
              --read-only         a device that can't be written to
              --mechanism NAME    auto, auto-registration, registration or user-copy (default: auto, the best that works)
              --keep              when told to stop, leave the device to the next start: requests wait meanwhile
              --direct            go past the page cache of a file (O_DIRECT)
              --cores LIST        processors to use, such as 0,2-3 (default: all that are allowed)

            gateway devices       lists the ublk devices of this machine
            gateway detach N      removes a device that no process serves any more

            Exit status: 0 after it was told to stop, 1 when it could not start or failed, 2 for a wrong command line.
            """;

    static AttachOptions parse(final List<String> arguments) throws IOException, UsageException {
        final CommandWords words = new CommandWords("attach", arguments);
        String source = "";
        boolean direct = false;
        boolean keep = false;
        int connections = 0;
        int queues = 0;
        int depth = UblkOptions.defaults().depth();
        UblkOptions device = UblkOptions.defaults();
        RemoteOptions remote = RemoteOptions.defaults();
        List<Integer> cores = Affinity.allowed();
        while (words.hasNext()) {
            switch (words.next()) {
                case "--connections" -> connections = words.number(1, MAX_CONNECTIONS);
                case "--timeout" ->
                    remote = remote.withTimeout(Duration.ofSeconds(words.number(1, MAX_TIMEOUT_SECONDS)));
                case "--queues" -> queues = words.number(1, 4096);
                case "--depth" -> depth = words.number(1, 4096);
                case "--device" -> device = device.withId(words.number(0, (1 << 20) - 1));
                case "--read-only", "-r" -> {
                    device = device.withReadOnly(words.flag());
                    remote = remote.withReadOnly(true);
                }
                case "--mechanism" -> device = mechanism(device, words.value());
                case "--replay" -> remote = remote.withReplayUnfenced(words.flag());
                case "--keep" -> keep = words.flag();
                case "--direct" -> direct = words.flag();
                case "--cores" -> cores = words.cores();
                default -> source = words.operand(source, "SOURCE");
            }
        }
        if (source.isEmpty()) {
            throw new UsageException("attach: the SOURCE is missing: a file, a block device or an NBD URI");
        }
        remote = remote.withConnections(connections > 0 ? connections : Math.min(cores.size(), MAX_CONNECTIONS));
        final UblkOptions wanted = device.withQueues(queues, depth);
        if (!source.contains("://")) {
            final FileArgument file = FileArgument.of(source);
            final Path path = file.isNamed() ? real(file.path()) : file.path();
            return new AttachOptions(
                    file.isNamed() ? path.toString() : Path.of("").toAbsolutePath() + "/" + file.shown(),
                    null,
                    path,
                    direct,
                    keep,
                    wanted,
                    remote,
                    cores);
        }
        try {
            final NbdUri uri = NbdUri.parse(source);
            return new AttachOptions(uri.toString(), uri, Path.of(""), direct, keep, wanted, remote, cores);
        } catch (final IllegalArgumentException e) {
            throw new UsageException("attach: " + e.getMessage());
        }
    }

    /** One name for one file, whatever links led to it. */
    private static Path real(final Path path) {
        try {
            return path.toRealPath();
        } catch (final IOException e) {
            return path.toAbsolutePath().normalize(); // to be told of when it is opened
        }
    }

    private static UblkOptions mechanism(final UblkOptions device, final String name) throws UsageException {
        if (name.equals("auto")) {
            return device;
        }
        for (final Mechanism mechanism : Mechanism.values()) {
            if (mechanism.name().toLowerCase(Locale.ROOT).replace('_', '-').equals(name)) {
                return device.withMechanism(mechanism);
            }
        }
        throw new UsageException(
                "--mechanism " + name + ": auto, auto-registration, registration and user-copy are possible");
    }
}
