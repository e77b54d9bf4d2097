package dev.fusedio.gateway.catalogue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.fusedio.gateway.engine.BackendType;
import dev.fusedio.gateway.web.ProblemException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.publisher.Mono;

class StagedVolumeTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @TempDir
    private Path directory;

    private CatalogueFixture fixture;

    @BeforeEach
    void start() {
        fixture = new CatalogueFixture(directory);
        fixture.start();
    }

    @AfterEach
    void stop() {
        fixture.stop();
    }

    @Test
    void isSeenWhenItIsPublished() {
        final StagedVolume staged = stage("one", true);
        assertThat(fixture.names()).containsExactly("demo");
        block(staged.open().write(0, ByteBuffer.wrap(new byte[] {1, 2, 3})));

        final Volume volume = block(staged.publish());

        assertThat(fixture.names()).containsExactly("demo", "one");
        assertThat(volume.orDamaged().open().readOnly()).isTrue();
        assertThat(directory.resolve("one/data")).hasSize(4096);
        assertThat(leftovers()).isZero();
        fixture.delete("one", false);
        block(stage("one", false).discard());
    }

    @Test
    void whatIsDiscardedLeavesNothingAndFreesItsName() {
        final StagedVolume staged = stage("one", false);
        assertThat(leftovers()).isOne();
        assertThatExceptionOfType(ProblemException.class).isThrownBy(() -> stage("one", false));

        block(staged.discard());

        assertThat(leftovers()).isZero();
        assertThat(fixture.names()).containsExactly("demo");
        block(stage("one", false).publish());
    }

    @Test
    void aProcessThatIsKilledLeavesNothingBehindItsNextStart() throws IOException {
        stage("one", false);
        assertThat(leftovers()).isOne();
        fixture.stop(); // nobody discards it

        start();

        assertThat(leftovers()).isZero();
        assertThat(fixture.names()).containsExactly("demo");
        assertThat(directory.resolve("one")).doesNotExist();
    }

    @Test
    void aFolderThatSomebodyMadeMeanwhileIsNotReplaced() throws IOException {
        final StagedVolume staged = stage("one", false);
        Files.createDirectory(directory.resolve("one"));

        assertThatExceptionOfType(ProblemException.class).isThrownBy(() -> block(staged.publish()));
        block(staged.discard());

        assertThat(directory.resolve("one")).isEmptyDirectory();
        assertThat(leftovers()).isZero();
    }

    private StagedVolume stage(final String name, final boolean readOnly) {
        return block(fixture.catalogue()
                .stage(new NewVolume(new VolumeName(name), 4096, BackendType.FILE, readOnly, false, "", Map.of())));
    }

    private long leftovers() {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> file.getFileName().toString().startsWith(".creating-"))
                    .count();
        } catch (final IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static <T> T block(final Mono<T> work) {
        return work.block(PATIENCE);
    }
}
