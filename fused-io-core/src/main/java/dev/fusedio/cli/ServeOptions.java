package dev.fusedio.cli;

import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.net.ListenAddress;
import dev.fusedio.sys.Affinity;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What {@code serve} was asked for.
 *
 * @param file the file or block device
 * @param export its name for clients; the empty name works as well
 * @param listen where to listen
 * @param readOnly whether to refuse writing
 * @param forceShare whether to read although somebody else writes; only with {@code readOnly}
 * @param direct whether to go past the page cache
 * @param cores processors to run on
 */
record ServeOptions(
        FileArgument file,
        String export,
        List<ListenAddress> listen,
        boolean readOnly,
        boolean forceShare,
        boolean direct,
        List<Integer> cores) {

    static final String HELP = """
            Usage: gateway serve PATH [OPTION]...

            Serves one existing raw file or block device by NBD, and nothing else, until it is told to stop
            (SIGTERM, SIGINT). The export answers to its name and to the empty name.

              --export NAME       name of the export (default: the file's name)
              --nbd-port N        TCP port, 0 for any that is free (default: 10809)
              --nbd-bind ADDRESS  address to listen at (default: 127.0.0.1); there is no authentication
              --nbd-socket FILE   listen at a Unix socket; TCP then only with --nbd-port or --nbd-bind
              --read-only         refuse everything that writes
              --force-share       serve although somebody else writes to PATH; only with --read-only
              --direct            go past the page cache (O_DIRECT)
              --cores LIST        processors to use, such as 0,2-3 (default: all that are allowed)

            Exit status: 0 after it was told to stop, 1 when it could not start or failed, 2 for a wrong command line.
            """;

    static ServeOptions parse(final List<String> arguments) throws IOException, UsageException {
        final CommandWords words = new CommandWords("serve", arguments);
        String path = "";
        String export = null;
        String bind = null;
        Integer port = null;
        Path socket = null;
        boolean readOnly = false;
        boolean forceShare = false;
        boolean direct = false;
        List<Integer> cores = Affinity.allowed();
        while (words.hasNext()) {
            switch (words.next()) {
                case "--export" -> export = exportName(words.value());
                case "--nbd-port" -> port = words.number(0, 65_535);
                case "--nbd-bind" -> bind = words.value();
                case "--nbd-socket" -> socket = FileArgument.toCreate("--nbd-socket", words.value());
                case "--read-only", "-r" -> readOnly = words.flag();
                case "--force-share" -> forceShare = words.flag();
                case "--direct" -> direct = words.flag();
                case "--cores" -> cores = words.cores();
                default -> path = words.operand(path, "PATH");
            }
        }
        if (path.isEmpty()) {
            throw new UsageException("serve: the PATH of a file or block device is missing");
        }
        if (forceShare && !readOnly) {
            throw new UsageException(
                    "--force-share: only with --read-only; two writers would destroy each other's data");
        }
        final FileArgument file = FileArgument.of(path);
        return new ServeOptions(
                file,
                export != null ? export : fileName(path, file),
                listen(bind, port, socket),
                readOnly,
                forceShare,
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

    /** The specification's strings are UTF-8; a file's name is any bytes. */
    private static String fileName(final String word, final FileArgument file) throws UsageException {
        final String trimmed = word.replaceFirst("/+$", "");
        final String name = trimmed.substring(trimmed.lastIndexOf('/') + 1);
        if (!ArgumentBytes.isText(name)) {
            throw new UsageException("serve: the file's name, " + file.shown()
                    + ", is not valid UTF-8 as an export's name has to be; choose one with --export");
        }
        return name;
    }

    private static String exportName(final String name) throws UsageException {
        if (!ArgumentBytes.isText(name)) {
            throw new UsageException("--export " + ArgumentBytes.shown(name) + ": an export's name is valid UTF-8");
        }
        if (name.getBytes(StandardCharsets.UTF_8).length > 4096 || name.indexOf('\0') >= 0) {
            throw new UsageException("--export: at most 4096 bytes and no NUL are possible");
        }
        return name;
    }
}
