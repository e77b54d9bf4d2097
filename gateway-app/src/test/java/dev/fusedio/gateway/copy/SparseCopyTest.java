package dev.fusedio.gateway.copy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.fusedio.gateway.engine.BackendType;
import dev.fusedio.gateway.engine.DataPlaneException;
import dev.fusedio.gateway.engine.InMemoryDataPlane;
import dev.fusedio.gateway.engine.InMemoryVolume;
import dev.fusedio.gateway.engine.VolumeSpec;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SparseCopyTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int CHUNK = 64 << 10;

    private final InMemoryDataPlane dataPlane = new InMemoryDataPlane();
    private final AtomicLong done = new AtomicLong();

    @ParameterizedTest
    @ValueSource(ints = {512, 4096, 65536, 66048, 1 << 20, (1 << 20) + 1536})
    void bytesAreTheSameWhateverTheSize(final int size) {
        final InMemoryVolume source = volume("source", size);
        final byte[] content = new byte[size];
        new Random(size).nextBytes(content);
        source.content(content);
        final InMemoryVolume target = volume("target", size);

        copy(source, target, 2);

        assertThat(target.content()).isEqualTo(content);
        assertThat(done).hasValue(size);
    }

    @Test
    void zerosAreReadAndNotWritten() {
        final InMemoryVolume source = volume("source", 1 << 20);
        final byte[] content = new byte[1 << 20];
        Arrays.fill(content, 8192, 8192 + 4096, (byte) 1); // one unit
        Arrays.fill(content, CHUNK - 1, CHUNK + 1, (byte) 2); // the last of one chunk and the first of another
        source.content(content);
        final InMemoryVolume target = volume("target", 1 << 20);

        copy(source, target, 2);

        assertThat(target.content()).isEqualTo(content);
        assertThat(target.writes()).isEqualTo(3);
        assertThat(source.reads()).isEqualTo(16);
    }

    @Test
    void holesAreNotEvenRead() {
        final InMemoryVolume source = volume("source", 1L << 50);
        source.content(new byte[] {1});
        source.holeFrom(100_000);
        final InMemoryVolume target = volume("target", 1L << 50);

        copy(source, target, 2);

        assertThat(source.reads()).isEqualTo(2);
        assertThat(target.writes()).isEqualTo(1);
        assertThat(done).hasValue(1L << 50);
    }

    @Test
    void aTargetOfLargerBlocksGetsWholeOnes() {
        final InMemoryVolume source = volume("source", 9216);
        final byte[] content = new byte[9216];
        Arrays.fill(content, (byte) 7);
        source.content(content);
        final InMemoryVolume target = volume("target", 16384);
        target.blockSize(4096);

        copy(source, target, 1);

        assertThat(Arrays.copyOf(target.content(), 9216)).isEqualTo(content);
        assertThat(Arrays.copyOfRange(target.content(), 9216, 16384)).containsOnly(0);
    }

    @Test
    void noMoreIsUnderWayThanIsAllowed() {
        final InMemoryVolume source = volume("source", 1 << 20);
        source.hold();
        final var running = copied(source, volume("target", 1 << 20), 3).toFuture();

        assertThat(source.inFlight()).isEqualTo(3);
        source.release();
        running.orTimeout(30, java.util.concurrent.TimeUnit.SECONDS).join();
        assertThat(source.mostInFlight()).isEqualTo(3);
    }

    @Test
    void aFailureOfEitherEndsIt() {
        final InMemoryVolume source = volume("source", 1 << 20);
        source.content(new byte[] {1});
        final InMemoryVolume target = volume("target", 1 << 20);
        target.fail("ENOSPC");
        assertThatExceptionOfType(DataPlaneException.class)
                .isThrownBy(() -> copy(source, target, 2))
                .satisfies(failure -> assertThat(failure.errno()).isEqualTo("ENOSPC"));
        source.fail("EIO");
        assertThatExceptionOfType(DataPlaneException.class)
                .isThrownBy(() -> copy(source, target, 2))
                .satisfies(failure -> assertThat(failure.errno()).isEqualTo("EIO"));
    }

    private void copy(final InMemoryVolume source, final InMemoryVolume target, final int inFlight) {
        copied(source, target, inFlight).block(PATIENCE);
    }

    private reactor.core.publisher.Mono<Void> copied(
            final InMemoryVolume source, final InMemoryVolume target, final int inFlight) {
        return new SparseCopy(source, target, CHUNK, inFlight).run(done::addAndGet);
    }

    private InMemoryVolume volume(final String name, final long size) {
        dataPlane
                .open(new VolumeSpec(name, BackendType.MEMORY, null, size, false, false, ""))
                .block(PATIENCE);
        return dataPlane.volume(name);
    }
}
