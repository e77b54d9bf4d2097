package dev.fusedio.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.fusedio.sys.Seeds;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The slab's pages are never touched here, so any address will do. */
class SlabTest {
    private static final long BASE = 0x7000_0000_0000L;
    private static final int BLOCKS = 3;
    private static final long LENGTH = (long) BLOCKS * Slab.MAX_BLOCK;

    private record Lease(long address, int bytes) {}

    private final Slab slab = new Slab(BASE, LENGTH);

    private static int blockSize(final int bytes) {
        int size = Slab.MIN_BLOCK;
        while (size < bytes) {
            size *= 2;
        }
        return size;
    }

    @ParameterizedTest
    @CsvSource({"1,4096", "4096,4096", "4097,8192", "65536,65536", "65537,131072", "2097152,2097152"})
    void leasesWholeBlocks(final int bytes, final int block) {
        final long address = slab.lease(bytes);
        assertThat(slab.contains(address)).isTrue();
        assertThat((address - BASE) % block).isZero();
        assertThat(slab.leased()).isEqualTo(block);
        slab.release(address, bytes);
        assertThat(slab.leased()).isZero();
    }

    @Test
    void againstAMapOfItsPages() {
        Seeds.forEach(2000, SlabTest::compare);
    }

    private static void compare(final long seed) {
        final SplittableRandom random = new SplittableRandom(seed);
        final Slab slab = new Slab(BASE, LENGTH);
        final BitSet used = new BitSet();
        final List<Lease> leases = new ArrayList<>();
        long leased = 0;
        for (int step = 0; step < 300; step++) {
            if (leases.isEmpty() || random.nextInt(5) < 3) {
                final int bytes = 1 + random.nextInt(1 << (1 + random.nextInt(21)));
                final int size = blockSize(bytes);
                final long address = slab.lease(bytes);
                if (address == 0) {
                    assertThat(hasRoom(used, size))
                            .as("room for %s was overlooked", size)
                            .isFalse();
                    continue;
                }
                final int page = (int) ((address - BASE) / Slab.MIN_BLOCK);
                final int pages = size / Slab.MIN_BLOCK;
                assertThat(page % pages).isZero();
                assertThat(used.get(page, page + pages).isEmpty())
                        .as("handed out twice")
                        .isTrue();
                used.set(page, page + pages);
                leases.add(new Lease(address, bytes));
                leased += size;
            } else {
                final Lease lease = leases.remove(random.nextInt(leases.size()));
                slab.release(lease.address(), lease.bytes());
                final int page = (int) ((lease.address() - BASE) / Slab.MIN_BLOCK);
                used.clear(page, page + blockSize(lease.bytes()) / Slab.MIN_BLOCK);
                leased -= blockSize(lease.bytes());
            }
            assertThat(slab.leased()).isEqualTo(leased);
        }
        leases.forEach(lease -> slab.release(lease.address(), lease.bytes()));
        for (int i = 0; i < BLOCKS; i++) {
            assertThat(slab.lease(Slab.MAX_BLOCK))
                    .as("buddies have merged to the full")
                    .isNotZero();
        }
        assertThat(slab.lease(1)).isZero();
    }

    /** Whether there is an aligned run of free pages: the buddy system may not fail when there is. */
    private static boolean hasRoom(final BitSet used, final int size) {
        final int pages = size / Slab.MIN_BLOCK;
        for (int at = 0; at < LENGTH / Slab.MIN_BLOCK; at += pages) {
            if (used.get(at, at + pages).isEmpty()) {
                return true;
            }
        }
        return false;
    }

    @Test
    void whatIsFreedLastIsLeasedFirst() {
        final long first = slab.lease(4096);
        final long second = slab.lease(4096);
        final long third = slab.lease(4096);
        slab.release(second, 4096);
        assertThat(slab.lease(4096)).isEqualTo(second);
        assertThat(third).isNotEqualTo(first);
    }

    @Test
    void aBlockIsGivenBackOnce() {
        final long address = slab.lease(4096);
        slab.release(address, 4096);
        assertThatIllegalStateException().isThrownBy(() -> slab.release(BASE - 4096, 4096));
        assertThatIllegalStateException().isThrownBy(() -> slab.release(BASE + LENGTH, 4096));
        assertThatIllegalStateException().isThrownBy(() -> slab.release(BASE, 4096));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -1, Slab.MAX_BLOCK + 1, Integer.MIN_VALUE, Integer.MAX_VALUE})
    void refusesLengthsThatNoBlockHas(final int bytes) {
        assertThatIllegalArgumentException().isThrownBy(() -> slab.lease(bytes));
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -1, 4096, Slab.MAX_BLOCK + 1, Long.MIN_VALUE})
    void refusesMemoryThatIsNotWholeBlocks(final long length) {
        assertThatIllegalArgumentException().isThrownBy(() -> new Slab(BASE, length));
    }

    @Test
    void knowsItsOwnAddresses() {
        assertThat(slab.contains(BASE)).isTrue();
        assertThat(slab.contains(BASE + LENGTH - 1)).isTrue();
        assertThat(slab.contains(BASE - 1)).isFalse();
        assertThat(slab.contains(BASE + LENGTH)).isFalse();
        assertThat(slab.length()).isEqualTo(LENGTH);
    }
}
