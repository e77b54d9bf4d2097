package dev.fusedio.gateway.startup;

import dev.fusedio.gateway.catalogue.Catalogue;
import dev.fusedio.gateway.catalogue.Volume;
import dev.fusedio.gateway.engine.NbdSessions;
import dev.fusedio.gateway.engine.Rehearsal;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.boot.web.server.reactive.context.ReactiveWebServerApplicationContext;
import org.springframework.context.event.EventListener;
import org.springframework.stereotype.Component;

/**
 * With {@code -Dfused.training=true} a started gateway is its own first client, by NBD and HTTP, and then stops: what the
 * JVM's ahead-of-time cache is made from, so that a start has the classes and profiles of a service that has worked. With
 * {@code without-rings}, for builds of images, where io_uring is refused, there is no data plane; what HTTP answers then
 * does not matter.
 */
@Component
@ConditionalOnProperty("fused.training")
final class TrainingRun {
    private static final int ROUNDS = 30;
    private static final int TIMEOUT_MILLIS = 30_000;
    private static final String[] PATHS = {
        "/actuator/health",
        "/actuator/health/readiness",
        "/actuator/prometheus",
        "/api/v1/node",
        "/api/v1/sessions",
        "/api/v1/volumes"
    };

    private final NbdSessions sessions;
    private final Catalogue catalogue;
    private final boolean withRings;

    TrainingRun(final NbdSessions sessions, final Catalogue catalogue, @Value("${fused.training}") final String kind) {
        this.sessions = sessions;
        this.catalogue = catalogue;
        this.withRings = !"without-rings".equals(kind);
    }

    @EventListener
    @SuppressWarnings("SystemExitOutsideMain") // the training is all that this process was started for
    void ready(final ApplicationReadyEvent event) {
        if (event.getApplicationContext() instanceof ReactiveWebServerApplicationContext context
                && context.getWebServer() != null) {
            final int port = context.getWebServer().getPort();
            final int management = context.getEnvironment().getProperty("local.management.port", Integer.class, port);
            Thread.ofPlatform().name("training").start(() -> {
                try {
                    train(port, management);
                } catch (final IOException | RuntimeException e) {
                    e.printStackTrace();
                    System.exit(1);
                }
                System.exit(SpringApplication.exit(context));
            });
        }
    }

    private void train(final int port, final int management) throws IOException {
        final Optional<String> volume =
                catalogue.volumes().stream().map(Volume::name).findFirst();
        if (withRings) {
            Rehearsal.run(sessions.listeners().getFirst(), volume.orElseThrow());
        }
        for (int round = 0; round < ROUNDS; round++) {
            for (final String path : PATHS) {
                get(path.startsWith("/actuator") ? management : port, path, "Accept: */*");
            }
            if (volume.isPresent()) {
                get(port, "/api/v1/volumes/" + volume.get() + "/data", "Range: bytes=0-1048575");
            }
        }
    }

    private void get(final int port, final String path, final String header) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(TIMEOUT_MILLIS);
            final OutputStream out = socket.getOutputStream();
            out.write(("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + header + "\r\nConnection: close\r\n\r\n")
                    .getBytes(StandardCharsets.US_ASCII));
            final String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
            if (withRings && !answer.startsWith("HTTP/1.1 20")) {
                throw new IOException(
                        "GET " + path + ": " + answer.lines().findFirst().orElse("no answer"));
            }
        }
    }
}
