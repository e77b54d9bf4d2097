package dev.fusedio.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.fusedio.sys.Affinity;
import java.util.List;
import org.junit.jupiter.api.Test;

class LoopConfigTest {
    private static LoopConfig config(
            final int ring, final long slab, final int buffers, final int bufferBytes, final int mailbox) {
        return new LoopConfig(List.of(0), false, ring, slab, buffers, bufferBytes, mailbox);
    }

    private static void assertRefused(final String name, final Runnable making) {
        assertThatIllegalArgumentException().isThrownBy(making::run).withMessageStartingWith(name + ":");
    }

    @Test
    void defaultsAreForTheAllowedCores() {
        assertThat(LoopConfig.ofAllowedCores().cores()).isEqualTo(Affinity.allowed());
        assertThat(LoopConfig.of(List.of(3, 5)).cores()).containsExactly(3, 5);
    }

    @Test
    void everyLimitIsNamed() {
        assertRefused("cores", () -> LoopConfig.of(List.of()));
        assertRefused("ringEntries", () -> config(63, 2 << 20, 2, 4096, 64));
        assertRefused("ringEntries", () -> config(65536, 2 << 20, 2, 4096, 64));
        assertRefused("slabBytes", () -> config(64, 0, 2, 4096, 64));
        assertRefused("slabBytes", () -> config(64, (2 << 20) + 4096, 2, 4096, 64));
        assertRefused("receiveBuffers", () -> config(64, 2 << 20, 1, 4096, 64));
        assertRefused("receiveBuffers", () -> config(64, 2 << 20, 48, 4096, 64));
        assertRefused("receiveBufferBytes", () -> config(64, 2 << 20, 2, 4095, 64));
        assertRefused("receiveBufferBytes", () -> config(64, 2 << 20, 2, (1 << 20) + 1, 64));
        assertRefused("mailboxCapacity", () -> config(64, 2 << 20, 2, 4096, 100));
        assertThat(config(64, 2 << 20, 2, 4096, 64).ringEntries()).isEqualTo(64);
    }
}
