package dev.fusedio.ublk;

import dev.fusedio.backend.file.FileBackend;
import dev.fusedio.fused.RingFile;
import dev.fusedio.fused.RingSocket;
import dev.fusedio.fused.SocketMechanism;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.loop.LoopConfig;
import dev.fusedio.loop.LoopGroup;
import dev.fusedio.sys.Affinity;
import dev.fusedio.sys.Libc;
import dev.fusedio.sys.Memory;
import dev.fusedio.sys.SystemCallException;
import dev.fusedio.volume.Volume;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

/**
 * Serves a file as a ublk device inside a guest and breaks the contract of its buffers, for {@link UblkContractGuestIT}:
 * {@code MECHANISM FILE SCRATCH}. A line on standard input makes it try what is left when no request is there; its end
 * closes the device.
 */
final class ContractTrial {
    private static final int O_RDWR = 2;
    private static final int AF_UNIX = 1;
    private static final int SOCK_STREAM = 1;

    private ContractTrial() {}

    public static void main(final String[] arguments) throws IOException {
        final Mechanism mechanism = Mechanism.valueOf(arguments[0].toUpperCase(Locale.ROOT));
        final LoopGroup loops =
                LoopGroup.start(LoopConfig.of(List.of(Affinity.allowed().getFirst())), e -> {
                    System.out.println("defect " + e);
                    e.printStackTrace();
                });
        final CoreLoop loop = loops.loops().getFirst();
        final int scratch = (int) SystemCallException.check(
                Libc.transientInstance().files().open(arguments[2], O_RDWR, 0), "open " + arguments[2]);
        final RingSocket socket = new RingSocket(new RingFile(connection(), 0), SocketMechanism.probe());
        final CompletableFuture<ContractProbes> made = new CompletableFuture<>();
        loop.execute(() -> made.complete(new ContractProbes(loop, scratch, socket)));
        final ContractProbes probes = made.join();
        final Volume volume = new Volume(
                "contract",
                "",
                new ContractBackend(FileBackend.open(Path.of(arguments[1]), false, false, loops.blocking()), probes),
                false);
        final UblkDevice device = UblkDevice.attach(
                loops, volume, UblkOptions.defaults().withQueues(1, 1).withMechanism(mechanism));
        final int characterDevice =
                descriptorOf(Path.of("/dev/ublkc" + device.snapshot().id()));
        await(loop, done -> {
            probes.setCharacterDevice(characterDevice);
            done.run();
        });
        System.out.println("ready " + device.path() + " " + device.mechanism() + " " + socket.mechanism());
        final BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        while (input.readLine() != null) {
            await(loop, probes::afterCompletion);
            System.out.println("done " + device.snapshot());
        }
        device.close();
        volume.close();
        loops.close();
    }

    /** Something for a loop's thread, which runs what it is given when it has ended. */
    @FunctionalInterface
    private interface Task {
        void run(Runnable done);
    }

    private static void await(final CoreLoop loop, final Task task) {
        final CompletableFuture<Void> ended = new CompletableFuture<>();
        loop.execute(() -> task.run(() -> ended.complete(null)));
        ended.join();
    }

    /** One end of a connection; the other has sent a byte. */
    private static int connection() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            final Libc libc = new Libc(arena);
            final long pair = arena.allocate(8, 8).address();
            SystemCallException.check(libc.sockets().socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "socketpair");
            SystemCallException.check(libc.files().write(Memory.getInt(pair + 4), pair, 1), "write to a socket");
            return Memory.getInt(pair);
        }
    }

    /** This process's descriptor of a file, which only one may have open. */
    private static int descriptorOf(final Path file) throws IOException {
        try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
            for (final Path path : all.toList()) {
                if (Files.isSymbolicLink(path) && Files.readSymbolicLink(path).equals(file)) {
                    return Integer.parseInt(path.getFileName().toString());
                }
            }
        }
        throw new IOException(file + " is not open");
    }
}
