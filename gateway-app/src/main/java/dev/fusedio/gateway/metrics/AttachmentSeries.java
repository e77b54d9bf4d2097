package dev.fusedio.gateway.metrics;

import static dev.fusedio.gateway.metrics.Points.count;
import static dev.fusedio.gateway.metrics.Points.counter;
import static dev.fusedio.gateway.metrics.Points.gauge;
import static dev.fusedio.gateway.metrics.Points.value;

import dev.fusedio.gateway.attachment.Attachment;
import dev.fusedio.gateway.engine.DeviceMechanism;
import dev.fusedio.gateway.engine.DeviceStatus;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;

/** The series of attachments, {@code fused_attachment_*}; one scrape's worth. */
final class AttachmentSeries {
    private final CounterSnapshot.Builder requests =
            counter("fused_attachment_requests", "Block requests answered, failed ones included.");
    private final CounterSnapshot.Builder errors =
            counter("fused_attachment_errors", "Block requests answered with an error.");
    private final CounterSnapshot.Builder borrowed = counter(
            "fused_attachment_bytes_borrowed", "Payload of block requests that lent their own pages to the operation.");
    private final CounterSnapshot.Builder copied =
            counter("fused_attachment_bytes_copied", "Payload that was copied between block requests and the process.");
    private final CounterSnapshot.Builder recoveries =
            counter("fused_attachment_recoveries", "Times that a process took the device over from another.");
    private final GaugeSnapshot.Builder inFlight =
            gauge("fused_attachment_in_flight", "Block requests fetched and not answered.");
    private final GaugeSnapshot.Builder state =
            gauge("fused_attachment_state", "1 for the state that the attachment is in, with the mechanism in use.");

    void add(final Attachment attachment) {
        final Labels labels = Labels.of(
                "attachment",
                attachment.id(),
                "device",
                "ublkb" + attachment.record().number());
        add(recoveries, labels, attachment.record().recoveries());
        attachment.status().ifPresent(status -> add(labels, status));
        final DeviceMechanism mechanism = attachment
                .status()
                .map(DeviceStatus::mechanism)
                .orElse(attachment.record().mechanism());
        state.dataPoint(value(
                labels.merge(Labels.of(
                        "mechanism",
                        mechanism.text(),
                        "state",
                        attachment.state().text())),
                1));
    }

    private void add(final Labels labels, final DeviceStatus status) {
        add(requests, labels, status.requests());
        add(errors, labels, status.errors());
        add(borrowed, labels, status.bytesBorrowed());
        add(copied, labels, status.bytesCopied());
        inFlight.dataPoint(value(labels, status.inFlight()));
    }

    void addTo(final MetricSnapshots.Builder all) {
        all.metricSnapshot(requests.build())
                .metricSnapshot(errors.build())
                .metricSnapshot(borrowed.build())
                .metricSnapshot(copied.build())
                .metricSnapshot(recoveries.build())
                .metricSnapshot(inFlight.build())
                .metricSnapshot(state.build());
    }

    private static void add(final CounterSnapshot.Builder counter, final Labels labels, final long value) {
        counter.dataPoint(count(labels, value));
    }
}
