package dev.fusedio.gateway.catalogue;

import dev.fusedio.gateway.config.GatewayProperties;
import dev.fusedio.gateway.engine.DataPlaneException;
import dev.fusedio.gateway.engine.ExportSource;
import dev.fusedio.gateway.engine.OpenVolume;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Offers the catalogue's volumes to NBD clients. */
@Component
final class CatalogueExports implements ExportSource {
    private final Catalogue catalogue;
    private final GatewayProperties properties;

    CatalogueExports(final Catalogue catalogue, final GatewayProperties properties) {
        this.catalogue = catalogue;
        this.properties = properties;
    }

    @Override
    public Mono<OpenVolume> export(final String name, final String peer) {
        return Mono.fromSupplier(() -> catalogue.find(resolve(name)).orElse(null))
                .map(volume -> switch (volume) {
                    case Volume.Available available -> available.open();
                    case Volume.Damaged damaged ->
                        throw new DataPlaneException(
                                "EIO", "volume '" + damaged.name() + "' is damaged: " + damaged.reason());
                });
    }

    @Override
    public Flux<ExportEntry> exports(final String peer) {
        return Flux.fromIterable(catalogue.volumes())
                .ofType(Volume.Available.class)
                .map(volume -> new ExportEntry(volume.name(), volume.record().description()));
    }

    private String resolve(final String name) {
        final String standsFor = properties.nbd().defaultExport();
        return name.isEmpty() && standsFor != null ? standsFor : name;
    }
}
