package dev.fusedio.cli;

import dev.fusedio.nbd.ListenAddress;
import dev.fusedio.nbd.NbdProtocol;
import dev.fusedio.sys.Affinity;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What {@code serve} was asked for.
 *
 * @param path the file or block device
 * @param export its name for clients; the empty name works as well
 * @param listen where to listen
 * @param readOnly whether to refuse writing
 * @param direct whether to go past the page cache
 * @param cores processors to run on
 */
record ServeOptions(
        Path path, String export, List<ListenAddress> listen, boolean readOnly, boolean direct, List<Integer> cores) {

    static final String HELP = """
            Usage: gateway serve PATH [OPTION]...

            Serves one existing raw file or block device by NBD, and nothing else, until it is told to stop
            (SIGTERM, SIGINT). The export answers to its name and to the empty name.

              --export NAME       name of the export (default: the file's name)
              --nbd-port N        TCP port, 0 for any that is free (default: 10809)
              --nbd-bind ADDRESS  address to listen at (default: 127.0.0.1); there is no authentication
              --nbd-socket FILE   listen at a Unix socket; TCP then only with --nbd-port or --nbd-bind
              --read-only         refuse everything that writes
              --direct            go past the page cache (O_DIRECT)
              --cores LIST        processors to use, such as 0,2-3 (default: all that are allowed)

            Exit status: 0 after it was told to stop, 1 when it could not start or failed, 2 for a wrong command line.
            """;

    static ServeOptions parse(final List<String> arguments) throws UsageException {
        final Deque<String> left = new ArrayDeque<>(arguments);
        String path = null;
        String export = null;
        String bind = null;
        Integer port = null;
        Path socket = null;
        boolean readOnly = false;
        boolean direct = false;
        List<Integer> cores = Affinity.allowed();
        while (!left.isEmpty()) {
            final String argument = left.removeFirst();
            final int equals = argument.startsWith("--") ? argument.indexOf('=') : -1;
            final String option = equals < 0 ? argument : argument.substring(0, equals);
            if (equals >= 0) {
                left.addFirst(argument.substring(equals + 1));
            }
            switch (option) {
                case "--export" -> export = exportName(value(option, left));
                case "--nbd-port" -> port = port(value(option, left));
                case "--nbd-bind" -> bind = value(option, left);
                case "--nbd-socket" -> socket = Path.of(value(option, left));
                case "--read-only", "-r" -> readOnly = flag(option, equals);
                case "--direct" -> direct = flag(option, equals);
                case "--cores" -> cores = cores(value(option, left));
                default -> {
                    if (option.startsWith("-")) {
                        throw new UsageException("serve: unknown option " + option);
                    }
                    if (path != null) {
                        throw new UsageException("serve: one PATH only, but there are " + path + " and " + option);
                    }
                    path = option;
                }
            }
        }
        if (path == null) {
            throw new UsageException("serve: the PATH of a file or block device is missing");
        }
        final Path file = Path.of(path);
        return new ServeOptions(
                file,
                export != null ? export : String.valueOf(file.toAbsolutePath().getFileName()),
                listen(bind, port, socket),
                readOnly,
                direct,
                cores);
    }

    private static List<ListenAddress> listen(
            final @Nullable String bind, final @Nullable Integer port, final @Nullable Path socket)
            throws UsageException {
        final List<ListenAddress> listen = new ArrayList<>();
        if (socket == null || port != null || bind != null) {
            final String host = bind == null ? "127.0.0.1" : bind;
            try {
                listen.add(new ListenAddress.Tcp(
                        InetAddress.getByName(host), port == null ? NbdProtocol.DEFAULT_PORT : port));
            } catch (final UnknownHostException e) {
                throw new UsageException("--nbd-bind " + host + ": not an address of this machine");
            }
        }
        if (socket != null) {
            listen.add(ListenAddress.unix(socket));
        }
        return listen;
    }

    private static String value(final String option, final Deque<String> left) throws UsageException {
        final String value = left.pollFirst();
        if (value == null || value.isEmpty()) {
            throw new UsageException(option + ": a value is missing");
        }
        return value;
    }

    private static boolean flag(final String option, final int equals) throws UsageException {
        if (equals >= 0) {
            throw new UsageException(option + " takes no value");
        }
        return true;
    }

    private static String exportName(final String name) throws UsageException {
        if (name.getBytes(StandardCharsets.UTF_8).length > 4096 || name.indexOf('\0') >= 0) {
            throw new UsageException("--export: at most 4096 bytes and no NUL are possible");
        }
        return name;
    }

    private static int port(final String text) throws UsageException {
        final int port = number("--nbd-port", text);
        if (port > 65_535) {
            throw new UsageException("--nbd-port " + text + ": 0 to 65535 are possible");
        }
        return port;
    }

    private static int number(final String option, final String text) throws UsageException {
        if (!text.matches("[0-9]{1,9}")) {
            throw new UsageException(option + " " + text + ": a number is needed");
        }
        return Integer.parseInt(text);
    }

    /** A list as taskset has it: numbers and ranges. Only processors that this process may use. */
    static List<Integer> cores(final String text) throws UsageException {
        final TreeSet<Integer> cores = new TreeSet<>();
        for (final String part : text.split(",", -1)) {
            final String[] ends = part.split("-", -1);
            if (ends.length > 2) {
                throw new UsageException("--cores " + text + ": numbers and ranges such as 0,2-3 are possible");
            }
            final int first = number("--cores", ends[0]);
            final int last = number("--cores", ends[ends.length - 1]);
            if (last < first || last > 8191) {
                throw new UsageException("--cores " + text + ": " + part + " is not a range of processors");
            }
            for (int core = first; core <= last; core++) {
                cores.add(core);
            }
        }
        final List<Integer> allowed = Affinity.allowed();
        if (!allowed.containsAll(cores)) {
            throw new UsageException("--cores " + text + ": this process may use " + allowed + " only");
        }
        return List.copyOf(cores);
    }
}
