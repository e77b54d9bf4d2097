package dev.fusedio.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.ring.SimulatedFaults;
import dev.fusedio.sys.Seeds;
import dev.fusedio.sys.SystemCallException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class MemoryQueueTest {
    private static final int SHORT = 64 << 10;
    private static final long SLAB = 4L << 20;

    private SimulatedLoop fixture;
    private MemoryQueue memory;
    private final List<Lessee> served = new ArrayList<>();

    @BeforeEach
    void open() throws SystemCallException {
        open(1);
    }

    private void open(final long seed) throws SystemCallException {
        final SimulatedLoop.Config config = new SimulatedLoop.Config(64, 256, 64, SLAB, true, 16, 65536);
        fixture = new SimulatedLoop(seed, SimulatedFaults.none(), config);
        memory = fixture.loop().memory();
    }

    @AfterEach
    void close() {
        fixture.close();
    }

    @Test
    @DisplayName("fault 19: a long lease is served although short ones are asked for all the time")
    void aLongLeaseIsNotStarved() {
        final ArrayDeque<Lessee> holders = new ArrayDeque<>();
        for (int i = 0; i < SLAB / SHORT; i++) {
            holders.add(new Lessee(SHORT).ask());
        }
        final Lessee patient = new Lessee(Slab.MAX_BLOCK).ask();
        final ArrayDeque<Lessee> waiting = new ArrayDeque<>();
        int rounds = 0;
        for (; !patient.isServed(); rounds++) {
            assertThat(rounds).as("rounds").isLessThan(1000);
            final Lessee oldest = holders.poll();
            if (oldest != null) {
                oldest.release();
            }
            final Lessee next = new Lessee(SHORT).ask(); // finds what was just given back
            waiting.add(next);
            fixture.runOnce();
            while (!waiting.isEmpty() && waiting.getFirst().isServed()) {
                holders.add(waiting.removeFirst());
            }
        }
        assertThat(served.indexOf(patient) - SLAB / SHORT)
                .as("short leases that were made before it")
                .isLessThanOrEqualTo(MemoryQueue.OVERTAKERS);
        patient.release();
        holders.forEach(Lessee::release);
        for (int i = 0; i < 1000 && !waiting.isEmpty(); i++) {
            fixture.runOnce();
            waiting.removeIf(Lessee::releaseIfServed);
        }
        assertThat(waiting).as("those who waited behind it").isEmpty();
    }

    @Test
    void firstComeFirstServed() {
        final List<Lessee> holders = fill();
        final List<Lessee> waiting = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            waiting.add(new Lessee(SHORT).ask());
        }
        served.clear();
        for (final Lessee holder : holders.subList(0, 10)) {
            holder.release();
            fixture.runOnce();
        }
        assertThat(served).containsExactlyElementsOf(waiting);
        assertThat(memory.isShort()).isFalse();
    }

    @Test
    void theShortPassTheLongAFewTimes() {
        final List<Lessee> holders = fill();
        final Lessee first = new Lessee(Slab.MAX_BLOCK).ask();
        holders.removeFirst().release();
        int passed = 0;
        for (int i = 0; i < 1000; i++) {
            final Lessee next = new Lessee(SHORT).askOnce();
            passed += next.isServed() ? 1 : 0;
            next.release();
        }
        assertThat(passed).isEqualTo(MemoryQueue.OVERTAKERS);
        memory.forget(first);
        assertThat(new Lessee(SHORT).askOnce().isServed())
                .as("when the first has left, others are served")
                .isTrue();
    }

    @Test
    void whoWaitsIsAskedThoughNothingIsGivenBack() {
        fill();
        final int[] asked = new int[1];
        memory.await(new MemoryQueue.Waiter() {
            @Override
            public void onMemory() {
                asked[0]++; // it has lost its reason to wait
            }

            @Override
            public void onFailure(final RuntimeException e) {
                throw new AssertionError(e);
            }
        });
        fixture.runFor(100_000_000);
        assertThat(asked[0]).isEqualTo(1);
        assertThat(memory.isShort()).isFalse();
    }

    @Test
    void oneThatThrowsIsToldAndTheOthersKeepTheirPlaces() {
        final List<Lessee> holders = fill();
        final List<RuntimeException> told = new ArrayList<>();
        final IllegalStateException defect = new IllegalStateException("a defect");
        final Lessee before = new Lessee(Slab.MAX_BLOCK).ask();
        memory.await(new MemoryQueue.Waiter() {
            @Override
            public void onMemory() {
                throw defect;
            }

            @Override
            public void onFailure(final RuntimeException e) {
                told.add(e);
            }
        });
        final Lessee after = new Lessee(Slab.MAX_BLOCK).ask();
        fixture.loop().runOnce(false);
        holders.forEach(Lessee::release);
        served.clear();
        fixture.loop().runOnce(false);
        assertThat(told).containsExactly(defect);
        assertThat(fixture.takeErrors()).containsExactly(defect);
        assertThat(served).containsExactly(before, after);
    }

    @Test
    void allAreServedWhateverTheyAskFor() {
        Seeds.forEach(300, seed -> {
            fixture.close();
            open(seed);
            final SplittableRandom random = new SplittableRandom(seed);
            final List<Lessee> all = new ArrayList<>();
            for (int round = 0; round < 400; round++) {
                for (int i = random.nextInt(4); i > 0; i--) {
                    all.add(new Lessee(1 + random.nextInt(1 << (12 + random.nextInt(10)))).ask());
                }
                for (int i = 0; i < all.size(); i++) {
                    if (all.get(i).isServed() && random.nextInt(3) == 0) {
                        all.remove(i).release();
                    }
                }
                fixture.runOnce();
            }
            for (int round = 0; !all.isEmpty(); round++) {
                assertThat(round).as("rounds until all are served").isLessThan(5000);
                for (int i = 0; i < all.size(); i++) {
                    if (all.get(i).isServed()) {
                        all.remove(i).release();
                    }
                }
                fixture.loop().runOnce(false);
            }
            assertThat(memory.isShort()).isFalse();
            fixture.requireNothingLeased();
        });
    }

    private List<Lessee> fill() {
        final List<Lessee> holders = new ArrayList<>();
        for (int i = 0; i < SLAB / SHORT; i++) {
            holders.add(new Lessee(SHORT).ask());
        }
        assertThat(holders).allMatch(Lessee::isServed);
        return holders;
    }

    /** Somebody who wants one block. */
    private final class Lessee implements MemoryQueue.Waiter {
        private final int bytes;
        private long address;

        Lessee(final int bytes) {
            this.bytes = bytes;
        }

        Lessee ask() {
            onMemory();
            return this;
        }

        /** Doesn't wait when there is none. */
        Lessee askOnce() {
            address = memory.lease(bytes);
            return this;
        }

        boolean isServed() {
            return address != 0;
        }

        void release() {
            if (address != 0) {
                memory.release(address, bytes);
                address = 0;
            }
        }

        boolean releaseIfServed() {
            final boolean wasServed = isServed();
            release();
            return wasServed;
        }

        @Override
        public void onMemory() {
            address = memory.lease(bytes);
            if (address == 0) {
                memory.await(this);
            } else {
                served.add(this);
            }
        }

        @Override
        public void onFailure(final RuntimeException e) {
            throw new AssertionError(e);
        }
    }
}
