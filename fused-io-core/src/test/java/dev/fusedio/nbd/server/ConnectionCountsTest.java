package dev.fusedio.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.SplittableRandom;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class ConnectionCountsTest {
    @Test
    @DisplayName("fault 8: one address can't take all connections, whatever its ports")
    void anAddressHasALimitOfItsOwn() {
        final ConnectionCounts counts = new ConnectionCounts(10, 4);
        for (int port = 1; port <= 6; port++) {
            assertThat(counts.enter("192.0.2.1:" + port)).isEqualTo(port <= 4);
            if (port > 4) {
                counts.leave("192.0.2.1:" + port);
            }
        }
        assertThat(counts.enter("[2001:db8::1]:1")).isTrue();
        assertThat(counts.enter("192.0.2.2:1")).isTrue();
        for (int i = 0; i < 4; i++) {
            assertThat(counts.enter("unix"))
                    .as("a Unix socket's client has no address")
                    .isTrue();
        }
        assertThat(counts.enter("192.0.2.3:1")).as("the eleventh").isFalse();
    }

    @Test
    @DisplayName("fault 8: what leaves makes room, and nothing is remembered of it")
    void whatLeavesMakesRoom() {
        final ConnectionCounts counts = new ConnectionCounts(100, 3);
        final Deque<String> in = new ArrayDeque<>();
        final SplittableRandom random = new SplittableRandom(8);
        for (int i = 0; i < 10_000; i++) {
            if (in.isEmpty() || random.nextInt(5) < 3) {
                final String peer = "192.0.2." + random.nextInt(50) + ":" + i;
                if (counts.enter(peer)) {
                    in.add(peer);
                } else {
                    counts.leave(peer);
                }
            } else {
                counts.leave(in.removeFirst());
            }
            assertThat(counts.all()).isEqualTo(in.size()).isLessThanOrEqualTo(100);
        }
        while (!in.isEmpty()) {
            counts.leave(in.removeFirst());
        }
        assertThat(counts.all()).isZero();
        assertThat(counts.addresses()).isZero();
    }
}
