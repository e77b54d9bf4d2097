package dev.fusedio.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.sys.Seeds;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class SlotsTest {
    private final Slots slots = new Slots();

    private static Completable owner() {
        return new CompletionHandler() {
            @Override
            public void onCompletion(final int tag, final int result, final int flags) {
                throw new AssertionError("nobody calls");
            }
        };
    }

    @Test
    void aCompletionFindsItsOwnerAndTag() {
        final Completable first = owner();
        final Completable second = owner();
        final int a = slots.register(first);
        final int b = slots.register(second);
        assertThat(slots.owner(slots.userData(a, 0))).isSameAs(first);
        assertThat(slots.owner(slots.userData(b, 0xFF_FFFF))).isSameAs(second);
        assertThat(Slots.tag(slots.userData(b, 0xFF_FFFF))).isEqualTo(0xFF_FFFF);
        assertThat(Slots.tag(slots.userData(b, 0x12_3456))).isEqualTo(0x12_3456);
    }

    @Test
    void aLateCompletionNeverReachesTheNextOwner() {
        final int slot = slots.register(owner());
        final long late = slots.userData(slot, 1);
        slots.release(slot);
        assertThat(slots.owner(late)).isNull();
        final Completable next = owner();
        assertThat(slots.register(next)).isEqualTo(slot);
        assertThat(slots.owner(late)).isNull();
        assertThat(slots.owner(slots.userData(slot, 1))).isSameAs(next);
    }

    @Test
    void generationsAreToldApartOver65536Uses() {
        final int slot = slots.register(owner());
        final long late = slots.userData(slot, 1);
        for (int use = 1; use < 65536; use++) {
            slots.release(slot);
            slots.register(owner());
            assertThat(slots.owner(late)).isNull();
        }
    }

    @Test
    void againstAMap() {
        Seeds.forEach(50, seed -> {
            final SplittableRandom random = new SplittableRandom(seed);
            final Slots slots = new Slots();
            final Map<Integer, Completable> live = new HashMap<>();
            final Map<Long, Completable> issued = new HashMap<>();
            for (int step = 0; step < 5000; step++) {
                if (live.isEmpty() || random.nextInt(3) > 0) {
                    final Completable owner = owner();
                    final int slot = slots.register(owner);
                    assertThat(live.put(slot, owner)).isNull();
                    issued.put(slots.userData(slot, step), owner);
                } else {
                    final int slot = live.keySet().iterator().next();
                    live.remove(slot);
                    slots.release(slot);
                }
            }
            issued.forEach((userData, owner) ->
                    assertThat(slots.owner(userData)).isSameAs(live.containsValue(owner) ? owner : null));
        });
    }
}
