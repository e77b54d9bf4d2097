package dev.fusedio.gateway.data;

import dev.fusedio.gateway.engine.OpenVolume;
import java.nio.ByteBuffer;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferFactory;
import org.springframework.core.io.buffer.DataBufferUtils;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Writes a stream of buffers to a volume. What the network brings is gathered into chunks that begin and end at
 * multiples of the chunk size, so that a volume opened with O_DIRECT takes them too and a file system sees few writes.
 */
final class VolumeWriter {
    private final OpenVolume volume;
    private final DataBufferFactory buffers;
    private final int chunkSize;
    private final int chunksInFlight;

    /**
     * @param chunkSize bytes of one write at most, a power of two not below the volume's block size
     * @param chunksInFlight writes at one time
     */
    VolumeWriter(
            final OpenVolume volume, final DataBufferFactory buffers, final int chunkSize, final int chunksInFlight) {
        this.volume = volume;
        this.buffers = buffers;
        this.chunkSize = chunkSize;
        this.chunksInFlight = chunksInFlight;
    }

    /**
     * Writes all of {@code body} to {@code range}. The body is taken as fast as the volume takes it, and each of its
     * buffers is released. Fails with a length-mismatch problem if the body has not the range's length; what came
     * before is written then.
     */
    Mono<Void> write(final ByteRange range, final Flux<DataBuffer> body) {
        return Mono.using(
                () -> new ChunkAssembly(range, buffers, chunkSize),
                assembly -> body.concatMap(assembly::chunks, 1)
                        .concatWith(Flux.defer(assembly::finish))
                        .doOnDiscard(DataBuffer.class, DataBufferUtils::release)
                        .flatMap(this::writeChunk, chunksInFlight, 1)
                        .doOnDiscard(ChunkAssembly.Chunk.class, ChunkAssembly.Chunk::release)
                        .then(),
                ChunkAssembly::close);
    }

    private Mono<Void> writeChunk(final ChunkAssembly.Chunk chunk) {
        return Mono.defer(() -> {
            final ByteBuffer bytes;
            try (DataBuffer.ByteBufferIterator parts = chunk.buffer().readableByteBuffers()) {
                bytes = parts.next();
            }
            // The write goes on when the client has left, and the buffer must not be anybody else's by then.
            return Mono.fromFuture(
                    volume.write(chunk.position(), bytes)
                            .doFinally(signal -> chunk.release())
                            .toFuture(),
                    true);
        });
    }
}
