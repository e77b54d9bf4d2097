package dev.fusedio.gateway.metrics;

import com.sun.net.httpserver.HttpServer;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicLong;

/** A target for Prometheus with the series of an attachment that works, for machines without the ublk driver. */
final class AttachmentExposition implements AutoCloseable {
    private final HttpServer server;
    private final AtomicLong scrapes = new AtomicLong();

    private AttachmentExposition(final HttpServer server) {
        this.server = server;
    }

    static AttachmentExposition start() throws IOException {
        final HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        final AttachmentExposition exposition = new AttachmentExposition(server);
        server.createContext("/actuator/prometheus", exchange -> {
            final byte[] body = exposition.exposition().getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", PrometheusTextFormatWriter.CONTENT_TYPE);
            exchange.sendResponseHeaders(200, body.length);
            try (var out = exchange.getResponseBody()) {
                out.write(body);
            }
        });
        server.start();
        return exposition;
    }

    String address() {
        return "127.0.0.1:" + server.getAddress().getPort();
    }

    /** What a scrape gets; every scrape has more than the one before. */
    String exposition() {
        final long round = scrapes.incrementAndGet();
        final AttachmentSeries series = new AttachmentSeries();
        series.add(FakeAttachment.after(round));
        final MetricSnapshots.Builder all = MetricSnapshots.builder();
        series.addTo(all);
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        try {
            PrometheusTextFormatWriter.create().write(out, all.build());
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toString(StandardCharsets.UTF_8);
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
