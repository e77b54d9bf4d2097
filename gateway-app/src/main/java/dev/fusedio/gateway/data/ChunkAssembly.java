package dev.fusedio.gateway.data;

import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemType;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferFactory;
import org.springframework.core.io.buffer.DataBufferUtils;
import reactor.core.publisher.Flux;

/**
 * Gathers pieces of any size into chunks. A stream that ends early may close it on another thread than the one that
 * adds, so all its methods exclude each other; they are never contended in a healthy stream.
 */
final class ChunkAssembly implements AutoCloseable {
    private final ByteRange range;
    private final DataBufferFactory buffers;
    private final int chunkSize;
    private long position;
    private @Nullable DataBuffer partial;
    private boolean closed;

    ChunkAssembly(final ByteRange range, final DataBufferFactory buffers, final int chunkSize) {
        this.range = range;
        this.buffers = buffers;
        this.chunkSize = chunkSize;
        this.position = range.first();
    }

    /**
     * The chunks that a piece completes, made as they are asked for. The piece is released when the stream ends, in
     * whatever way. Fails if the piece is more than is missing.
     */
    Flux<Chunk> chunks(final DataBuffer piece) {
        return Flux.generate(
                () -> piece,
                (rest, sink) -> {
                    final Chunk full = fill(rest);
                    if (full == null) {
                        sink.complete();
                    } else {
                        sink.next(full);
                    }
                    return rest;
                },
                DataBufferUtils::release);
    }

    /** Says that there is no more; fails if something is missing. */
    synchronized Flux<Chunk> finish() {
        if (position != range.end()) {
            throw new ProblemException(
                    ProblemType.LENGTH_MISMATCH,
                    "The body ended after " + (position - range.first()) + " of the range's " + range.length()
                            + " bytes.");
        }
        return Flux.empty();
    }

    /** Copies until a chunk is full, which it gives, or the piece is empty. */
    private synchronized @Nullable Chunk fill(final DataBuffer piece) {
        if (piece.readableByteCount() > range.end() - position) {
            throw new ProblemException(
                    ProblemType.LENGTH_MISMATCH, "The body is longer than the range of " + range.length() + " bytes.");
        }
        while (!closed && piece.readableByteCount() > 0) {
            final DataBuffer chunk = partial == null ? start() : partial;
            final int count = Math.min(piece.readableByteCount(), room());
            copy(piece, chunk, count);
            position += count;
            if (position % chunkSize == 0 || position == range.end()) {
                return take(chunk);
            }
        }
        return null;
    }

    @Override
    public synchronized void close() {
        closed = true;
        if (partial != null) {
            DataBufferUtils.release(partial);
            partial = null;
        }
    }

    private DataBuffer start() {
        final DataBuffer chunk = buffers.allocateBuffer(room());
        partial = chunk;
        return chunk;
    }

    /** Bytes to the next boundary. */
    private int room() {
        final long boundary = Math.min((position / chunkSize + 1) * chunkSize, range.end());
        return (int) (boundary - position);
    }

    private Chunk take(final DataBuffer chunk) {
        partial = null;
        return new Chunk(position - chunk.readableByteCount(), chunk);
    }

    private static void copy(final DataBuffer from, final DataBuffer to, final int count) {
        try (DataBuffer.ByteBufferIterator target = to.writableByteBuffers()) {
            final ByteBuffer room = target.next();
            from.toByteBuffer(from.readPosition(), room, room.position(), count);
        }
        from.readPosition(from.readPosition() + count);
        to.writePosition(to.writePosition() + count);
    }

    /**
     * Bytes for one write.
     *
     * @param position where they go
     * @param buffer what they are
     */
    record Chunk(long position, DataBuffer buffer) {
        void release() {
            DataBufferUtils.release(buffer);
        }
    }
}
