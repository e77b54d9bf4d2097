package dev.fusedio.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.fused.FusedCommand;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.nbd.wire.Rejection;
import dev.fusedio.sys.Seeds;
import dev.fusedio.volume.Backend;
import dev.fusedio.volume.BackendCapabilities;
import dev.fusedio.volume.BackendLane;
import dev.fusedio.volume.Volume;
import java.math.BigInteger;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The edge against a table, and against a model that was written from the specification, in big integers. */
class RequestEdgeTest {
    private static final long SIZE = 1 << 20;
    private static final int MAX_PAYLOAD = 1 << 16;
    private static final int MAX_ONE_FRAGMENT = 2 << 20;

    /** A backend of which only the capabilities and the size are asked. */
    private record Declared(BackendCapabilities capabilities, long size) implements Backend {
        @Override
        public String description() {
            return "declared";
        }

        @Override
        public long allocatedBytes() {
            return size;
        }

        @Override
        public void grow(final long newSize) {
            throw new UnsupportedOperationException();
        }

        @Override
        public BackendLane attach(final CoreLoop loop) {
            throw new UnsupportedOperationException(FusedCommand.class.getName());
        }

        @Override
        public void close() {
            // nothing is open
        }
    }

    private record Setting(
            boolean trim,
            boolean fastZero,
            boolean fua,
            boolean readOnly,
            int block,
            Headers headers,
            boolean context) {
        Negotiated negotiated(final long size) {
            final BackendCapabilities can = new BackendCapabilities(
                    trim && !readOnly, fastZero && !readOnly, fua, true, true, true, 0, readOnly, false, block, 4096);
            return new Negotiated(
                    new Volume("vol", "", new Declared(can, size), readOnly),
                    size,
                    headers != Headers.SIMPLE,
                    headers.extended(),
                    context);
        }
    }

    private static Setting usual(final Headers headers) {
        return new Setting(true, true, true, false, 1, headers, headers != Headers.SIMPLE);
    }

    private static int errno(
            final RequestEdge edge, final int flags, final int type, final long at, final long length) {
        final Rejection rejection = edge.judge(flags, type, at, length);
        return rejection == null ? 0 : rejection.errno();
    }

    @ParameterizedTest
    @CsvSource({
        // type, flags, offset, length, error
        "0, 0, 0, 65536, 0",
        "0, 0, 0, 65537, 22",
        "0, 0, 1048575, 1, 0",
        "0, 0, 1048576, 0, 0",
        "0, 0, 1048576, 1, 22",
        "0, 0, -1, 1, 22",
        "0, 0, -1, 2, 22",
        "0, 2, 0, 1, 22",
        "1, 1, 1048576, 1, 28",
        "1, 0, -4096, 4096, 28",
        "3, 0, 0, 0, 0",
        "3, 1, 0, 0, 0",
        "3, 0, 0, 1, 22",
        "3, 0, 1, 0, 22",
        "4, 0, 0, 1048576, 0",
        "4, 0, 0, 1048577, 22",
        "5, 0, 9223372036854775807, 9223372036854775807, 22",
        "6, 16, 0, 1048576, 0",
        "6, 2, 1, 1048576, 28",
        "7, 0, 0, 1, 22",
        "8, 0, 0, 0, 22",
        "65535, 0, 0, 0, 22"
    })
    void table(final int type, final int flags, final long offset, final long length, final int expected) {
        final RequestEdge edge = new RequestEdge(usual(Headers.SIMPLE).negotiated(SIZE), MAX_PAYLOAD);
        assertThat(errno(edge, flags, type, offset, length)).isEqualTo(expected);
    }

    @Test
    void anythingAgainstTheModel() {
        Seeds.forEach(2000, seed -> {
            final SplittableRandom random = new SplittableRandom(seed);
            final Setting setting = new Setting(
                    random.nextBoolean(),
                    random.nextBoolean(),
                    random.nextBoolean(),
                    random.nextInt(4) == 0,
                    1 << random.nextInt(13),
                    Headers.values()[random.nextInt(3)],
                    random.nextBoolean());
            final long size = random.nextInt(5) == 0 ? 1L << 40 : SIZE;
            final int maxPayload = random.nextBoolean() ? MAX_PAYLOAD : 64 << 20;
            final RequestEdge edge = new RequestEdge(setting.negotiated(size), maxPayload);
            for (int i = 0; i < 200; i++) {
                final int type = random.nextInt(10) == 0 ? random.nextInt(65536) : random.nextInt(9);
                final int flags = random.nextInt(3) == 0 ? random.nextInt(65536) : 1 << random.nextInt(8) >> 1;
                final long offset = number(random, size);
                final long length = setting.headers.extended() ? number(random, size) : number(random, size) >>> 32;
                if (type == NbdProtocol.CMD_DISC) {
                    continue;
                }
                assertThat(edge.payloadBytes(flags, type, length))
                        .isEqualTo(payload(setting, maxPayload, flags, type, length));
                final Integer expected = expected(setting, size, maxPayload, flags, type, offset, length);
                if (expected != null) {
                    assertThat(errno(edge, flags, type, offset, length))
                            .as("command %d flags %d at %d length %d, %s", type, flags, offset, length, setting)
                            .isEqualTo(expected);
                }
            }
        });
    }

    /** Small, near the size, near powers of two, near both ends of 64 bits. */
    private static long number(final SplittableRandom random, final long size) {
        return switch (random.nextInt(6)) {
            case 0 -> random.nextInt(10_000);
            case 1 -> size + random.nextInt(-5000, 5000);
            case 2 -> (1L << random.nextInt(64)) + random.nextInt(-2, 3);
            case 3 -> -1L - random.nextInt(10_000);
            case 4 -> 4096L * random.nextInt(300);
            default -> random.nextLong();
        };
    }

    private static BigInteger unsigned(final long value) {
        return new BigInteger(Long.toUnsignedString(value));
    }

    private static long payload(
            final Setting setting, final int maxPayload, final int flags, final int type, final long length) {
        final boolean has = type == 1 || (setting.headers.extended() && (flags & 32) != 0);
        if (!has) {
            return 0;
        }
        return unsigned(length).compareTo(BigInteger.valueOf(maxPayload)) > 0 ? -1 : length;
    }

    /** The specification's answer; null where the payload decides. */
    private static @Nullable Integer expected(
            final Setting setting,
            final long size,
            final int maxPayload,
            final int flags,
            final int type,
            final long offset,
            final long length) {
        final boolean changes = type == 1 || type == 4 || type == 6;
        if (type > 7 || (type == 4 && !setting.trim && !setting.readOnly)) {
            return 22;
        }
        if (setting.readOnly && changes) {
            return 1;
        }
        int allowed = setting.fua ? 1 : 0;
        if (type == 0 && setting.headers != Headers.SIMPLE) {
            allowed |= 4;
        }
        if (type == 1 && setting.headers.extended()) {
            allowed |= 32;
        }
        if (type == 6) {
            allowed |= 2 | (setting.fastZero ? 16 : 0);
        }
        if (type == 7) {
            allowed |= 8 | (setting.headers.extended() ? 32 : 0);
        }
        if ((flags & ~allowed) != 0) {
            return 22;
        }
        if (type == 3) {
            return offset == 0 && length == 0 ? 0 : 22;
        }
        if (type == 7) {
            if (!setting.context) {
                return 22;
            }
            if ((flags & 32) != 0) {
                return length == 0 ? Integer.valueOf(22) : null;
            }
            if (length == 0) {
                return 22;
            }
        }
        if (unsigned(offset).add(unsigned(length)).compareTo(BigInteger.valueOf(size)) > 0) {
            return type == 1 || type == 6 ? 28 : 22;
        }
        if (offset % setting.block != 0 || length % setting.block != 0) {
            return 22;
        }
        if (type == 0 && length > maxPayload) {
            return 22;
        }
        return type == 0 && (flags & 4) != 0 && length > MAX_ONE_FRAGMENT ? 75 : 0;
    }
}
