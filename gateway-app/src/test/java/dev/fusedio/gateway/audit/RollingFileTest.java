package dev.fusedio.gateway.audit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RollingFileTest {
    @TempDir
    private Path folder;

    @Test
    void keepsSoManyFilesAndSplitsNoLine() throws IOException {
        final Path path = folder.resolve("secret/log");
        try (RollingFile file = RollingFile.open(path, 100, 3)) {
            for (int i = 0; i < 50; i++) {
                file.append("line %02d of the log".formatted(i).getBytes(StandardCharsets.UTF_8));
            }
        }
        final List<String> kept = new ArrayList<>();
        for (final String name : List.of("log.2", "log.1", "log")) {
            assertThat(Files.size(path.resolveSibling(name))).isLessThanOrEqualTo(100);
            kept.addAll(Files.readAllLines(path.resolveSibling(name)));
        }
        try (Stream<Path> all = Files.list(path.getParent())) {
            assertThat(all).hasSize(3);
        }
        assertThat(kept).hasSizeBetween(11, 15).endsWith("line 49 of the log").isSorted();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
                .isEqualTo("rw-------");
    }

    @Test
    void goesOnWhereItWasLeft() throws IOException {
        final Path path = folder.resolve("log");
        for (final String line : List.of("one", "two")) {
            try (RollingFile file = RollingFile.open(path, 100, 1)) {
                file.append(line.getBytes(StandardCharsets.UTF_8));
            }
        }
        assertThat(path).hasContent("one\ntwo\n");
    }
}
