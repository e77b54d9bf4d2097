package dev.fusedio.gateway.metrics;

import dev.fusedio.gateway.attachment.Attachments;
import dev.fusedio.gateway.catalogue.Catalogue;
import dev.fusedio.gateway.catalogue.Volume;
import dev.fusedio.gateway.config.GatewayProperties;
import dev.fusedio.gateway.data.TransferLimit;
import dev.fusedio.gateway.engine.DataPlane;
import dev.fusedio.gateway.engine.EngineReport;
import dev.fusedio.gateway.engine.LoopCounters;
import dev.fusedio.gateway.engine.NbdSessions;
import dev.fusedio.gateway.engine.SessionTotals;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.List;
import java.util.Optional;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.info.BuildProperties;
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
    private final TransferLimit transfers;
    private final NodeWatch node;
    private final int maxVolumes;
    private final int maxConnections;
    private final String version;
    private final AllocatedSizes allocated = new AllocatedSizes();

    DataPlaneCollector(
            final DataPlane dataPlane,
            final NbdSessions sessions,
            final Catalogue catalogue,
            final Attachments attachments,
            final TransferLimit transfers,
            final NodeWatch node,
            final GatewayProperties properties,
            final ObjectProvider<BuildProperties> build,
            final PrometheusRegistry registry) {
        this.dataPlane = dataPlane;
        this.sessions = sessions;
        this.catalogue = catalogue;
        this.attachments = attachments;
        this.transfers = transfers;
        this.node = node;
        this.maxVolumes = properties.metrics().maxVolumes();
        this.maxConnections = properties.nbd().limits().connections();
        // Absent where the classes were not built by Maven, as in an editor.
        this.version = Optional.ofNullable(build.getIfAvailable())
                .map(BuildProperties::getVersion)
                .orElse("unknown");
        registry.register(this);
    }

    @Override
    public MetricSnapshots collect() {
        final List<Volume> volumes = catalogue.volumes();
        final List<Volume.Available> available = volumes.stream()
                .filter(Volume.Available.class::isInstance)
                .map(Volume.Available.class::cast)
                .toList();
        final List<Volume.Available> reported = available.subList(0, Math.min(available.size(), maxVolumes));
        final VolumeSeries perVolume = new VolumeSeries();
        for (final Volume.Available volume : reported) {
            perVolume.add(
                    volume.name(),
                    volume.open().failure().isPresent(),
                    volume.open().size(),
                    allocated.of(volume.open()),
                    volume.open().counters());
        }
        final EngineReport report = dataPlane.report();
        final List<LoopCounters> loops = dataPlane.counters();
        final SessionTotals totals = sessions.totals();
        final MetricSnapshots.Builder all = MetricSnapshots.builder();
        perVolume.addTo(all);
        final EngineSeries engine = new EngineSeries();
        loops.forEach(engine::add);
        engine.addTo(all);
        engine.addTo(
                all,
                sessions.sessions().size(),
                sessions.negotiationFailures(),
                available.size(),
                volumes.size() - available.size(),
                Math.max(0, available.size() - maxVolumes));
        all.metricSnapshot(Points.single(
                "fused_volumes_promised_bytes",
                "Sum of the sizes of all volumes, those without metrics of their own included.",
                available.stream().mapToLong(volume -> volume.open().size()).sum()));
        final NodeSeries perNode = new NodeSeries(all);
        perNode.addBuild(version, report);
        perNode.addEngine(report, loops, sessions.listeners().size());
        perNode.addFacts(node.facts());
        perNode.addSessions(totals, maxConnections);
        perNode.addTransfers(transfers.counts());
        perNode.addProtocols(totals, transfers.counts());
        final AttachmentSeries perAttachment = new AttachmentSeries();
        attachments.attachments().forEach(perAttachment::add);
        perAttachment.addTo(all);
        allocated.ask(reported);
        return all.build();
    }
}
