package dev.fusedio.backend.wrap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.fusedio.loop.SimulatedLoop;
import dev.fusedio.ring.SimulatedFaults;
import dev.fusedio.ring.SimulatedFile;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.SystemCallException;
import dev.fusedio.volume.LaneDriver;
import dev.fusedio.volume.SimulatedBackend;
import dev.fusedio.volume.VolumeOperation;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ErrorBackendTest {
    private static final int BYTES = 64 << 10;

    private SimulatedLoop fixture;
    private SimulatedFile disk;

    @BeforeEach
    void open() throws SystemCallException {
        fixture = new SimulatedLoop(1, SimulatedFaults.none());
        disk = fixture.ring().file(BYTES);
    }

    @AfterEach
    void close() {
        fixture.close();
    }

    private LaneDriver driver(final Set<VolumeOperation> operations, final double rate, final long seed) {
        final ErrorBackend backend = new ErrorBackend(new SimulatedBackend(disk), operations, Errno.ENOSPC, rate, seed);
        return new LaneDriver(fixture.loop(), backend.attach(fixture.loop()), fixture::runUntil);
    }

    private static int perform(final LaneDriver driver, final VolumeOperation operation) {
        return switch (operation) {
            case READ -> driver.read(new byte[4096], 0);
            case WRITE -> driver.write(new byte[] {1, 2, 3}, 0, false);
            case FLUSH -> driver.flush();
            case TRIM -> driver.trim(0, 4096);
            case ZERO -> driver.zero(0, 4096, true);
            case CACHE -> driver.cache(0, 4096);
            case EXTENTS -> {
                final String answer = driver.extents(0, BYTES, 8);
                yield answer.startsWith("-") ? Integer.parseInt(answer) : 0;
            }
        };
    }

    @ParameterizedTest
    @EnumSource
    void theChosenOperationFailsAndNoOther(final VolumeOperation chosen) {
        final LaneDriver driver = driver(EnumSet.of(chosen), 1, 1);
        for (final VolumeOperation operation : VolumeOperation.values()) {
            assertThat(perform(driver, operation))
                    .as("%s", operation)
                    .isEqualTo(operation == chosen ? -Errno.ENOSPC : 0);
        }
    }

    @Test
    void whatFailedDidNotReachStorage() {
        driver(EnumSet.of(VolumeOperation.WRITE), 1, 1).write(new byte[] {1, 2, 3}, 0, true);
        assertThat(disk.content()).containsOnly(0);
        assertThat(fixture.ring().pending()).as("only the wake-up's read").isEqualTo(1);
    }

    @Test
    void someFailAndTheSameOnesEachTime() {
        final List<Integer> first = results(7);
        assertThat(first).contains(0, -Errno.ENOSPC);
        assertThat(results(7)).isEqualTo(first);
        assertThat(results(8)).isNotEqualTo(first);
    }

    private List<Integer> results(final long seed) {
        final LaneDriver driver = driver(EnumSet.of(VolumeOperation.READ), 0.5, seed);
        final List<Integer> results = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            results.add(perform(driver, VolumeOperation.READ));
        }
        return results;
    }

    @Test
    void aRateOfNothingNeverFails() {
        final LaneDriver driver = driver(EnumSet.allOf(VolumeOperation.class), 0, 1);
        for (int i = 0; i < 100; i++) {
            assertThat(perform(driver, VolumeOperation.READ)).isZero();
        }
    }

    @Test
    void isOtherwiseWhatItWraps() throws Exception {
        final SimulatedBackend inner = new SimulatedBackend(disk);
        final ErrorBackend backend = new ErrorBackend(inner, Set.of(), Errno.EIO, 0.5, 1);
        assertThat(backend.capabilities()).isEqualTo(inner.capabilities());
        assertThat(backend.description()).startsWith(inner.description()).contains("EIO");
        backend.grow(2 * BYTES);
        assertThat(backend.size()).isEqualTo(2 * BYTES).isEqualTo(backend.allocatedBytes());
        backend.close();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -5, 4096})
    void refusesWhatIsNoErrorNumber(final int errno) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new ErrorBackend(new SimulatedBackend(disk), Set.of(), errno, 1, 1))
                .withMessageContaining(Integer.toString(errno));
    }

    @ParameterizedTest
    @ValueSource(doubles = {-0.1, 1.1, Double.NaN})
    void refusesWhatIsNoRate(final double rate) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new ErrorBackend(new SimulatedBackend(disk), Set.of(), Errno.EIO, rate, 1))
                .withMessageContaining(Double.toString(rate));
    }
}
