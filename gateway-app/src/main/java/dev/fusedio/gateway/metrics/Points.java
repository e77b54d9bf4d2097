package dev.fusedio.gateway.metrics;

import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;

/** One value each. */
final class Points {
    private Points() {}

    static CounterSnapshot.Builder counter(final String name, final String help) {
        return CounterSnapshot.builder().name(name).help(help);
    }

    static GaugeSnapshot.Builder gauge(final String name, final String help) {
        return GaugeSnapshot.builder().name(name).help(help);
    }

    static CounterDataPointSnapshot count(final Labels labels, final Number value) {
        return CounterDataPointSnapshot.builder()
                .labels(labels)
                .value(value.doubleValue())
                .build();
    }

    static GaugeDataPointSnapshot value(final Labels labels, final Number value) {
        return GaugeDataPointSnapshot.builder()
                .labels(labels)
                .value(value.doubleValue())
                .build();
    }

    /** A metric without labels. */
    static GaugeSnapshot single(final String name, final String help, final Number value) {
        return gauge(name, help).dataPoint(value(Labels.EMPTY, value)).build();
    }

    /** A metric without labels. */
    static CounterSnapshot total(final String name, final String help, final Number value) {
        return counter(name, help).dataPoint(count(Labels.EMPTY, value)).build();
    }
}
