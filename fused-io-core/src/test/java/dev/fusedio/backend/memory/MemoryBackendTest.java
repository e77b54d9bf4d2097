package dev.fusedio.backend.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.fusedio.loop.SimulatedLoop;
import dev.fusedio.ring.SimulatedFaults;
import dev.fusedio.sys.Seeds;
import dev.fusedio.volume.LaneDriver;
import java.io.IOException;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class MemoryBackendTest {
    private static final long CHUNK = 1L << 30;
    private static final int BYTES = 256 << 10;

    private SimulatedLoop fixture;
    private MemoryBackend backend;

    @BeforeEach
    void open() throws IOException {
        fixture = new SimulatedLoop(1, SimulatedFaults.none());
        backend = new MemoryBackend(BYTES);
    }

    @AfterEach
    void close() throws IOException {
        fixture.close();
        backend.close();
    }

    private LaneDriver driver() {
        return new LaneDriver(fixture.loop(), backend.attach(fixture.loop()), fixture::runUntil);
    }

    @Test
    @DisplayName("fault 4: a long range is zeroed in slices, one a round")
    void aLongRangeIsZeroedInSlices() throws Exception {
        final long length = 100 << 20;
        backend.grow(CHUNK + length);
        final long position = CHUNK - length / 2;
        final int[] rounds = {0};
        final LaneDriver driver = new LaneDriver(fixture.loop(), backend.attach(fixture.loop()), done -> {
            for (; !done.getAsBoolean(); rounds[0]++) {
                fixture.runOnce();
            }
        });
        final byte[] data = new byte[4096];
        Arrays.fill(data, (byte) 1);
        for (long at = position - 4096; at <= position + length; at += 4096L * 1024) {
            assertThat(driver.write(data, at, false)).isZero();
        }
        assertThat(driver.write(data, position + length - 4096, false)).isZero();
        rounds[0] = 0;
        assertThat(driver.zero(position, length, true)).isZero();
        assertThat(rounds[0]).isBetween(7, 9);
        final byte[] read = new byte[4096];
        for (long at = position; at < position + length; at += 4096L * 512) {
            assertThat(driver.read(read, at)).isZero();
            assertThat(read).containsOnly(0);
        }
        assertThat(driver.read(read, position - 4096)).isZero();
        assertThat(read).isEqualTo(data);
        assertThat(driver.read(read, position + length - 4096)).isZero();
        assertThat(read).containsOnly(0);
    }

    @Test
    void againstAnArray() {
        Seeds.forEach(100, seed -> {
            final SplittableRandom random = new SplittableRandom(seed);
            final LaneDriver driver = driver();
            final byte[] model = new byte[BYTES];
            assertThat(driver.read(model, 0)).isZero(); // what earlier seeds left
            for (int step = 0; step < 60; step++) {
                final int length = 1 + random.nextInt(20_000);
                final int at = random.nextInt(BYTES - length);
                switch (random.nextInt(5)) {
                    case 0, 1 -> {
                        final byte[] news = new byte[length];
                        random.nextBytes(news);
                        assertThat(driver.write(news, at, random.nextBoolean())).isZero();
                        System.arraycopy(news, 0, model, at, length);
                    }
                    case 2 -> {
                        assertThat(random.nextBoolean() ? driver.trim(at, length) : driver.zero(at, length, true))
                                .isZero();
                        Arrays.fill(model, at, at + length, (byte) 0);
                    }
                    default -> {
                        final byte[] read = new byte[length];
                        assertThat(driver.read(read, at)).isZero();
                        assertThat(read).isEqualTo(Arrays.copyOfRange(model, at, at + length));
                    }
                }
            }
        });
    }

    @Test
    void growsAcrossItsChunks() throws IOException {
        backend.grow(2 * CHUNK + 4096);
        assertThat(backend.size()).isEqualTo(2 * CHUNK + 4096);
        final LaneDriver driver = driver();
        final byte[] news = new byte[100_000];
        new SplittableRandom(1).nextBytes(news);
        assertThat(driver.write(news, CHUNK - 50_000, false)).isZero();
        final byte[] read = new byte[news.length];
        assertThat(driver.read(read, CHUNK - 50_000)).isZero();
        assertThat(read).isEqualTo(news);
        assertThat(driver.zero(CHUNK - 40_000, 80_000, false)).isZero();
        assertThat(driver.read(read, CHUNK - 50_000)).isZero();
        Arrays.fill(news, 10_000, 90_000, (byte) 0);
        assertThat(read).isEqualTo(news);
        assertThat(driver.read(new byte[4096], 2 * CHUNK)).isZero();
    }

    @Test
    void lanesServeTheNewSizeAtOnce() throws IOException {
        final LaneDriver before = driver();
        backend.grow(CHUNK + 10);
        assertThat(before.write(new byte[] {1}, CHUNK + 9, false)).isZero();
    }

    @Test
    void doesNotShrink() {
        assertThatIllegalArgumentException().isThrownBy(() -> backend.grow(BYTES - 1));
        assertThatIllegalArgumentException().isThrownBy(() -> new MemoryBackend(-1));
    }

    @Test
    void theRestEndsAtOnce() {
        final LaneDriver driver = driver();
        assertThat(driver.flush()).isZero();
        assertThat(driver.cache(0, 4096)).isZero();
        assertThat(driver.extents(0, BYTES, 8)).isEqualTo("data " + BYTES);
        assertThat(backend.attach(fixture.loop()).writesInline()).isTrue();
        assertThat(backend.capabilities().canExtents()).isFalse();
        assertThat(backend.description()).isEqualTo("memory");
    }

    @Test
    void payloadIsCountedAsCopied() {
        driver().write(new byte[5000], 0, false);
        assertThat(fixture.loop().snapshot().copiedBytes()).isEqualTo(5000);
        assertThat(fixture.loop().snapshot().borrowedBytes()).isZero();
    }
}
