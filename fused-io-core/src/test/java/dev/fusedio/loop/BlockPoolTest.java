package dev.fusedio.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.lang.foreign.Arena;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class BlockPoolTest {
    private final Arena arena = Arena.ofConfined();

    @AfterEach
    void close() {
        arena.close();
    }

    @Test
    void growsToItsLimitAndNoFurther() {
        final BlockPool pool = new BlockPool(arena, 1024, 100);
        final Set<Long> blocks = new HashSet<>();
        for (int i = 0; i < 100; i++) {
            final long block = pool.take();
            assertThat(block).isNotZero();
            assertThat(block % 8).isZero();
            assertThat(blocks.stream().noneMatch(other -> Math.abs(other - block) < 1024))
                    .isTrue();
            blocks.add(block);
        }
        assertThat(pool.take()).isZero();
        final long back = blocks.iterator().next();
        pool.give(back);
        assertThat(pool.take()).isEqualTo(back);
        assertThat(pool.blockBytes()).isEqualTo(1024);
    }

    @Test
    void largeBlocksComeOneByOne() {
        final BlockPool pool = new BlockPool(arena, 128 << 10, 2);
        assertThat(pool.take()).isNotZero();
        assertThat(pool.take()).isNotZero();
        assertThat(pool.take()).isZero();
    }

    @Test
    void moreThanWasTakenIsNotGivenBack() {
        final BlockPool pool = new BlockPool(arena, 64, 10);
        final long block = pool.take();
        pool.give(block);
        assertThatIllegalStateException().isThrownBy(() -> pool.give(block));
    }
}
