package dev.fusedio.gateway.data;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.NettyDataBufferFactory;

/** Reference-counted buffers as the HTTP server's, which remembers all it gave. */
final class PooledBuffers extends NettyDataBufferFactory {
    private final Queue<ByteBuf> given = new ConcurrentLinkedQueue<>();

    PooledBuffers() {
        super(new UnpooledByteBufAllocator(true));
    }

    @Override
    public org.springframework.core.io.buffer.NettyDataBuffer allocateBuffer(final int initialCapacity) {
        final var buffer = super.allocateBuffer(initialCapacity);
        given.add(buffer.getNativeBuffer());
        return buffer;
    }

    /** A buffer with these bytes. */
    DataBuffer of(final byte[] bytes, final int from, final int to) {
        final DataBuffer buffer = allocateBuffer(Math.max(to - from, 1));
        buffer.write(bytes, from, to - from);
        return buffer;
    }

    /** Bytes in buffers that nobody has released. */
    long heldBytes() {
        return given.stream()
                .filter(buffer -> buffer.refCnt() > 0)
                .mapToLong(ByteBuf::capacity)
                .sum();
    }

    int count() {
        return given.size();
    }

    void assertAllReleased(final String what) {
        assertThat(given.stream().filter(buffer -> buffer.refCnt() != 0).count())
                .as("buffers not released: %s", what)
                .isZero();
    }
}
