package dev.fusedio.net;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.loop.SimulatedLoop;
import dev.fusedio.ring.SimulatedFaults;
import dev.fusedio.ring.SimulatedListener;
import dev.fusedio.sys.Errno;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ListenerTest {
    private static final long SECOND = 1_000_000_000;

    @ParameterizedTest
    @ValueSource(ints = {Errno.ENFILE, Errno.EMFILE, Errno.EPERM, Errno.EINVAL})
    @DisplayName(
            "fault 12: an accept that fails again and again is tried ever more rarely, told of once a minute, and recovers")
    void failingAcceptsBackOff(final int error) throws Exception {
        final List<Integer> accepted = new ArrayList<>();
        try (SimulatedLoop simulated = new SimulatedLoop(1, SimulatedFaults.none())) {
            final SimulatedListener socket = simulated.ring().listener();
            socket.failWith(-error);
            new Listener(simulated.loop(), socket.fd(), accepted::add);

            assertThat(toldIn(simulated, SECOND)).isEqualTo(1);
            for (int second = 1; second < 59; second++) {
                assertThat(toldIn(simulated, SECOND)).isZero();
            }
            assertThat(socket.accepts()).isBetween(10, 30);
            socket.failWith(0);
            socket.connect();
            simulated.runFor(6 * SECOND);
            assertThat(accepted).hasSize(1);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {Errno.ENFILE})
    @DisplayName("fault 12: the second minute of failures is told of as well")
    void aLongFailureIsToldOfOnceAMinute(final int error) throws Exception {
        try (SimulatedLoop simulated = new SimulatedLoop(1, SimulatedFaults.none())) {
            final SimulatedListener socket = simulated.ring().listener();
            socket.failWith(-error);
            new Listener(simulated.loop(), socket.fd(), fd -> {});
            int told = 0;
            for (int second = 0; second < 200; second++) {
                told += toldIn(simulated, SECOND);
            }
            assertThat(told).isBetween(3, 4);
        }
    }

    /** Lets time pass and counts what the loop's consumer of errors was told meanwhile. */
    private static int toldIn(final SimulatedLoop simulated, final long nanos) {
        final long end = simulated.loop().preciseNow() + nanos;
        int told = 0;
        while (end - simulated.loop().preciseNow() > 0) {
            try {
                simulated.runFor(end - simulated.loop().preciseNow());
            } catch (final AssertionError e) {
                assertThat(simulated.takeErrors())
                        .singleElement()
                        .satisfies(error -> assertThat(error).hasMessageContaining("accepting connections"));
                told++;
            }
        }
        return told;
    }
}
