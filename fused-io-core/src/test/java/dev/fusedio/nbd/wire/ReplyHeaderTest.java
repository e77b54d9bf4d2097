package dev.fusedio.nbd.wire;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.nbd.server.Wire;
import dev.fusedio.sys.Memory;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Headers as they are in the specification's tables, byte by byte. */
class ReplyHeaderTest {
    private static final long COOKIE = 0xFEDC_BA98_7654_3210L;
    private static final long OFFSET = 0x8000_0000_0000_1000L;

    private final Arena arena = Arena.ofConfined();
    private final long at = arena.allocate(ReplyHeader.MAX_BYTES, 8).address();

    @AfterEach
    void close() {
        arena.close();
    }

    private byte[] bytes(final int length) {
        final byte[] bytes = new byte[length];
        Memory.get(at, bytes, 0, length);
        return bytes;
    }

    private static Wire chunk(final boolean extended, final int flags, final int type, final long length) {
        final Wire wire = Wire.bytes()
                .u32(extended ? 0x6e8a278cL : 0x668e33efL)
                .u16(flags)
                .u16(type)
                .u64(COOKIE);
        return extended ? wire.u64(OFFSET).u64(length) : wire.u32(length);
    }

    @Test
    void simple() {
        assertThat(bytes(ReplyHeader.simple(at, 22, COOKIE)))
                .isEqualTo(Wire.bytes().u32(0x67446698L).u32(22).u64(COOKIE).toArray());
    }

    @Test
    void none() {
        for (final boolean extended : new boolean[] {false, true}) {
            assertThat(bytes(ReplyHeader.none(at, extended, COOKIE, OFFSET)))
                    .isEqualTo(chunk(extended, 1, 0, 0).toArray());
        }
    }

    @Test
    void data() {
        for (final boolean extended : new boolean[] {false, true}) {
            for (final boolean done : new boolean[] {false, true}) {
                assertThat(bytes(ReplyHeader.data(at, extended, done, COOKIE, OFFSET, OFFSET + 77, 1 << 21)))
                        .isEqualTo(chunk(extended, done ? 1 : 0, 1, (1 << 21) + 8)
                                .u64(OFFSET + 77)
                                .toArray());
            }
        }
    }

    @Test
    void hole() {
        for (final boolean extended : new boolean[] {false, true}) {
            assertThat(bytes(ReplyHeader.hole(at, extended, true, COOKIE, OFFSET, OFFSET + 5, 1 << 30)))
                    .isEqualTo(chunk(extended, 1, 2, 12)
                            .u64(OFFSET + 5)
                            .u32(1 << 30)
                            .toArray());
        }
    }

    @Test
    void blockStatus() {
        assertThat(bytes(ReplyHeader.blockStatus(at, false, COOKIE, OFFSET, 3)))
                .isEqualTo(chunk(false, 1, 5, 4 + 3 * 8).u32(1).toArray());
        assertThat(bytes(ReplyHeader.blockStatus(at, true, COOKIE, OFFSET, 3)))
                .isEqualTo(chunk(true, 1, 6, 8 + 3 * 16).u32(1).u32(3).toArray());
    }

    @ParameterizedTest
    @EnumSource(Rejection.class)
    void error(final Rejection rejection) {
        for (final boolean extended : new boolean[] {false, true}) {
            final int length = ReplyHeader.error(at, extended, COOKIE, OFFSET, rejection);
            final int text = rejection.text().length;
            assertThat(length).isLessThanOrEqualTo(ReplyHeader.MAX_BYTES);
            assertThat(bytes(length))
                    .isEqualTo(chunk(extended, 1, 32769, 6 + text)
                            .u32(rejection.errno())
                            .u16(text)
                            .raw(rejection.text())
                            .toArray());
            assertThat(ByteBuffer.wrap(bytes(length)).getInt()).isNotZero();
        }
    }
}
