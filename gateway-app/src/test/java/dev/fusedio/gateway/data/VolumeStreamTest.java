package dev.fusedio.gateway.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.fusedio.gateway.engine.BackendType;
import dev.fusedio.gateway.engine.DataPlaneException;
import dev.fusedio.gateway.engine.InMemoryDataPlane;
import dev.fusedio.gateway.engine.InMemoryVolume;
import dev.fusedio.gateway.engine.VolumeSpec;
import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemType;
import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.reactivestreams.Subscription;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferUtils;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Sinks;
import reactor.test.StepVerifier;

/** Streams between HTTP and a volume: right bytes, bounded memory, and every buffer released whatever happens. */
class VolumeStreamTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int CHUNK = 64 << 10;
    private static final int SIZE = 10 * CHUNK + 512;

    private final PooledBuffers buffers = new PooledBuffers();
    private final byte[] content = new byte[SIZE];
    private InMemoryVolume volume;

    @BeforeEach
    void fill() {
        final InMemoryDataPlane dataPlane = new InMemoryDataPlane();
        dataPlane
                .open(new VolumeSpec("v", BackendType.MEMORY, null, SIZE, false, false, ""))
                .block(PATIENCE);
        volume = dataPlane.volume("v");
        new Random(1).nextBytes(content);
        volume.content(content);
    }

    @Test
    void readsAnyRange() {
        final long seed = System.nanoTime();
        final Random random = new Random(seed);
        for (int i = 0; i < 200; i++) {
            volume.blockSize(1 << random.nextInt(10));
            final int first = random.nextInt(SIZE);
            final int length = random.nextInt(1, SIZE - first + 1);
            final ByteRange range = new ByteRange(first, length);

            final byte[] bytes = collect(reader(random.nextInt(1, 4)).read(range));

            assertThat(bytes)
                    .as("seed %d: %s", seed, range)
                    .isEqualTo(Arrays.copyOfRange(content, first, first + length));
            buffers.assertAllReleased("seed " + seed);
        }
    }

    @Test
    void readsNoFurtherAheadThanItMay() {
        final List<DataBuffer> taken = new ArrayList<>();
        final BaseSubscriber<DataBuffer> slow = new BaseSubscriber<>() {
            @Override
            protected void hookOnSubscribe(final Subscription subscription) {
                request(1);
            }

            @Override
            protected void hookOnNext(final DataBuffer buffer) {
                taken.add(buffer);
            }
        };

        reader(2).read(ByteRange.all(SIZE)).subscribe(slow);

        assertThat(taken).hasSize(1);
        assertThat(buffers.heldBytes()).isLessThanOrEqualTo(4L * CHUNK);
        slow.cancel();
        taken.forEach(DataBufferUtils::release);
        buffers.assertAllReleased("after cancel");
    }

    @Test
    void keepsABufferUntilTheReadIntoItHasEnded() {
        volume.hold();
        final BaseSubscriber<DataBuffer> leaving = new BaseSubscriber<>() {};
        reader(2).read(ByteRange.all(SIZE)).subscribe(leaving);
        assertThat(volume.inFlight()).isEqualTo(2);

        leaving.cancel();

        assertThat(buffers.heldBytes()).isEqualTo(2L * CHUNK);
        volume.release();
        assertThat(volume.inFlight()).isZero();
        buffers.assertAllReleased("after the reads have ended");
    }

    @Test
    void aFailedReadEndsTheStreamAndLeavesNothing() {
        volume.fail("EIO");

        StepVerifier.create(reader(2).read(ByteRange.all(SIZE)).doOnNext(DataBufferUtils::release))
                .expectError(DataPlaneException.class)
                .verify(PATIENCE);

        buffers.assertAllReleased("after a failure");
    }

    @Test
    void writesAnyRangeFromPiecesOfAnySize() {
        final long seed = System.nanoTime();
        final Random random = new Random(seed);
        for (int i = 0; i < 200; i++) {
            final int block = 1 << random.nextInt(10);
            volume.blockSize(block);
            final int first = random.nextInt(SIZE / block) * block;
            final int length = random.nextInt(1, (SIZE - first) / block + 1) * block;
            final byte[] fresh = new byte[length];
            random.nextBytes(fresh);

            writer(random.nextInt(1, 4))
                    .write(new ByteRange(first, length), pieces(fresh, random, 200_000))
                    .block(PATIENCE);

            System.arraycopy(fresh, 0, content, first, length);
            assertThat(volume.content()).as("seed %d, round %d", seed, i).isEqualTo(content);
            buffers.assertAllReleased("seed " + seed);
        }
    }

    @Test
    void takesTheBodyNoFasterThanTheVolumeTakesIt() {
        volume.hold();
        final var writing = writer(2)
                .write(new ByteRange(0, 10L * CHUNK), pieces(new byte[10 * CHUNK], new Random(2), 16_384))
                .toFuture();

        assertThat(volume.inFlight()).isEqualTo(2);
        assertThat(buffers.heldBytes()).isLessThanOrEqualTo(5L * CHUNK);

        volume.release();
        writing.orTimeout(30, java.util.concurrent.TimeUnit.SECONDS).join();
        assertThat(volume.mostInFlight()).isEqualTo(2);
        buffers.assertAllReleased("after writing");
    }

    @Test
    void refusesABodyThatIsTooLongOrTooShort() {
        final Random random = new Random(3);
        for (final int length : new int[] {1, CHUNK - 1, CHUNK + 1, 3 * CHUNK - 1, 3 * CHUNK + 1, 5 * CHUNK}) {
            assertThatExceptionOfType(ProblemException.class)
                    .isThrownBy(() -> writer(2)
                            .write(new ByteRange(512, 3L * CHUNK), pieces(new byte[length], random, 10_000))
                            .block(PATIENCE))
                    .satisfies(problem -> assertThat(problem.type()).isEqualTo(ProblemType.LENGTH_MISMATCH));
            buffers.assertAllReleased(length + " bytes");
        }
    }

    @Test
    void aFailedWriteEndsTheStreamAndLeavesNothing() {
        volume.fail("ENOSPC");

        assertThatExceptionOfType(DataPlaneException.class)
                .isThrownBy(() -> writer(2)
                        .write(ByteRange.all(SIZE), pieces(content, new Random(4), 10_000))
                        .block(PATIENCE))
                .satisfies(failure -> assertThat(failure.errno()).isEqualTo("ENOSPC"));

        buffers.assertAllReleased("after a failure");
    }

    @Test
    void aClientThatLeavesHalfWayLeavesNothing() {
        volume.hold();
        final Sinks.Many<DataBuffer> body = Sinks.many().unicast().onBackpressureBuffer();
        final var writing = writer(2).write(ByteRange.all(SIZE), body.asFlux()).subscribe();
        for (int i = 0; i < 5; i++) {
            body.tryEmitNext(buffers.of(content, i * 50_000, (i + 1) * 50_000));
        }

        writing.dispose();

        assertThat(volume.inFlight()).isEqualTo(2);
        volume.release();
        assertThat(volume.inFlight()).isZero();
        buffers.assertAllReleased("after the writes have ended");
    }

    private VolumeReader reader(final int inFlight) {
        return new VolumeReader(volume, buffers, CHUNK, inFlight);
    }

    private VolumeWriter writer(final int inFlight) {
        return new VolumeWriter(volume, buffers, CHUNK, inFlight);
    }

    private Flux<DataBuffer> pieces(final byte[] bytes, final Random random, final int max) {
        final List<int[]> cuts = new ArrayList<>();
        for (int at = 0; at < bytes.length; ) {
            final int to = Math.min(bytes.length, at + random.nextInt(max));
            cuts.add(new int[] {at, to});
            at = to;
        }
        return Flux.fromIterable(cuts).map(cut -> buffers.of(bytes, cut[0], cut[1]));
    }

    private static byte[] collect(final Flux<DataBuffer> stream) {
        final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        stream.doOnNext(buffer -> {
                    final byte[] part = new byte[buffer.readableByteCount()];
                    buffer.read(part);
                    bytes.writeBytes(part);
                    DataBufferUtils.release(buffer);
                })
                .blockLast(PATIENCE);
        return bytes.toByteArray();
    }
}
