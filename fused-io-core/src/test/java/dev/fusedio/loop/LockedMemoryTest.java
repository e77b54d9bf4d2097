package dev.fusedio.loop;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Collections;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class LockedMemoryTest {
    private static LoopConfig config(final int loops) {
        return LoopConfig.of(Collections.nCopies(loops, 0));
    }

    private static LockedMemory plan(final int loops, final long limit) {
        return LockedMemory.plan(config(loops), limit, true);
    }

    @Test
    void withoutALimitNothingIsReduced() {
        assertThat(plan(64, -1)).isEqualTo(new LockedMemory(-1, 1024, true));
    }

    @Test
    @DisplayName("fault 23: rings of 64 loops fit into 8 MiB")
    void manyLoops() {
        final LockedMemory plan = plan(64, 8L << 20);
        assertThat(plan).isEqualTo(new LockedMemory(8L << 20, 256, false));
        assertThat(64 * LockedMemory.ringBytes(plan.ringEntries(), config(1).receiveBuffers()))
                .isLessThan(8L << 20);
    }

    @Test
    @DisplayName("fault 23: rings of two loops fit into 64 KiB, and larger ones into 256 KiB")
    void smallLimits() {
        assertThat(plan(2, 64 << 10)).isEqualTo(new LockedMemory(64 << 10, 64, false));
        assertThat(2 * LockedMemory.ringBytes(64, 128)).isLessThan(64 << 10);
        assertThat(plan(2, 256 << 10)).isEqualTo(new LockedMemory(256 << 10, 256, false));
    }

    @Test
    void whereRingsDoNotCountTheyKeepTheirSize() {
        assertThat(LockedMemory.plan(config(64), 8L << 20, false)).isEqualTo(new LockedMemory(8L << 20, 1024, false));
        assertThat(LockedMemory.countsRings("6.13.9-generic")).isFalse();
        assertThat(LockedMemory.countsRings("6.1.0")).isFalse();
        assertThat(LockedMemory.countsRings("6.14-rc1")).isTrue();
        assertThat(LockedMemory.countsRings("7.0.3")).isTrue();
        assertThat(LockedMemory.countsRings("unknown")).isTrue();
    }

    @Test
    void noRingIsSmallerThanTheSmallest() {
        assertThat(plan(64, 0).ringEntries()).isEqualTo(LockedMemory.MIN_RING_ENTRIES);
    }

    @Test
    void theSlabIsRegisteredWhereAllFits() {
        final LoopConfig config = config(2);
        final long rings = 2 * LockedMemory.ringBytes(config.ringEntries(), config.receiveBuffers());
        final long all = rings + 2 * config.slabBytes();
        assertThat(plan(2, all)).isEqualTo(new LockedMemory(all, 1024, true));
        assertThat(plan(2, all - 1)).isEqualTo(new LockedMemory(all - 1, 1024, false));
    }
}
