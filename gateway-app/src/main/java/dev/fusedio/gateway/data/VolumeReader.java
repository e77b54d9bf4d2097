package dev.fusedio.gateway.data;

import dev.fusedio.gateway.engine.OpenVolume;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferFactory;
import org.springframework.core.io.buffer.DataBufferUtils;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.SynchronousSink;

/**
 * Reads a volume as a stream of buffers, in order, a few chunks ahead of who takes them.
 *
 * <p>A chunk is handed on in slices: the HTTP server takes up to 128 buffers before the first is on the wire, whatever
 * their size, and with slices that is about four chunks for a client that does not read.
 */
final class VolumeReader {
    private static final int SLICE = 8 << 10;

    private final OpenVolume volume;
    private final DataBufferFactory buffers;
    private final int chunkSize;
    private final int chunksInFlight;

    /**
     * @param chunkSize bytes of one read at most, a power of two not below the volume's block size
     * @param chunksInFlight reads at one time
     */
    VolumeReader(
            final OpenVolume volume, final DataBufferFactory buffers, final int chunkSize, final int chunksInFlight) {
        this.volume = volume;
        this.buffers = buffers;
        this.chunkSize = chunkSize;
        this.chunksInFlight = chunksInFlight;
    }

    /** The bytes of {@code range}. Whoever takes the buffers releases them; those not taken are released here. */
    Flux<DataBuffer> read(final ByteRange range) {
        return Flux.using(
                        () -> new ReadAhead(volume, buffers, range, chunkSize, chunksInFlight),
                        ahead -> Mono.defer(ahead::next).repeat(ahead.chunks() - 1),
                        ReadAhead::close)
                .concatMap(VolumeReader::slices, 1)
                .doOnDiscard(DataBuffer.class, DataBufferUtils::release);
    }

    /** Cut as they are asked for: none is ever in hand when the stream ends early, and the rest is released. */
    private static Flux<DataBuffer> slices(final DataBuffer chunk) {
        return Flux.generate(
                () -> new Rest(chunk),
                (rest, sink) -> {
                    rest.emit(sink);
                    return rest;
                },
                Rest::release);
    }

    /** What is left of a chunk. */
    private static final class Rest {
        private @Nullable DataBuffer chunk;

        Rest(final DataBuffer chunk) {
            this.chunk = chunk;
        }

        void emit(final SynchronousSink<DataBuffer> sink) {
            final DataBuffer whole = chunk;
            if (whole == null) {
                sink.complete();
            } else if (whole.readableByteCount() > SLICE) {
                sink.next(whole.split(whole.readPosition() + SLICE));
            } else {
                chunk = null;
                sink.next(whole);
            }
        }

        void release() {
            DataBufferUtils.release(chunk);
        }
    }
}
