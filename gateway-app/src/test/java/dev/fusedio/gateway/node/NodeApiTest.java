package dev.fusedio.gateway.node;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.gateway.ApiTest;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.springframework.http.HttpStatus;

class NodeApiTest extends ApiTest {
    @Test
    void tellsWhatTheKernelGrantedAndRefusedAndEveryLimit() {
        http.get()
                .uri("/api/v1/node")
                .exchange()
                .expectStatus()
                .isOk()
                .expectBody()
                .jsonPath("$.kernel.release")
                .isEqualTo("6.12.0")
                .jsonPath("$.ring.running")
                .isEqualTo(true)
                .jsonPath("$.ring.granted[0]")
                .isEqualTo("SINGLE_ISSUER")
                .jsonPath("$.ring.refused[0].feature")
                .isEqualTo("REGISTER_BUFFERS")
                .jsonPath("$.ring.refused[0].reason")
                .isEqualTo("the limit on locked memory")
                .jsonPath("$.cores.loops.length()")
                .isEqualTo(2)
                .jsonPath("$.memory.slabBytes")
                .isEqualTo(2 << 20)
                .jsonPath("$.nbd.listening[0]")
                .isEqualTo("127.0.0.1:10809")
                .jsonPath("$.blockDevices.available")
                .isEqualTo(true)
                .jsonPath("$.pool.totalBytes")
                .value(Number.class, bytes -> assertThat(bytes.longValue()).isPositive())
                .jsonPath("$.limits.openFiles")
                .isEqualTo(1024)
                .jsonPath("$.limits.nbd.handshakeTime")
                .isEqualTo("PT10S")
                .jsonPath("$.limits.httpTransfers")
                .isEqualTo(2);
    }

    @Test
    void isHealthy() {
        health("", HttpStatus.OK, "UP");
        health("/liveness", HttpStatus.OK, "UP");
        health("/readiness", HttpStatus.OK, "UP");
    }

    @Test
    @DisplayName("fault 3: without its loops it is neither alive nor ready")
    void isNotAliveWithoutItsLoops() {
        dataPlane.running(false);
        health("/liveness", HttpStatus.SERVICE_UNAVAILABLE, "DOWN");
        health("/readiness", HttpStatus.SERVICE_UNAVAILABLE, "DOWN");
        dataPlane.running(true);
    }

    @Test
    void isNotReadyWithoutItsListener() {
        sessions.reset();
        health("/readiness", HttpStatus.SERVICE_UNAVAILABLE, "DOWN");
        health("/liveness", HttpStatus.OK, "UP");
    }

    private void health(final String group, final HttpStatus status, final String expected) {
        http.get()
                .uri("/actuator/health" + group)
                .exchange()
                .expectStatus()
                .isEqualTo(status)
                .expectBody()
                .jsonPath("$.status")
                .isEqualTo(expected);
    }
}
