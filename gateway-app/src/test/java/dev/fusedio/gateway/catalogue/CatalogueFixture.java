package dev.fusedio.gateway.catalogue;

import dev.fusedio.gateway.config.TestProperties;
import dev.fusedio.gateway.engine.FakeSessions;
import dev.fusedio.gateway.engine.InMemoryDataPlane;
import dev.fusedio.gateway.events.EventJournal;
import dev.fusedio.gateway.web.Precondition;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A catalogue on a data plane in memory, for tests of the features that use volumes. Its first start makes demo. */
public final class CatalogueFixture {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final Catalogue catalogue;

    public CatalogueFixture(final Path pool) {
        catalogue = new Catalogue(
                TestProperties.of(Map.of("gateway.pool.path", pool)),
                new InMemoryDataPlane(),
                new FakeSessions(),
                new EventJournal(Clock.systemUTC()),
                Clock.systemUTC());
    }

    public Catalogue catalogue() {
        return catalogue;
    }

    public void start() {
        catalogue.start();
    }

    public void stop() {
        catalogue.stop();
    }

    public List<String> names() {
        return catalogue.volumes().stream().map(Volume::name).toList();
    }

    public void delete(final String name, final boolean force) {
        catalogue.delete(new VolumeName(name), Precondition.any(), force).block(PATIENCE);
    }

    public void rename(final String from, final String to) {
        change(from, new VolumeName(to), null);
    }

    public void grow(final String name, final long size) {
        change(name, null, size);
    }

    private void change(final String volume, final @Nullable VolumeName name, final @Nullable Long size) {
        catalogue
                .change(
                        new VolumeName(volume),
                        new VolumeChange(name, size, null, null, null),
                        Precondition.any(),
                        false)
                .block(PATIENCE);
    }
}
