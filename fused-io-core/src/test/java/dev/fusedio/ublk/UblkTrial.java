package dev.fusedio.ublk;

import com.sun.management.ThreadMXBean;
import dev.fusedio.backend.file.FileBackend;
import dev.fusedio.backend.file.FileOptions;
import dev.fusedio.backend.memory.MemoryBackend;
import dev.fusedio.loop.LoopConfig;
import dev.fusedio.loop.LoopGroup;
import dev.fusedio.sys.Affinity;
import dev.fusedio.volume.Backend;
import dev.fusedio.volume.Volume;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Serves a volume as a ublk device inside a guest, for the scripts of {@link UblkGuestIT}. What it is told on standard
 * input it answers with one line each on standard output.
 *
 * <pre>
 * attach SOURCE [OPTION=VALUE]...         SOURCE: a path, direct:PATH, memory:BYTES
 * recover ID SOURCE [OPTION=VALUE]...
 * list | remove ID
 * </pre>
 */
final class UblkTrial {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private UblkTrial() {}

    public static void main(final String[] arguments) throws IOException {
        try {
            run(Arrays.asList(arguments));
        } catch (final IOException e) {
            System.out.println("error " + e.getMessage());
            System.exit(1);
        }
    }

    private static void run(final List<String> arguments) throws IOException {
        switch (arguments.getFirst()) {
            case "list" -> {
                try (UblkControl control = UblkControl.open()) {
                    control.list().forEach(System.out::println);
                }
            }
            case "remove" -> {
                try (UblkControl control = UblkControl.open()) {
                    control.remove(Integer.parseInt(arguments.get(1)));
                }
            }
            case "attach" -> serve(-1, arguments.get(1), arguments.subList(2, arguments.size()));
            case "recover" ->
                serve(Integer.parseInt(arguments.get(1)), arguments.get(2), arguments.subList(3, arguments.size()));
            default -> throw new IllegalArgumentException(arguments.toString());
        }
    }

    private static UblkOptions options(final List<String> given) {
        UblkOptions options = UblkOptions.defaults();
        for (final String option : given) {
            final String value = option.substring(option.indexOf('=') + 1);
            options = switch (option.substring(0, option.indexOf('='))) {
                case "mechanism" -> options.withMechanism(Mechanism.valueOf(value.toUpperCase(Locale.ROOT)));
                case "queues" -> options.withQueues(Integer.parseInt(value), options.depth());
                case "depth" -> options.withQueues(options.queues(), Integer.parseInt(value));
                case "max" -> options.withMaxIoBytes(Integer.parseInt(value));
                case "id" -> options.withId(Integer.parseInt(value));
                case "copybelow" -> options.withCopyBelow(Integer.parseInt(value));
                case "readonly" -> options.withReadOnly(Boolean.parseBoolean(value));
                default -> throw new IllegalArgumentException(option);
            };
        }
        return options;
    }

    private static void serve(final int recovered, final String source, final List<String> given) throws IOException {
        final LoopGroup loops = LoopGroup.start(LoopConfig.of(Affinity.allowed()), e -> {
            System.out.println("defect " + e);
            e.printStackTrace();
        });
        final Backend backend = open(source, loops);
        final Volume volume = new Volume("trial", "", backend, false);
        final UblkDevice device = recovered < 0
                ? UblkDevice.attach(loops, volume, options(given))
                : UblkDevice.recover(loops, recovered, volume, options(given));
        System.out.println(
                "ready " + device.path() + " " + device.mechanism() + " " + device.queues() + " why: " + device.why());
        final BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            try {
                System.out.println(obey(line.split(" "), device, volume, loops));
            } catch (final IOException e) {
                System.out.println("error " + e.getMessage());
            }
            if (!device.snapshot().served()) {
                break;
            }
        }
        device.close(); // unless it is by now, so that a closed standard input leaves no orphan
        volume.close();
        loops.close();
    }

    private static String obey(
            final String[] words, final UblkDevice device, final Volume volume, final LoopGroup loops)
            throws IOException {
        switch (words[0]) {
            case "snapshot" -> {
                return device.snapshot().toString();
            }
            case "grow" -> {
                volume.backend().grow(Long.parseLong(words[1]));
                return "resized " + device.resize();
            }
            case "inuse" -> {
                return "inuse " + device.isInUse();
            }
            case "allocated" -> {
                return "allocated " + allocatedByLoops() + " "
                        + loops.loops().stream()
                                .mapToLong(loop -> loop.snapshot().enters())
                                .sum();
            }
            case "detach" -> device.detachForUpgrade();
            case "close" -> device.close();
            case "closeunused" -> device.closeUnlessInUse();
            default -> throw new IllegalArgumentException(words[0]);
        }
        return words[0] + " done";
    }

    /** Bytes of heap that the loops' threads have allocated. */
    private static long allocatedByLoops() {
        final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("core-"))
                .mapToLong(thread -> threads.getThreadAllocatedBytes(thread.threadId()))
                .sum();
    }

    private static Backend open(final String source, final LoopGroup loops) throws IOException {
        if (source.startsWith("memory:")) {
            return new MemoryBackend(Long.parseLong(source.substring("memory:".length())));
        }
        final boolean direct = source.startsWith("direct:");
        return FileBackend.open(
                Path.of(direct ? source.substring("direct:".length()) : source),
                FileOptions.of(false, direct)
                        .withPatience(PATIENCE), // a killed server's last operations hold its locks
                loops.blocking());
    }
}
