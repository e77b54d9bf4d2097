package dev.fusedio.gateway.metrics;

import dev.fusedio.gateway.attachment.Attachments;
import dev.fusedio.gateway.catalogue.Catalogue;
import dev.fusedio.gateway.catalogue.Volume;
import dev.fusedio.gateway.config.GatewayProperties;
import dev.fusedio.gateway.engine.DataPlane;
import dev.fusedio.gateway.engine.NbdSessions;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.List;
import org.springframework.stereotype.Component;

/**
 * Publishes the data plane's counters. They are read when Prometheus asks; a block request touches no meter. The number
 * of series is bounded: operations, errnos and loops are fixed sets, and volumes beyond a limit are left out and
 * counted.
 */
@Component
final class DataPlaneCollector implements MultiCollector {
    private final DataPlane dataPlane;
    private final NbdSessions sessions;
    private final Catalogue catalogue;
    private final Attachments attachments;
    private final int maxVolumes;
    private final AllocatedSizes allocated = new AllocatedSizes();

    DataPlaneCollector(
            final DataPlane dataPlane,
            final NbdSessions sessions,
            final Catalogue catalogue,
            final Attachments attachments,
            final GatewayProperties properties,
            final PrometheusRegistry registry) {
        this.dataPlane = dataPlane;
        this.sessions = sessions;
        this.catalogue = catalogue;
        this.attachments = attachments;
        this.maxVolumes = properties.metrics().maxVolumes();
        registry.register(this);
    }

    @Override
    public MetricSnapshots collect() {
        final List<Volume> volumes = catalogue.volumes();
        final List<Volume.Available> available = volumes.stream()
                .filter(Volume.Available.class::isInstance)
                .map(Volume.Available.class::cast)
                .toList();
        final VolumeSeries perVolume = new VolumeSeries();
        for (final Volume.Available volume : available.subList(0, Math.min(available.size(), maxVolumes))) {
            perVolume.add(
                    volume.name(),
                    volume.open().size(),
                    allocated.of(volume.open()),
                    volume.open().counters());
        }
        allocated.keepOnly(available);
        final EngineSeries engine = new EngineSeries();
        dataPlane.counters().forEach(engine::add);
        final MetricSnapshots.Builder all = MetricSnapshots.builder();
        perVolume.addTo(all);
        engine.addTo(all);
        engine.addTo(
                all,
                sessions.sessions().size(),
                sessions.negotiationFailures(),
                available.size(),
                volumes.size() - available.size(),
                Math.max(0, available.size() - maxVolumes));
        final AttachmentSeries perAttachment = new AttachmentSeries();
        attachments.attachments().forEach(perAttachment::add);
        perAttachment.addTo(all);
        return all.build();
    }
}
