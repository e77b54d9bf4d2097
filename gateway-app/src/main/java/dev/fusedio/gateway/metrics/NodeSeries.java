package dev.fusedio.gateway.metrics;

import static dev.fusedio.gateway.metrics.Points.count;
import static dev.fusedio.gateway.metrics.Points.counter;
import static dev.fusedio.gateway.metrics.Points.gauge;
import static dev.fusedio.gateway.metrics.Points.single;
import static dev.fusedio.gateway.metrics.Points.value;

import dev.fusedio.gateway.data.TransferLimit;
import dev.fusedio.gateway.engine.EngineReport;
import dev.fusedio.gateway.engine.LoopCounters;
import dev.fusedio.gateway.engine.SessionTotals;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.InfoSnapshot;
import io.prometheus.metrics.model.snapshots.InfoSnapshot.InfoDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.List;

/** The series of the node and its protocols; one scrape's worth. */
final class NodeSeries {
    private static final String NBD = "nbd";
    private static final String HTTP = "http";

    private final MetricSnapshots.Builder all;

    NodeSeries(final MetricSnapshots.Builder all) {
        this.all = all;
    }

    void addBuild(final String version, final EngineReport engine) {
        all.metricSnapshot(InfoSnapshot.builder()
                .name("fused_build")
                .help("1, with the versions of what runs.")
                .dataPoint(InfoDataPointSnapshot.builder()
                        .labels(Labels.of(
                                "version",
                                version,
                                "java",
                                Runtime.version().toString(),
                                "kernel",
                                engine.kernelRelease()))
                        .build())
                .build());
    }

    void addEngine(final EngineReport engine, final List<LoopCounters> loops, final int listeners) {
        final GaugeSnapshot.Builder features =
                gauge("fused_ring_feature", "1 for an io_uring feature in use, 0 for one that was asked for in vain.");
        engine.granted().forEach(feature -> features.dataPoint(value(Labels.of("feature", feature), 1)));
        engine.refused().forEach(refusal -> features.dataPoint(value(Labels.of("feature", refusal.feature()), 0)));
        final long slab = loops.stream().mapToLong(LoopCounters::slabBytes).sum();
        all.metricSnapshot(features.build())
                .metricSnapshot(
                        single("fused_ring_running", "1 while every core loop is alive.", bit(engine.running())))
                .metricSnapshot(single("fused_nbd_listeners", "Addresses that the NBD server listens at.", listeners))
                .metricSnapshot(single(
                        "fused_memory_lock_limit_bytes",
                        "The limit on locked memory (RLIMIT_MEMLOCK); infinite if there is none.",
                        engine.lockedMemoryLimitBytes() < 0
                                ? Double.POSITIVE_INFINITY
                                : (double) engine.lockedMemoryLimitBytes()))
                .metricSnapshot(single(
                        "fused_memory_registered_bytes",
                        "Request memory that is registered with the rings, and so locked.",
                        engine.granted().contains("REGISTER_BUFFERS") ? slab : 0));
    }

    void addFacts(final NodeFacts facts) {
        if (facts.ready() != null) {
            all.metricSnapshot(
                    single("fused_ready", "1 while the readiness group of health is up.", bit(facts.ready())));
        }
        if (facts.pool() != null) {
            all.metricSnapshot(single(
                            "fused_pool_size_bytes",
                            "Size of the pool's file system.",
                            facts.pool().totalBytes()))
                    .metricSnapshot(single(
                            "fused_pool_free_bytes",
                            "What can still be written to the pool's file system.",
                            facts.pool().usableBytes()));
        }
        if (facts.orphans() != null) {
            all.metricSnapshot(single(
                    "fused_devices_orphaned",
                    "Block devices of this program that no process serves and no attachment knows.",
                    facts.orphans()));
        }
        if (!facts.certificates().isEmpty()) {
            final GaugeSnapshot.Builder expiry = gauge(
                    "fused_certificate_expiry_timestamp_seconds",
                    "When the first certificate of a chain ceases to be valid.");
            facts.certificates()
                    .forEach(chain -> expiry.dataPoint(value(
                            Labels.of("bundle", chain.bundle(), "certificate", chain.alias()),
                            chain.expiry().getEpochSecond())));
            all.metricSnapshot(expiry.build());
        }
    }

    void addSessions(final SessionTotals sessions, final int limit) {
        final CounterSnapshot.Builder closed = counter("fused_sessions_closed", "NBD sessions that ended, by reason.");
        sessions.closed().forEach((reason, times) -> closed.dataPoint(count(Labels.of("reason", reason), times)));
        all.metricSnapshot(closed.build())
                .metricSnapshot(Points.total(
                        "fused_sessions_opened", "NBD sessions that reached transmission.", sessions.opened()))
                .metricSnapshot(single("fused_sessions_limit", "NBD connections that may be open at one time.", limit));
    }

    void addTransfers(final TransferLimit.Counts http) {
        all.metricSnapshot(counter("fused_http_transfers", "Transfers of volume data over HTTP that ended, by outcome.")
                        .dataPoint(count(outcome("completed"), http.completed()))
                        .dataPoint(count(outcome("failed"), http.failed()))
                        .dataPoint(count(outcome("cancelled"), http.cancelled()))
                        .dataPoint(count(outcome("refused"), http.refused()))
                        .build())
                .metricSnapshot(single(
                        "fused_http_transfers_active", "Transfers of volume data over HTTP that run.", http.active()))
                .metricSnapshot(single(
                        "fused_http_transfers_limit",
                        "Transfers of volume data over HTTP that may run at one time.",
                        http.limit()));
    }

    void addProtocols(final SessionTotals nbd, final TransferLimit.Counts http) {
        all.metricSnapshot(counter(
                                "fused_protocol_requests",
                                "Requests of clients that ended, failed ones included: NBD requests, HTTP transfers.")
                        .dataPoint(count(protocol(NBD), nbd.requests()))
                        .dataPoint(count(
                                protocol(HTTP), http.completed() + http.failed() + http.cancelled() + http.refused()))
                        .build())
                .metricSnapshot(
                        counter("fused_protocol_errors", "Requests of clients that were answered with an error.")
                                .dataPoint(count(protocol(NBD), nbd.errors()))
                                .dataPoint(count(protocol(HTTP), http.failed() + http.refused()))
                                .build())
                .metricSnapshot(counter("fused_protocol_bytes", "Payload, as the client sees its direction.")
                        .dataPoint(count(direction(NBD, "read"), nbd.bytesRead()))
                        .dataPoint(count(direction(NBD, "write"), nbd.bytesWritten()))
                        .dataPoint(count(direction(HTTP, "read"), http.bytesRead()))
                        .dataPoint(count(direction(HTTP, "write"), http.bytesWritten()))
                        .build());
    }

    private static Labels outcome(final String outcome) {
        return Labels.of("outcome", outcome);
    }

    private static Labels protocol(final String protocol) {
        return Labels.of("protocol", protocol);
    }

    private static Labels direction(final String protocol, final String direction) {
        return Labels.of("direction", direction, "protocol", protocol);
    }

    private static int bit(final boolean value) {
        return value ? 1 : 0;
    }
}
