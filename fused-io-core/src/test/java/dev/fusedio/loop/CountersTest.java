package dev.fusedio.loop;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class CountersTest {
    @Test
    void countersAreSeparate() {
        final Counters counters = new Counters(3);
        counters.add(0, 1);
        counters.add(2, 5);
        counters.add(2, 5);
        counters.set(1, 77);
        assertThat(counters.get(0)).isEqualTo(1);
        assertThat(counters.get(1)).isEqualTo(77);
        assertThat(counters.get(2)).isEqualTo(10);
    }

    /** A reader on another thread sees whole values that only grow. */
    @Test
    void readersSeeThemGrow() throws InterruptedException {
        final Counters counters = new Counters(1);
        final AtomicBoolean shrank = new AtomicBoolean();
        final long step = (1L << 32) + 1; // a torn value would have unequal halves
        final Thread reader = Thread.ofPlatform().start(() -> {
            long before = 0;
            while (before < 100_000 * step) {
                final long now = counters.get(0);
                if (now < before || (now >>> 32) != (now & 0xFFFF_FFFFL)) {
                    shrank.set(true);
                    return;
                }
                before = now;
            }
        });
        for (int i = 0; i < 100_000; i++) {
            counters.add(0, step);
        }
        reader.join();
        assertThat(shrank).isFalse();
    }
}
