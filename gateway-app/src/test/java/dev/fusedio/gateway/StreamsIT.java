package dev.fusedio.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Streams of events whose clients leave as they please: nothing is left of them, nobody else notices, and no log is filled. */
class StreamsIT {
    private static final String EVENTS = "/api/v1/events";
    private static final String SESSIONS = "/api/v1/sessions/events";
    private static final String STATISTICS = "/api/v1/statistics";

    /** By what the metrics call them: the address, and what its first event holds. */
    private static final Map<String, List<String>> STREAMS = Map.of(
            "events", List.of(EVENTS, "heartbeat"),
            "sessions", List.of(SESSIONS, "heartbeat"),
            "statistics", List.of(STATISTICS, "event:statistics"));

    private static final Pattern OPEN = Pattern.compile("fused_http_streams\\{[^}]*stream=\"([a-z]+)\"[^}]*} (\\S+)");
    private static final Pattern CUT =
            Pattern.compile("fused_http_connections_cut_total\\{limit=\"answer\"[^}]*} (\\S+)");
    private static final int LEAVING = 20;
    private static final int SMALL = 2048;

    /** More than a socket's buffers hold: a session's coming and going are two events. */
    private static final int MAX_SESSIONS = 40_000;

    @TempDir
    private Path directory;

    @Test
    void whoeverLeavesIsForgottenWithoutAWordAndTheOthersGoOn() throws Exception {
        final Path errors = directory.resolve("errors");
        try (GatewayProcess gateway =
                        GatewayProcess.start(directory.resolve("pool"), errors, "--gateway.http.stall-time=2s");
                StreamClient events = open(gateway, "events", 0);
                StreamClient sessions = open(gateway, "sessions", 0);
                StreamClient statistics = open(gateway, "statistics", 0)) {
            final int logged =
                    Files.readString(errors.resolveSibling("errors.out")).length();
            final CompletableFuture<String> seen = following(events, "\"name\":\"last\"");
            final CompletableFuture<String> opened = following(sessions, "\"volume\":\"last\"");
            awaitOpen(gateway, 1);

            for (final String stream : STREAMS.keySet()) {
                leave(gateway, stream);
            }
            awaitOpen(gateway, 1);

            stopReading(gateway);
            awaitOpen(gateway, 1);

            assertThat(gateway.json(
                                    "POST",
                                    "/api/v1/volumes",
                                    "{\"name\": \"last\", \"size\": \"1MiB\", \"backend\": \"memory\"}")
                            .statusCode())
                    .isEqualTo(201);
            assertThat(seen.get(30, TimeUnit.SECONDS)).contains("volume.created");
            IdleNbdClient.connect(gateway.nbdAddress(), "last").close();
            assertThat(opened.get(30, TimeUnit.SECONDS)).contains("OPENED");
            statistics.awaitLine("\"name\":\"last\"");

            assertThat(gateway.terminate(30)).isEqualTo(128 + 15);
            assertThat(gateway.errors()).isEmpty();
            assertThat(Files.readString(errors.resolveSibling("errors.out")).substring(logged))
                    .contains("Graceful shutdown complete")
                    .doesNotContain("requests still active")
                    .doesNotContain("WARN", "ERROR", "Exception", "\tat ");
        }
    }

    /** Half of them close, and half are reset, in the middle of a stream. */
    private static void leave(final GatewayProcess gateway, final String stream) throws IOException {
        final List<StreamClient> leaving = new ArrayList<>();
        for (int i = 0; i < LEAVING; i++) {
            leaving.add(open(gateway, stream, 0));
        }
        assertThat(streams(gateway)).containsEntry(stream, (double) LEAVING + 1);
        for (int i = 0; i < LEAVING; i++) {
            if (i % 2 == 0) {
                leaving.get(i).close();
            } else {
                leaving.get(i).reset();
            }
        }
    }

    /** What they were sent fills their sockets, until there is no room for more: then they are cut. */
    private static void stopReading(final GatewayProcess gateway) throws IOException {
        try (StreamClient events = open(gateway, "events", SMALL);
                StreamClient sessions = open(gateway, "sessions", SMALL);
                StreamClient statistics = open(gateway, "statistics", SMALL)) {
            int made = 0;
            while (cut(gateway) < 2) {
                assertThat(made)
                        .as("sessions until those who read nothing were cut")
                        .isLessThan(MAX_SESSIONS);
                for (int i = 0; i < 200; i++) {
                    IdleNbdClient.connect(gateway.nbdAddress(), "demo").close();
                    made++;
                }
            }
            assertThat(streams(gateway)).containsEntry("events", 1.0).containsEntry("sessions", 1.0);
            assertThat(streams(gateway)).containsEntry("statistics", 2.0); // it has room for what came
        }
    }

    private static StreamClient open(final GatewayProcess gateway, final String stream, final int receiveBuffer)
            throws IOException {
        final List<String> facts = STREAMS.get(stream);
        final StreamClient client = StreamClient.open(gateway.rest(), facts.getFirst(), receiveBuffer);
        client.awaitLine(facts.getLast());
        return client;
    }

    /** Reads on until a line holds {@code text}; gives that line. */
    private static CompletableFuture<String> following(final StreamClient client, final String text) {
        final CompletableFuture<String> found = new CompletableFuture<>();
        Thread.startVirtualThread(() -> {
            try {
                found.complete(client.awaitLine(text));
            } catch (final IOException e) {
                found.completeExceptionally(e);
            }
        });
        return found;
    }

    private static void awaitOpen(final GatewayProcess gateway, final double each) {
        Awaitility.await()
                .atMost(Duration.ofSeconds(30))
                .until(() -> streams(gateway), Map.of("events", each, "sessions", each, "statistics", each)::equals);
    }

    private static Map<String, Double> streams(final GatewayProcess gateway) {
        return OPEN.matcher(gateway.get("/actuator/prometheus"))
                .results()
                .collect(Collectors.toMap(found -> found.group(1), found -> Double.valueOf(found.group(2))));
    }

    private static double cut(final GatewayProcess gateway) {
        final Matcher found = CUT.matcher(gateway.get("/actuator/prometheus"));
        assertThat(found.find()).isTrue();
        return Double.parseDouble(found.group(1));
    }
}
