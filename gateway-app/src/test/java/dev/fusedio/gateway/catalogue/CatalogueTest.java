package dev.fusedio.gateway.catalogue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.fusedio.gateway.config.GatewayProperties;
import dev.fusedio.gateway.config.TestProperties;
import dev.fusedio.gateway.engine.BackendType;
import dev.fusedio.gateway.engine.DataPlaneException;
import dev.fusedio.gateway.engine.FakeSessions;
import dev.fusedio.gateway.engine.InMemoryDataPlane;
import dev.fusedio.gateway.events.EventJournal;
import dev.fusedio.gateway.web.Precondition;
import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

class CatalogueTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");

    @TempDir
    private Path directory;

    private final InMemoryDataPlane dataPlane = new InMemoryDataPlane();
    private final FakeSessions sessions = new FakeSessions();
    private Catalogue catalogue;

    @BeforeEach
    void start() {
        catalogue = catalogue();
        catalogue.start();
    }

    @AfterEach
    void stop() {
        catalogue.stop();
    }

    @Test
    void theFirstStartMakesDemoAndNoOtherDoes() {
        assertThat(names()).containsExactly("demo");
        assertThat(catalogue.get("demo").orDamaged().record().size()).isEqualTo(1L << 30);

        block(catalogue.delete(new VolumeName("demo"), Precondition.any(), false));
        restart();

        assertThat(names()).isEmpty();
    }

    @Test
    void aPoolThatHoldsSomethingGetsNoDemo() throws IOException {
        catalogue.stop();
        Files.delete(directory.resolve(".pool.json"));
        Files.move(directory.resolve("demo"), directory.resolve("mine"));

        catalogue.start();

        assertThat(names()).containsExactly("mine");
    }

    @Test
    void whatWasAnsweredIsThereAfterARestart() {
        create("one", 4096);
        block(catalogue.change(
                new VolumeName("one"),
                new VolumeChange(new VolumeName("two"), 8192L, true, "d", null),
                Precondition.any(),
                false));
        restart();

        final VolumeRecord record = catalogue.get("two").orDamaged().record();
        assertThat(names()).containsExactly("demo", "two");
        assertThat(record.size()).isEqualTo(8192);
        assertThat(record.readOnly()).isTrue();
        assertThat(record.description()).isEqualTo("d");
        assertThat(record.revision()).isEqualTo(2);
        assertThat(dataPlane.volume("two").readOnly()).isTrue();
        assertThat(directory.resolve("two/volume.json")).exists();
    }

    @Test
    void refusesWhatCanNotBe() {
        create("one", 4096);
        assertProblem(ProblemType.VOLUME_EXISTS, () -> create("one", 4096));
        assertProblem(ProblemType.INVALID_REQUEST, () -> create("two", 513));
        assertProblem(ProblemType.INVALID_REQUEST, () -> create("two", 0));
        assertProblem(ProblemType.INVALID_REQUEST, () -> create("two", 1L << 50));
        assertProblem(
                ProblemType.SHRINK_REFUSED, () -> change("one", new VolumeChange(null, 512L, null, null, null), null));
        assertProblem(ProblemType.VOLUME_EXISTS, () -> rename("one", "demo"));
        assertProblem(ProblemType.VOLUME_NOT_FOUND, () -> rename("nobody", "two"));
        assertProblem(
                ProblemType.REVISION_MISMATCH, () -> change("one", new VolumeChange(null, null, null, "x", null), 2L));
        assertProblem(
                ProblemType.INVALID_REQUEST,
                () -> block(catalogue.create(
                        new NewVolume(new VolumeName("m"), 512, BackendType.MEMORY, false, true, "", Map.of()))));
        assertProblem(
                ProblemType.INVALID_REQUEST,
                () -> block(catalogue.create(
                        new NewVolume(new VolumeName("direct"), 512, BackendType.FILE, false, true, "", Map.of()))));
        assertThat(names()).containsExactly("demo", "one");
        assertThat(catalogue.get("one").orDamaged().record().revision()).isEqualTo(1);
    }

    @Test
    void aVolumeThatCanNotBeOpenedIsNotMade() {
        dataPlane.failNextOpen("EINVAL", "no O_DIRECT here");

        assertThatExceptionOfType(DataPlaneException.class).isThrownBy(() -> create("one", 4096));

        assertThat(names()).containsExactly("demo");
        assertThat(directory.resolve("one")).doesNotExist();
        create("one", 4096);
    }

    @Test
    void sessionsForbidRenamingAndDeletingUnlessForced() {
        create("one", 4096);
        sessions.open("one");
        assertProblem(ProblemType.VOLUME_IN_USE, () -> rename("one", "two"));
        assertProblem(
                ProblemType.VOLUME_IN_USE,
                () -> block(catalogue.delete(new VolumeName("one"), Precondition.any(), false)));
        assertThat(names()).containsExactly("demo", "one");
        change("one", new VolumeChange(null, 8192L, true, "grown while in use", null), null);

        block(catalogue.delete(new VolumeName("one"), Precondition.any(), true));

        assertThat(names()).containsExactly("demo");
        assertThat(sessions.sessions()).isEmpty();
        assertThat(dataPlane.names()).containsExactly("demo");
    }

    @Test
    void aRenameThatFailsLeavesTheVolumeAsItWas() throws IOException {
        create("one", 4096);
        Files.createDirectory(directory.resolve("two"));

        assertProblem(ProblemType.VOLUME_EXISTS, () -> rename("one", "two"));

        assertThat(names()).containsExactly("demo", "one");
        assertThat(dataPlane.names()).containsExactly("demo", "one");
    }

    @Test
    void damagedVolumesAreShownAndTheOthersServed() throws IOException {
        create("good", 4096);
        create("bad", 4096);
        create("unopenable", 4096);
        catalogue.stop();
        Files.writeString(directory.resolve("bad/volume.json"), "{");
        Files.write(directory.resolve("unopenable/data"), new byte[1]);

        catalogue.start();

        assertThat(names()).containsExactly("bad", "demo", "good", "unopenable");
        assertThat(dataPlane.names()).containsExactly("demo", "good");
        assertProblem(ProblemType.VOLUME_DAMAGED, () -> catalogue.get("bad").orDamaged());
        assertProblem(ProblemType.VOLUME_EXISTS, () -> create("bad", 4096));
        assertProblem(
                ProblemType.VOLUME_DAMAGED,
                () -> block(catalogue.delete(new VolumeName("bad"), Precondition.any(), false)));
        assertThat(block(catalogue.report()).damaged())
                .extracting(Volume.Damaged::name)
                .containsExactly("bad", "unopenable");

        block(catalogue.delete(new VolumeName("bad"), Precondition.any(), true));
        assertThat(directory.resolve("bad")).doesNotExist();
        assertThat(names()).containsExactly("demo", "good", "unopenable");
    }

    @Test
    void manyChangesAtOnceComeOneAfterAnother() {
        create("one", 4096);
        final int changes = 200;

        block(Flux.range(0, changes)
                .flatMap(
                        n -> catalogue.change(
                                new VolumeName("one"),
                                new VolumeChange(null, null, null, "n" + n, null),
                                Precondition.any(),
                                false),
                        64)
                .then());

        restart();
        assertThat(catalogue.get("one").orDamaged().record().revision()).isEqualTo(changes + 1);
    }

    @Test
    void ofManyThatWantOneNameOneGetsIt() {
        final Long made = block(Flux.range(0, 50)
                .flatMap(
                        n -> catalogue
                                .create(wanted("same", 4096))
                                .map(volume -> 1)
                                .onErrorResume(ProblemException.class, problem -> Mono.empty()),
                        50)
                .count());

        assertThat(made).isEqualTo(1);
        assertThat(names()).containsExactly("demo", "same");
    }

    @Test
    void exportsWhatIsSound() throws IOException {
        create("good", 4096);
        create("bad", 4096);
        catalogue.stop();
        Files.delete(directory.resolve("bad/data"));
        catalogue.start();
        final CatalogueExports exports = new CatalogueExports(catalogue, properties());

        assertThat(block(exports.export("good", "peer")).name()).isEqualTo("good");
        assertThat(block(exports.export("", "peer")).name()).isEqualTo("demo");
        assertThat(exports.export("nobody", "peer").block(PATIENCE)).isNull();
        assertThatExceptionOfType(DataPlaneException.class)
                .isThrownBy(() -> exports.export("bad", "peer").block(PATIENCE))
                .withMessageContaining("damaged");
        assertThat(block(exports.exports("peer").map(entry -> entry.name()).collectList()))
                .containsExactly("demo", "good");
    }

    private Catalogue catalogue() {
        return new Catalogue(
                properties(),
                dataPlane,
                sessions,
                new EventJournal(Clock.systemUTC()),
                Clock.fixed(NOW, ZoneOffset.UTC));
    }

    private GatewayProperties properties() {
        return TestProperties.of(Map.of(
                "gateway.pool.path", directory,
                "gateway.pool.max-volume-size", "1TiB",
                "gateway.nbd.default-export", "demo"));
    }

    private void restart() {
        catalogue.stop();
        assertThat(dataPlane.names()).isEmpty();
        catalogue = catalogue();
        catalogue.start();
    }

    private Volume create(final String name, final long size) {
        return block(catalogue.create(wanted(name, size)));
    }

    private static NewVolume wanted(final String name, final long size) {
        return new NewVolume(new VolumeName(name), size, BackendType.FILE, false, false, "", Map.of());
    }

    private Volume rename(final String from, final String to) {
        return change(from, new VolumeChange(new VolumeName(to), null, null, null, null), null);
    }

    private Volume change(final String name, final VolumeChange change, final @Nullable Long revision) {
        return block(catalogue.change(
                new VolumeName(name),
                change,
                revision == null ? Precondition.any() : Precondition.required("\"" + revision + "\""),
                false));
    }

    private List<String> names() {
        return catalogue.volumes().stream().map(Volume::name).toList();
    }

    private static void assertProblem(final ProblemType type, final Runnable work) {
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(work::run)
                .satisfies(problem -> assertThat(problem.type()).isEqualTo(type));
    }

    private static <T> T block(final Mono<T> work) {
        return work.block(PATIENCE);
    }
}
