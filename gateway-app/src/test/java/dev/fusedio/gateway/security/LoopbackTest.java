package dev.fusedio.gateway.security;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.gateway.ApiTest;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.test.web.server.LocalServerPort;

/** The API where authentication is off, since nothing but the loopback interface is listened on. */
class LoopbackTest extends ApiTest {
    @LocalServerPort
    private int port;

    @Test
    void everybodyOnThisMachineIsAnAdmin() {
        http.get()
                .uri("/api/v1/whoami")
                .exchange()
                .expectBody()
                .json("{\"name\": \"anonymous\", \"role\": \"admin\", \"authentication\": \"none\"}");
        http.get()
                .uri("/actuator/health")
                .exchange()
                .expectBody()
                .jsonPath("$.components.pool")
                .exists();
    }

    @Test
    void wrongCredentialsAreRefusedHereToo() {
        http.get()
                .uri("/api/v1/volumes")
                .headers(headers -> headers.setBearerAuth("wrong"))
                .exchange()
                .expectStatus()
                .isUnauthorized();
    }

    @ParameterizedTest
    @CsvSource({
        "GET, Host: rebound.example, 403",
        "GET, Host: 192.0.2.1, 403",
        "GET, Host: localhost.example, 403",
        "GET, Host: localhost, 200",
        "GET, Host: 127.0.0.1:80, 200",
        "GET, Host: [::1]:80, 200",
        "GET, Host: dev.localhost, 200"
    })
    void answersOnlyRequestsThatAreMeantForThisMachine(final String method, final String header, final int status)
            throws IOException {
        assertThat(send(method, header + "\r\n")).startsWith("HTTP/1.1 " + status);
    }

    @ParameterizedTest
    @CsvSource({
        "https://elsewhere.example, 403",
        "null, 403",
        "http://localhost:8080, 415",
    })
    void pagesFromElsewhereChangeNothing(final String origin, final int status) throws IOException {
        assertThat(send("POST", "Host: localhost\r\nOrigin: " + origin + "\r\nContent-Type: text/plain\r\n"))
                .startsWith("HTTP/1.1 " + status);
    }

    private String send(final String method, final String headers) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(30_000);
            final OutputStream out = socket.getOutputStream();
            out.write((method + " /api/v1/volumes HTTP/1.1\r\n" + headers
                            + "Content-Length: 0\r\nConnection: close\r\n\r\n")
                    .getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
        }
    }
}
