package dev.fusedio.gateway.copy;

import dev.fusedio.gateway.engine.OpenVolume;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.LongConsumer;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Reads what one volume has and writes what is not zero to another, whose bytes are all zero: so holes stay holes, and
 * cost next to nothing. A few chunks are under way at one time, each with a buffer that nobody else ever has: a read may
 * still fill it when the subscriber has left. For one use.
 */
final class SparseCopy {
    /** The unit in which file systems have holes. */
    private static final int UNIT = 4096;

    private final OpenVolume source;
    private final OpenVolume target;
    private final long size;
    private final int chunkSize;
    private final int chunksInFlight;
    private final int unit;
    private final ByteBuffer zeros;
    private final Queue<ByteBuffer> buffers = new ConcurrentLinkedQueue<>();
    private long position; // belongs to whoever looks for the next chunk
    private long dataEnd; // likewise: up to here it is known to be data

    /**
     * @param target not smaller than {@code source}; holds zeros
     * @param chunkSize bytes of one read at most, a power of two not below 64 KiB
     * @param chunksInFlight chunks at one time
     */
    SparseCopy(final OpenVolume source, final OpenVolume target, final int chunkSize, final int chunksInFlight) {
        this.source = source;
        this.target = target;
        this.size = source.size();
        this.chunkSize = chunkSize;
        this.chunksInFlight = chunksInFlight;
        this.unit = Math.max(UNIT, Math.max(source.blockSize(), target.blockSize()));
        this.zeros = ByteBuffer.allocate(unit).asReadOnlyBuffer();
    }

    /**
     * Copies all. What was begun goes on when the subscriber leaves, and nothing more is begun.
     *
     * @param done is told of bytes as they are done, holes included; may throw, which ends it
     */
    Mono<Void> run(final LongConsumer done) {
        return Mono.defer(() -> {
            for (int i = 0; i < chunksInFlight; i++) {
                buffers.add(ByteBuffer.allocate(chunkSize));
            }
            return Mono.defer(() -> nextChunk(done))
                    .repeat(() -> position < size)
                    .flatMap(chunk -> copy(chunk, done), chunksInFlight, 1)
                    .then();
        });
    }

    /** Passes over the hole that is next, if one is, then takes a chunk; empty when the source ends with a hole. */
    private Mono<Chunk> nextChunk(final LongConsumer done) {
        if (position < dataEnd) {
            return Mono.just(take());
        }
        return source.extent(position).mapNotNull(extent -> {
            if (!extent.isHole()) {
                dataEnd = position + extent.length();
                return take();
            }
            final long hole = position + extent.length();
            final long to = hole >= size ? size : hole & -unit;
            done.accept(to - position);
            position = to;
            return position < size ? take() : null;
        });
    }

    /** Whole units: what of a chunk is a hole after all is found when it is read. */
    private Chunk take() {
        final int length = (int) Math.min(chunkSize, size - position);
        final Chunk chunk = new Chunk(position, length);
        position += length;
        return chunk;
    }

    private Mono<Void> copy(final Chunk chunk, final LongConsumer done) {
        return Mono.defer(() -> {
            final ByteBuffer buffer = Objects.requireNonNull(buffers.poll(), "a buffer for each chunk in flight");
            return source.read(chunk.position, buffer.slice(0, chunk.length))
                    .thenMany(Flux.defer(() -> Flux.fromIterable(data(buffer, chunk))))
                    .concatMap(
                            run -> target.write(chunk.position + run.from, buffer.slice(run.from, run.to - run.from)),
                            1)
                    .then(Mono.fromRunnable(() -> {
                        buffers.add(buffer);
                        done.accept(chunk.length);
                    }));
        });
    }

    /** What is to be written. The last unit may reach behind the source, where the target has zeros. */
    private List<Run> data(final ByteBuffer buffer, final Chunk chunk) {
        final int padded = (int) Math.min((chunk.length + unit - 1) & -unit, target.size() - chunk.position);
        for (int i = chunk.length; i < padded; i++) {
            buffer.put(i, (byte) 0);
        }
        final List<Run> runs = new ArrayList<>();
        int from = -1;
        for (int at = 0; at < padded; at += unit) {
            final int here = Math.min(unit, padded - at);
            final boolean isZero = buffer.slice(at, here).mismatch(zeros.slice(0, here)) < 0;
            if (isZero && from >= 0) {
                runs.add(new Run(from, at));
                from = -1;
            } else if (!isZero && from < 0) {
                from = at;
            }
        }
        if (from >= 0) {
            runs.add(new Run(from, padded));
        }
        return runs;
    }

    /** A part of the source. */
    private record Chunk(long position, int length) {}

    /** A part of a chunk. */
    private record Run(int from, int to) {}
}
