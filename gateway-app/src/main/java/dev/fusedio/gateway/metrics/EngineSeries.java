package dev.fusedio.gateway.metrics;

import static dev.fusedio.gateway.metrics.Points.counter;
import static dev.fusedio.gateway.metrics.Points.gauge;
import static dev.fusedio.gateway.metrics.Points.single;

import dev.fusedio.gateway.engine.LoopCounters;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.Map;

/** The series of core loops, sessions and memory; one scrape's worth. */
final class EngineSeries {
    private static final double NANOS_PER_SECOND = 1e9;

    private final CounterSnapshot.Builder busy =
            counter("fused_loop_busy_seconds", "Processor time that the core loop used.");
    private final CounterSnapshot.Builder submissions =
            counter("fused_loop_submissions", "Entries submitted to the ring.");
    private final CounterSnapshot.Builder completions =
            counter("fused_loop_completions", "Completions received from the ring.");
    private final CounterSnapshot.Builder enters = counter(
            "fused_loop_enters", "Calls of io_uring_enter; requests divided by this is requests a system call.");
    private final CounterSnapshot.Builder requests = counter("fused_loop_requests", "Requests answered.");
    private final CounterSnapshot.Builder overflow =
            counter("fused_loop_overflow", "Times the completion queue overflowed into the kernel's backlog.");
    private final CounterSnapshot.Builder borrowed = counter(
            "fused_bytes_borrowed", "Payload that went through its request's buffer without a copy in the process.");
    private final CounterSnapshot.Builder copied = counter("fused_bytes_copied", "Payload that the process copied.");
    private final GaugeSnapshot.Builder leased = gauge("fused_memory_leased_bytes", "Request memory on lease.");
    private final GaugeSnapshot.Builder slab = gauge("fused_memory_slab_bytes", "Request memory that can be leased.");

    void add(final LoopCounters loop) {
        final Labels core = Labels.of("core", Integer.toString(loop.core()));
        add(busy, core, loop.busyNanos() / NANOS_PER_SECOND);
        add(submissions, core, loop.submissions());
        add(completions, core, loop.completions());
        add(enters, core, loop.enters());
        add(requests, core, loop.requests());
        add(overflow, core, loop.overflows());
        add(borrowed, core, loop.borrowedBytes());
        add(copied, core, loop.copiedBytes());
        add(leased, core, loop.leasedBytes());
        add(slab, core, loop.slabBytes());
    }

    void addTo(final MetricSnapshots.Builder all) {
        all.metricSnapshot(busy.build())
                .metricSnapshot(submissions.build())
                .metricSnapshot(completions.build())
                .metricSnapshot(enters.build())
                .metricSnapshot(requests.build())
                .metricSnapshot(overflow.build())
                .metricSnapshot(borrowed.build())
                .metricSnapshot(copied.build())
                .metricSnapshot(leased.build())
                .metricSnapshot(slab.build());
    }

    void addTo(
            final MetricSnapshots.Builder all,
            final int sessions,
            final Map<String, Long> negotiationFailures,
            final int volumes,
            final int damaged,
            final int unreported) {
        final CounterSnapshot.Builder failures =
                counter("fused_negotiation_failures", "NBD handshakes that did not get to transmission, by reason.");
        negotiationFailures.forEach((reason, count) -> add(failures, Labels.of("reason", reason), count));
        all.metricSnapshot(failures.build())
                .metricSnapshot(single("fused_sessions", "NBD sessions in transmission.", sessions))
                .metricSnapshot(single("fused_volumes", "Volumes that are served.", volumes))
                .metricSnapshot(single("fused_volumes_damaged", "Volumes that are set aside.", damaged))
                .metricSnapshot(single(
                        "fused_volumes_unreported", "Volumes without metrics of their own, by the limit.", unreported));
    }

    private static void add(final CounterSnapshot.Builder counter, final Labels labels, final Number value) {
        counter.dataPoint(Points.count(labels, value));
    }

    private static void add(final GaugeSnapshot.Builder gauge, final Labels labels, final Number value) {
        gauge.dataPoint(Points.value(labels, value));
    }
}
