package dev.fusedio.clients;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * The Python scripts beside this class, which speak through libnbd. Each names the volumes and the modes of replies that
 * it is for; each of its functions is a test for every pair of them.
 */
class LibnbdIT {
    private static final long SIZE = 64 << 20;
    private static final long SPARSE_SIZE = 6L << 30;
    private static final Pattern MODES = Pattern.compile("^modes: (.+)$", Pattern.MULTILINE);
    private static final Pattern VOLUMES = Pattern.compile("^volumes: (.+)$", Pattern.MULTILINE);
    private static final Pattern FUNCTION = Pattern.compile("^def (test_\\w+)\\(", Pattern.MULTILINE);

    private final List<ServedVolume> open = new ArrayList<>();

    @TempDir
    Path folder;

    @TestFactory
    Stream<DynamicNode> commands() {
        return script("commands.py");
    }

    @TestFactory
    Stream<DynamicNode> ranges() {
        return script("bytes.py");
    }

    @TestFactory
    Stream<DynamicNode> structuredReplies() {
        return script("structured.py");
    }

    @TestFactory
    Stream<DynamicNode> badInput() {
        return script("bad_input.py");
    }

    @TestFactory
    Stream<DynamicNode> readOnlyExports() {
        return script("read_only.py");
    }

    @TestFactory
    Stream<DynamicNode> directIo() {
        return script("direct.py");
    }

    @TestFactory
    Stream<DynamicNode> options() {
        return script("options.py");
    }

    @AfterEach
    void stopServers() throws IOException {
        for (final ServedVolume served : open) {
            served.close();
        }
    }

    private Stream<DynamicNode> script(final String name) {
        final Tool python = python();
        try {
            final Path script = Path.of(LibnbdIT.class.getResource(name).toURI());
            final String text = Files.readString(script);
            final List<String> functions = FUNCTION.matcher(text)
                    .results()
                    .map(match -> match.group(1))
                    .toList();
            assertThat(functions).as("tests in %s", name).isNotEmpty();
            final List<DynamicNode> nodes = new ArrayList<>();
            for (final String kind : words(VOLUMES, text)) {
                for (final String mode : words(MODES, text)) {
                    nodes.add(DynamicContainer.dynamicContainer(
                            kind + ", " + mode, tests(python, script, functions, kind, mode)));
                }
            }
            return nodes.stream();
        } catch (final IOException | URISyntaxException e) {
            throw new IllegalStateException("can't read " + name, e);
        }
    }

    /** One server for all tests of a kind of volume: what one client does wrong must not show to the next. */
    private Stream<DynamicTest> tests(
            final Tool python, final Path script, final List<String> functions, final String kind, final String mode) {
        final Server server = new Server(kind);
        return functions.stream()
                .map(function -> DynamicTest.dynamicTest(kind + ", " + mode + ": " + function.substring(5), () -> {
                    final ServedVolume served = server.get();
                    python.run("-B", script, function, mode, served.uri(), served.uri(ServedVolume.OTHER))
                            .succeeded();
                }));
    }

    /** The system's own Python, whose packages Debian's libnbd is one of. */
    static Tool python() {
        final Path program = Path.of("/usr/bin/python3");
        if (!Files.isExecutable(program)) {
            return abort(program + " is not installed; it is in Debian's package python3");
        }
        final Tool python = Tool.at(program);
        if (python.run("-c", "import nbd").status() != 0) {
            return abort("libnbd's Python module is not installed; it is in Debian's package python3-libnbd");
        }
        return python;
    }

    private static List<String> words(final Pattern pattern, final String text) {
        final Matcher matcher = pattern.matcher(text);
        assertThat(matcher.find()).as("%s", pattern).isTrue();
        return List.of(matcher.group(1).split(" "));
    }

    /** Starts at its first use, so that a volume that this machine can't have skips its own tests only. */
    private final class Server {
        private final String kind;
        private ServedVolume served;

        private Server(final String kind) {
            this.kind = kind;
        }

        private ServedVolume get() throws IOException {
            if (served == null) {
                served = serve();
                open.add(served);
            }
            return served;
        }

        private ServedVolume serve() throws IOException {
            final Path file = folder.resolve(kind + open.size() + ".img");
            return switch (kind) {
                case "memory" -> ServedVolume.memory(SIZE);
                case "file" -> ServedVolume.file(Images.sparse(file, SIZE));
                case "sparse" -> ServedVolume.file(Images.sparse(file, SPARSE_SIZE));
                case "read-only" -> ServedVolume.readOnly(Images.sparse(file, SIZE));
                case "direct" -> direct(Images.sparse(file, SIZE));
                default -> throw new IllegalArgumentException("no such volume: " + kind);
            };
        }

        private ServedVolume direct(final Path file) throws IOException {
            try {
                return ServedVolume.direct(file);
            } catch (final IOException e) {
                return abort("no direct I/O on the file system of " + file + ": " + e.getMessage());
            }
        }
    }
}
