package dev.fusedio.gateway.web;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.gateway.ApiTestApplication;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.core.env.Environment;
import org.springframework.test.annotation.DirtiesContext;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;

/** Clients that keep the servers waiting are cut, on both ports, and others are served meanwhile. */
@SpringBootTest(
        classes = ApiTestApplication.class,
        webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT,
        properties = {
            "gateway.demo.enabled=false",
            "gateway.http.connections=4",
            "gateway.http.head-time=500ms",
            "gateway.http.stall-time=1s",
            "management.server.address=127.0.0.1",
            "management.server.port=0"
        })
@DirtiesContext
@ExtendWith(OutputCaptureExtension.class)
class SlowClientsTest {
    private static final int PATIENCE_MILLIS = 30_000;

    @Autowired
    private Environment environment;

    @Autowired
    private MeterRegistry meters;

    @DynamicPropertySource
    static void pool(final DynamicPropertyRegistry properties) {
        properties.add("gateway.pool.path", () -> {
            try {
                return Files.createTempDirectory("pool");
            } catch (final IOException e) {
                throw new AssertionError(e);
            }
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"server", "management"})
    void aHeadThatIsNeverWhole(final String server) throws Exception {
        try (Socket slow = connect(server)) {
            slow.getOutputStream().write("GET /actuator/health HTTP/1.1\r\nHost: loc".getBytes(US_ASCII));
            assertThat(answer(slow)).isEmpty();
        }
        assertThat(cuts(server, ClientCut.HEAD)).isPositive();
    }

    @Test
    void aBodyThatNeverEnds(final CapturedOutput log) throws Exception {
        try (Socket slow = connect("server")) {
            slow.getOutputStream()
                    .write(("POST /api/v1/volumes HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                                    + "Content-Length: 30\r\n\r\n{\"name\"")
                            .getBytes(US_ASCII));
            assertThat(answer(slow)).isEmpty();
        }
        assertThat(cuts("server", ClientCut.BODY)).isPositive();
        assertThat(log).as("a client that goes is no error").doesNotContain("AbortedException");
    }

    @Test
    void oneConnectionTooMany() throws Exception {
        final List<Socket> clients = new ArrayList<>();
        try {
            for (int client = 0; client < 8; client++) {
                clients.add(connect("management"));
            }
            assertThat(answer(clients.getLast())).isEmpty();
            assertThat(cuts("management", ClientCut.CONNECTIONS)).isPositive();
        } finally {
            for (final Socket client : clients) {
                client.close();
            }
        }
        try (Socket other = connect("server")) {
            other.getOutputStream()
                    .write("GET /api/v1/volumes HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                            .getBytes(US_ASCII));
            assertThat(answer(other)).startsWith("HTTP/1.1 200 ");
        }
    }

    private double cuts(final String server, final ClientCut cut) {
        return meters.get("fused.http.connections.cut")
                .tag("server", server.equals("server") ? "rest" : server)
                .tag("limit", cut.name().toLowerCase(Locale.ROOT))
                .counter()
                .count();
    }

    private Socket connect(final String server) throws IOException {
        final Socket socket = new Socket(
                InetAddress.getLoopbackAddress(),
                environment.getRequiredProperty("local." + server + ".port", Integer.class));
        socket.setSoTimeout(PATIENCE_MILLIS);
        return socket;
    }

    /** All that comes until the connection ends; it must end. */
    private static String answer(final Socket socket) throws IOException {
        try {
            final InputStream in = socket.getInputStream();
            return new String(in.readAllBytes(), US_ASCII);
        } catch (final SocketException reset) {
            return "";
        }
    }
}
