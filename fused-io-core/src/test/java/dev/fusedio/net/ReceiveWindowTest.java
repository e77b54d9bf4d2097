package dev.fusedio.net;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.loop.BlockPool;
import dev.fusedio.loop.SimulatedLoop;
import dev.fusedio.ring.ProvidedBuffers;
import dev.fusedio.ring.SimulatedFaults;
import dev.fusedio.sys.Memory;
import java.lang.foreign.Arena;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ReceiveWindowTest {
    private static final int BYTES = 4096;
    private static final int BUFFER = 0;

    private final Arena arena = Arena.ofConfined();
    private SimulatedLoop loop;
    private ProvidedBuffers buffers;

    @BeforeEach
    void open() throws Exception {
        loop = new SimulatedLoop(
                1, SimulatedFaults.none(), new SimulatedLoop.Config(8, 16, 4, 2 << 20, true, 2, BYTES));
        buffers = loop.loop().receiveBuffers();
        for (int i = 0; i < BYTES; i++) {
            Memory.putByte(buffers.address(BUFFER) + i, (byte) (i * 7));
        }
    }

    @AfterEach
    void close() {
        loop.close();
        arena.close();
    }

    /** As if a receive had been armed and had taken the buffer. */
    private void take() {
        buffers.armed();
        buffers.disarmed(true);
    }

    private ReceiveWindow window(final int stashes) {
        return new ReceiveWindow(buffers, new BlockPool(arena, BYTES, stashes));
    }

    @Test
    void isReadFromFrontToBack() {
        final ReceiveWindow window = window(1);
        assertThat(window.remaining()).isZero();
        take();
        window.open(BUFFER, 100);
        assertThat(window.position()).isEqualTo(buffers.address(BUFFER));
        window.advance(60);
        assertThat(window.remaining()).isEqualTo(40);
        window.releaseIfEmpty();
        assertThat(window.remaining()).as("not empty, not released").isEqualTo(40);
        window.advance(40);
        window.releaseIfEmpty();
        assertThat(window.position()).isZero();
    }

    @Test
    void whatRemainsIsMovedAsideOnce() {
        final ReceiveWindow window = window(1);
        take();
        window.open(BUFFER, 100);
        window.advance(30);
        window.moveAside();
        final long moved = window.position();
        assertThat(moved).isNotEqualTo(buffers.address(BUFFER) + 30);
        assertThat(window.remaining()).isEqualTo(70);
        Memory.fill(buffers.address(BUFFER), BYTES, (byte) 0); // another receive uses the buffer
        for (int i = 0; i < 70; i++) {
            assertThat(Memory.getByte(window.position() + i)).isEqualTo((byte) ((30 + i) * 7));
        }
        window.moveAside();
        assertThat(window.position()).isEqualTo(moved);
        window.advance(70);
        window.releaseIfEmpty();
        take();
        window.open(BUFFER, 10);
        window.moveAside();
        assertThat(window.position()).as("the block is used again").isEqualTo(moved);
    }

    @Test
    void withoutRoomAsideItStays() {
        final ReceiveWindow window = window(0);
        take();
        window.open(BUFFER, 100);
        window.advance(30);
        window.moveAside();
        assertThat(window.position()).isEqualTo(buffers.address(BUFFER) + 30);
        assertThat(window.remaining()).isEqualTo(70);
        window.release();
        assertThat(window.remaining()).isZero();
    }

    @Test
    void anEmptyOneHoldsNothing() {
        final ReceiveWindow window = window(1);
        take();
        window.open(BUFFER, 10);
        window.advance(10);
        window.moveAside(); // there is nothing to move
        assertThat(window.remaining()).isZero();
        window.releaseIfEmpty();
        window.release(); // a second time does no harm: the buffer isn't recycled twice
        buffers.armed();
        buffers.armed();
        assertThat(buffers.available())
                .as("both buffers are on offer, none is left over")
                .isFalse();
    }
}
