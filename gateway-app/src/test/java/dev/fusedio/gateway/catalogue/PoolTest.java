package dev.fusedio.gateway.catalogue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.fusedio.gateway.catalogue.Pool.Damaged;
import dev.fusedio.gateway.catalogue.Pool.Found;
import dev.fusedio.gateway.catalogue.Pool.Sound;
import dev.fusedio.gateway.config.StartRefusedException;
import dev.fusedio.gateway.engine.BackendType;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PoolTest {
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");
    private static final VolumeName ONE = new VolumeName("one");
    private static final VolumeName TWO = new VolumeName("two");

    @TempDir
    private Path directory;

    private Pool pool;

    @BeforeEach
    void open() {
        pool = Pool.open(directory);
    }

    @AfterEach
    void close() throws IOException {
        pool.close();
    }

    @Test
    void makesAVolumeThatTakesNoSpace() throws IOException {
        final VolumeRecord record = record(ONE, 1L << 30);

        pool.create(ONE, record);

        assertThat(pool.dataFile(ONE)).hasSize(1L << 30);
        assertThat(pool.scan()).containsExactly(new Sound("one", record));
        assertThat(entries()).containsExactly(".lock", "one");
    }

    @Test
    @DisplayName("fault 22: a directory whose name could not be read is not made under another")
    void aPathThatIsNotUtf8() throws IOException {
        final Path undecodable = directory.resolve("caf\uFFFD");

        assertThatExceptionOfType(StartRefusedException.class)
                .isThrownBy(() -> Pool.open(undecodable))
                .withMessageContaining("UTF-8");
        assertThat(undecodable).doesNotExist();
    }

    @Test
    void aNameIsTakenOnce() throws IOException {
        pool.create(ONE, record(ONE, 512));
        pool.create(TWO, record(TWO, 512));

        assertThatExceptionOfType(FileAlreadyExistsException.class)
                .isThrownBy(() -> pool.create(ONE, record(ONE, 512)));
        assertThatExceptionOfType(FileAlreadyExistsException.class).isThrownBy(() -> pool.rename(ONE, TWO));
        assertThat(entries()).containsExactly(".lock", "one", "two");
    }

    @Test
    void renamesAndDeletes() throws IOException {
        pool.create(ONE, record(ONE, 512));
        Files.writeString(pool.dataFile(ONE), "x".repeat(512));

        pool.rename(ONE, TWO);
        assertThat(pool.dataFile(TWO)).hasContent("x".repeat(512));

        pool.delete(TWO);
        assertThat(entries()).containsExactly(".lock");
    }

    @Test
    void oneDamagedRecordHidesNothingElse() throws IOException {
        for (final String name : List.of("a", "b", "c", "d", "e", "f", "g")) {
            pool.create(new VolumeName(name), record(ONE, 1024));
        }
        Files.writeString(directory.resolve("a/volume.json"), "{\"schemaVersion\":");
        Files.writeString(directory.resolve("b/volume.json"), "");
        Files.delete(directory.resolve("c/volume.json"));
        Files.delete(directory.resolve("d/data"));
        Files.write(directory.resolve("e/data"), new byte[512]);
        Files.write(directory.resolve("f/volume.json"), new byte[70_000]);
        Files.createDirectory(directory.resolve("Not A Volume"));
        Files.createDirectory(directory.resolve("lost+found"));
        Files.createSymbolicLink(directory.resolve("h"), directory.resolve("g"));
        Files.writeString(directory.resolve("notes.txt"), "a file is no volume");

        final List<Found> found = pool.scan();

        assertThat(found.stream().filter(Sound.class::isInstance).map(Found::folder))
                .containsExactly("g");
        assertThat(found.stream()
                        .filter(Damaged.class::isInstance)
                        .map(Damaged.class::cast)
                        .map(damaged -> damaged.folder() + ": " + damaged.reason()))
                .satisfiesExactly(
                        line -> assertThat(line).startsWith("Not A Volume: the folder's name is no volume's name"),
                        line -> assertThat(line).startsWith("a: Unexpected end-of-input"),
                        line -> assertThat(line).startsWith("b: "),
                        line -> assertThat(line).isEqualTo("c: volume.json is missing"),
                        line -> assertThat(line).isEqualTo("d: data is missing or is no regular file"),
                        line -> assertThat(line).isEqualTo("e: data has 512 bytes, and volume.json says 1024"),
                        line -> assertThat(line).isEqualTo("f: volume.json is larger than 65536 bytes"),
                        line -> assertThat(line).isEqualTo("h: the folder is a symbolic link"));
    }

    @Test
    void aCrashBetweenGrowingTheDataAndTheRecordLeavesTheLargerVolume() throws IOException {
        pool.create(ONE, record(ONE, 1024));
        Files.write(pool.dataFile(ONE), new byte[4096]);

        assertThat(pool.scan())
                .singleElement()
                .isInstanceOfSatisfying(
                        Sound.class, sound -> assertThat(sound.record().size()).isEqualTo(4096));
    }

    @Test
    void whatWasHalfMadeOrHalfRemovedIsGoneAtTheNextStart() throws IOException {
        pool.create(ONE, record(ONE, 512));
        pool.close();
        Files.createDirectory(directory.resolve(".creating-123"));
        Files.write(directory.resolve(".creating-123/data"), new byte[512]);
        Files.createDirectory(directory.resolve(".deleting-123"));
        Files.write(directory.resolve(".deleting-123/data"), new byte[512]);
        Files.write(directory.resolve("one/volume.json.new"), new byte[3]);

        pool = Pool.open(directory);

        assertThat(entries()).containsExactly(".lock", "one");
        assertThat(pool.scan()).hasOnlyElementsOfType(Sound.class).hasSize(1);
    }

    @Test
    void updatesARecord() throws IOException {
        pool.create(ONE, record(ONE, 512));
        final VolumeRecord next = sound().next(new VolumeChange(null, null, true, "new", null), NOW.plusSeconds(1));

        pool.update(ONE, next);

        assertThat(sound()).isEqualTo(next);
        assertThat(next.revision()).isEqualTo(2);
        assertThat(entries(directory.resolve("one"))).containsExactly("data", "volume.json");
    }

    @Test
    void belongsToOneGatewayAtATime() {
        assertThatExceptionOfType(StartRefusedException.class)
                .isThrownBy(() -> Pool.open(directory))
                .withMessageContaining("in use by another gateway")
                .withMessageContaining("process " + ProcessHandle.current().pid())
                .withMessageContaining("gateway.pool.path");
    }

    @Test
    void saysWhyItCanNotBeOpened() throws IOException {
        final Path file = Files.createFile(directory.resolve("file"));
        assertThatExceptionOfType(StartRefusedException.class)
                .isThrownBy(() -> Pool.open(file))
                .withMessageContaining(file + " is no directory");
    }

    @Test
    void isNewUntilItIsDescribedOrHoldsSomething() throws IOException {
        assertThat(pool.isNew()).isTrue();
        pool.create(ONE, record(ONE, 512));
        assertThat(pool.isNew()).isFalse();
        pool.delete(ONE);
        assertThat(pool.isNew()).isTrue();
        pool.describe();
        assertThat(pool.isNew()).isFalse();
    }

    private VolumeRecord sound() throws IOException {
        return ((Sound) pool.scan().getFirst()).record();
    }

    private List<String> entries() throws IOException {
        return entries(directory);
    }

    private static List<String> entries(final Path folder) throws IOException {
        try (var entries = Files.list(folder)) {
            return entries.map(path -> path.getFileName().toString()).sorted().toList();
        }
    }

    private static VolumeRecord record(final VolumeName name, final long size) {
        return VolumeRecord.first(new NewVolume(name, size, BackendType.FILE, false, false, "", Map.of()), NOW);
    }
}
