package dev.fusedio.gateway.data;

import dev.fusedio.gateway.engine.OpenVolume;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferFactory;
import org.springframework.core.io.buffer.DataBufferUtils;
import reactor.core.publisher.Mono;

/**
 * The chunks of one range, in order, with some reads under way before they are asked for. A stream that ends early may
 * close it on another thread than the one that asks, so the two exclude each other.
 */
final class ReadAhead implements AutoCloseable {
    private final OpenVolume volume;
    private final DataBufferFactory buffers;
    private final ByteRange range;
    private final int chunkSize;
    private final int chunksInFlight;
    private final Queue<CompletableFuture<@Nullable Chunk>> reads = new ArrayDeque<>();
    private long position;
    private boolean closed;

    ReadAhead(
            final OpenVolume volume,
            final DataBufferFactory buffers,
            final ByteRange range,
            final int chunkSize,
            final int chunksInFlight) {
        this.volume = volume;
        this.buffers = buffers;
        this.range = range;
        this.chunkSize = chunkSize;
        this.chunksInFlight = chunksInFlight;
        this.position = range.first();
    }

    /** How many chunks there are, 1 or more; they end at multiples of the chunk size. */
    long chunks() {
        return (range.end() - 1) / chunkSize - range.first() / chunkSize + 1;
    }

    /** The next chunk, for the caller to release. */
    synchronized Mono<DataBuffer> next() {
        while (!closed && reads.size() < chunksInFlight && position < range.end()) {
            reads.add(read());
        }
        final CompletableFuture<@Nullable Chunk> first = reads.peek();
        return first == null
                ? Mono.empty()
                : Mono.fromFuture(first, true).handle((chunk, sink) -> {
                    if (take(first)) {
                        sink.next(chunk.buffer);
                    }
                });
    }

    /** Releases what was read and not taken, once it is read. */
    @Override
    public synchronized void close() {
        closed = true;
        reads.forEach(
                read -> Mono.fromFuture(read).subscribe(chunk -> DataBufferUtils.release(chunk.buffer), failure -> {}));
        reads.clear();
    }

    /** Passes a buffer from here to the stream; false if it is released already. */
    @SuppressWarnings("ReferenceEquality") // it is this very read
    private synchronized boolean take(final CompletableFuture<@Nullable Chunk> read) {
        if (reads.peek() != read) {
            return false;
        }
        reads.remove();
        return true;
    }

    /** Begins a read, which goes on when nobody wants it any more: only its end frees the buffer for others. */
    private CompletableFuture<@Nullable Chunk> read() {
        final long wantedFrom = position;
        final long wantedTo = Math.min((wantedFrom / chunkSize + 1) * chunkSize, range.end());
        final long block = volume.blockSize();
        final long from = wantedFrom & -block;
        final long to = Math.min((wantedTo + block - 1) & -block, volume.size());
        final int length = Math.toIntExact(to - from);
        final DataBuffer buffer = buffers.allocateBuffer(length);
        position = wantedTo;
        return volume.read(from, writable(buffer, length))
                .then(Mono.fromSupplier(() -> new Chunk(
                        buffer.writePosition((int) (wantedTo - from)).readPosition((int) (wantedFrom - from)))))
                .doOnError(failure -> DataBufferUtils.release(buffer))
                .toFuture();
    }

    private static ByteBuffer writable(final DataBuffer buffer, final int length) {
        try (DataBuffer.ByteBufferIterator parts = buffer.writableByteBuffers()) {
            return parts.next().slice(0, length);
        }
    }

    /** What was read. A type of its own, because a stream that ends early discards buffers, and these are not its own. */
    private record Chunk(DataBuffer buffer) {}
}
