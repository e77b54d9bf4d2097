package dev.fusedio.sys;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MemoryTest {
    private final Arena arena = Arena.ofConfined();
    private final long at = arena.allocate(64, 8).address();

    @AfterEach
    void close() {
        arena.close();
    }

    private byte[] bytes(final int count) {
        final byte[] bytes = new byte[count];
        Memory.get(at, bytes, 0, count);
        return bytes;
    }

    @Test
    void networkOrderIsBigEndian() {
        Memory.putShortBe(at, (short) 0x0102);
        assertThat(bytes(2)).containsExactly(1, 2);
        Memory.putIntBe(at, 0x01020304);
        assertThat(bytes(4)).containsExactly(1, 2, 3, 4);
        Memory.putLongBe(at, 0x0102030405060708L);
        assertThat(bytes(8)).containsExactly(1, 2, 3, 4, 5, 6, 7, 8);
        assertThat(Memory.getShortBe(at)).isEqualTo((short) 0x0102);
        assertThat(Memory.getIntBe(at)).isEqualTo(0x01020304);
        assertThat(Memory.getLongBe(at)).isEqualTo(0x0102030405060708L);
    }

    @Test
    void networkOrderNeedsNoAlignment() {
        Memory.putLongBe(at + 3, -2L);
        assertThat(Memory.getLongBe(at + 3)).isEqualTo(-2L);
        Memory.putIntBe(at + 17, Integer.MIN_VALUE);
        assertThat(Memory.getIntBe(at + 17)).isEqualTo(Integer.MIN_VALUE);
    }

    @Test
    void nativeOrderIsTheKernels() {
        Memory.putLong(at, 0x0102030405060708L);
        assertThat(Memory.getByte(at)).isEqualTo((byte) 8);
        assertThat(Memory.getShort(at)).isEqualTo((short) 0x0708);
        assertThat(Memory.getInt(at)).isEqualTo(0x05060708);
        assertThat(Memory.getLong(at)).isEqualTo(0x0102030405060708L);
    }

    @Test
    void orderedAccessSeesThePlainValue() {
        Memory.putIntRelease(at, 77);
        assertThat(Memory.getIntAcquire(at)).isEqualTo(77).isEqualTo(Memory.getInt(at));
        Memory.putShortRelease(at + 14, (short) -3);
        assertThat(Memory.getShort(at + 14)).isEqualTo((short) -3);
    }

    @Test
    void rangesAreCopiedAndCleared() {
        Memory.put(at, new byte[] {9, 1, 2, 3, 9}, 1, 3);
        Memory.copy(at, at + 8, 3);
        assertThat(bytes(11)).containsExactly(1, 2, 3, 0, 0, 0, 0, 0, 1, 2, 3);
        Memory.fill(at + 1, 2, (byte) 7);
        assertThat(bytes(4)).containsExactly(1, 7, 7, 0);
        Memory.zero(at, 2);
        assertThat(bytes(4)).containsExactly(0, 0, 7, 0);
        assertThat(Memory.segment(at, 3).byteSize()).isEqualTo(3);
        Memory.zero(at, 0);
        assertThat(bytes(3)).containsExactly(0, 0, 7);
    }
}
