package dev.fusedio.ring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.fusedio.sys.Libc;
import dev.fusedio.sys.Seeds;
import dev.fusedio.sys.SimulatedTime;
import dev.fusedio.sys.SystemCallException;
import java.lang.foreign.Arena;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ProvidedBuffersTest {
    private static final int ENTRIES = 4;
    private static final int BYTES = 4096;

    private final Arena arena = Arena.ofConfined();
    private final Libc libc = new Libc(arena);
    private SimulatedRing ring;
    private ProvidedBuffers buffers;

    @BeforeEach
    void open() throws SystemCallException {
        ring = new SimulatedRing(1, SimulatedFaults.none(), new SimulatedTime(), arena);
        buffers = new ProvidedBuffers(ring, libc, ENTRIES, BYTES);
    }

    @AfterEach
    void close() {
        ring.close();
        buffers.close();
        arena.close();
    }

    /** The kernel's view. */
    private SimulatedBuffers offered() {
        return ring.buffers(ProvidedBuffers.GROUP);
    }

    private int take() {
        return offered().take() >>> IoUring.CQE_BUFFER_SHIFT;
    }

    @Test
    void noMoreAreOfferedThanReceivesAreArmed() {
        assertThat(offered().available()).isZero();
        for (int i = 1; i <= ENTRIES; i++) {
            assertThat(buffers.available()).isTrue();
            buffers.armed();
            assertThat(offered().available()).isEqualTo(i);
        }
        assertThat(buffers.available()).isFalse();
        buffers.armed();
        assertThat(offered().available()).isEqualTo(ENTRIES);
    }

    @Test
    void anEntryDescribesItsBuffer() {
        buffers.armed();
        assertThat(offered().length()).isEqualTo(BYTES).isEqualTo(buffers.bufferBytes());
        final long address = offered().address();
        assertThat(buffers.address(take())).isEqualTo(address);
    }

    @Test
    void theOneFreedLastIsOfferedFirst() {
        buffers.armed();
        buffers.armed();
        final int first = take();
        final int second = take();
        buffers.disarmed(true);
        buffers.disarmed(true);
        buffers.recycle(second);
        buffers.recycle(first);
        buffers.armed();
        assertThat(take()).isEqualTo(first);
    }

    @Test
    void aReceiveThatTookNoneLeavesItsBufferToTheNext() {
        buffers.armed();
        buffers.disarmed(false);
        buffers.armed();
        assertThat(offered().available()).isEqualTo(1);
    }

    @Test
    void aReceiveThatWaitsForABufferGetsTheNextOneFreed() {
        for (int i = 0; i < ENTRIES + 1; i++) {
            buffers.armed();
        }
        final int id = take();
        buffers.disarmed(true);
        assertThat(offered().available()).isEqualTo(ENTRIES - 1);
        buffers.recycle(id);
        assertThat(offered().available()).isEqualTo(ENTRIES);
    }

    @Test
    void noBufferIsEverLostOrDoubled() {
        Seeds.forEach(300, seed -> {
            try (Arena own = Arena.ofConfined()) {
                final SplittableRandom random = new SplittableRandom(seed);
                final SimulatedRing other = new SimulatedRing(seed, SimulatedFaults.none(), new SimulatedTime(), own);
                final int entries = 1 << random.nextInt(5);
                try (ProvidedBuffers tested = new ProvidedBuffers(other, new Libc(own), entries, BYTES)) {
                    shuffle(random, tested, other.buffers(ProvidedBuffers.GROUP), entries);
                }
            }
        });
    }

    private static void shuffle(
            final SplittableRandom random,
            final ProvidedBuffers tested,
            final SimulatedBuffers kernel,
            final int entries) {
        final Deque<Integer> held = new ArrayDeque<>();
        int armed = 0;
        for (int step = 0; step < 500; step++) {
            switch (random.nextInt(4)) {
                case 0 -> {
                    tested.armed();
                    armed++;
                }
                case 1 -> {
                    if (armed > 0 && kernel.available() > 0) { // which also fails for one that is offered twice
                        final int id = kernel.take() >>> IoUring.CQE_BUFFER_SHIFT;
                        assertThat(held).doesNotContain(id);
                        held.add(id);
                        tested.disarmed(true);
                        armed--;
                    }
                }
                case 2 -> {
                    if (armed > 0) {
                        tested.disarmed(false);
                        armed--;
                    }
                }
                default -> {
                    if (!held.isEmpty()) {
                        tested.recycle(held.remove());
                    }
                }
            }
            assertThat(kernel.available()).isGreaterThanOrEqualTo(Math.min(armed, entries - held.size()));
            assertThat(kernel.available() + held.size()).isLessThanOrEqualTo(entries);
        }
    }

    @Test
    void aRefusalSaysWhatIsNeeded() {
        assertThatExceptionOfType(SystemCallException.class)
                .isThrownBy(() -> new ProvidedBuffers(ring, libc, ENTRIES, BYTES)) // the group is taken
                .withMessageContaining("5.19");
    }
}
