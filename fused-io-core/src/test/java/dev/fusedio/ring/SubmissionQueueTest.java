package dev.fusedio.ring;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.sys.Libc;
import dev.fusedio.sys.Memory;
import dev.fusedio.sys.Seeds;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** The submission queue against a kernel's side that is played here: it takes what it likes of what is published. */
class SubmissionQueueTest {
    private static final int ENTRIES = 8;
    private static final int HEAD = 0;
    private static final int TAIL = 4;
    private static final int FLAGS = 8;

    private final Arena arena = Arena.ofConfined();
    private final long header = arena.allocate(16, 8).address();
    private final long sqes = arena.allocate(ENTRIES * IoUring.SQE_BYTES, 64).address();
    private SubmissionQueue queue = queue();

    private SubmissionQueue queue() {
        Memory.zero(header, 16);
        final long offsets = arena.allocate(40, 8).address();
        Memory.putInt(offsets + IoUring.SQ_HEAD, HEAD);
        Memory.putInt(offsets + IoUring.SQ_TAIL, TAIL);
        Memory.putInt(offsets + IoUring.SQ_FLAGS, FLAGS);
        return new SubmissionQueue(new Libc(arena), header, offsets, sqes, ENTRIES, false);
    }

    @AfterEach
    void close() {
        queue.close();
        arena.close();
    }

    private long head() {
        return sqes + (long) (Memory.getInt(header + HEAD) & (ENTRIES - 1)) * IoUring.SQE_BYTES;
    }

    private long take() {
        final long userData = Memory.getLong(head() + IoUring.SQE_USER_DATA);
        Memory.putIntRelease(header + HEAD, Memory.getInt(header + HEAD) + 1);
        return userData;
    }

    private void write(final long userData, final boolean link) {
        Sqe.prepare(queue.next(), IoUring.OP_READ, link ? IoUring.SQE_IO_LINK : 0, 0, 5, 0, 1, 2, 0, 0, userData);
    }

    @Test
    @DisplayName("fault 11: any number of entries, taken as the kernel likes, come in order and chains whole")
    void orderAndChains() {
        Seeds.forEach(300, seed -> {
            queue.close();
            queue = queue();
            final SplittableRandom random = new SplittableRandom(seed);
            final List<Long> taken = new ArrayList<>();
            long written = 0;
            while (taken.size() < 500 || queue.pending() > 0) {
                if (written < 500) {
                    final int chain = 1 + random.nextInt(random.nextBoolean() ? 1 : ENTRIES);
                    if (!queue.hasRoom(chain)) {
                        submit(random, taken);
                        queue.settle(chain);
                    }
                    for (int i = 0; i < chain; i++) {
                        assertThat(queue.hasRoom(1))
                                .as("no submission within a chain")
                                .isTrue();
                        write(written++, i + 1 < chain);
                    }
                }
                assertThat(queue.pending()).isEqualTo((int) (written - taken.size()));
                if (written >= 500 || random.nextInt(4) == 0) {
                    submit(random, taken);
                }
            }
            for (int i = 0; i < taken.size(); i++) {
                assertThat(taken.get(i)).isEqualTo(i);
            }
            assertThat(queue.hasBacklog()).isFalse();
            assertThat(queue.hasRoom(ENTRIES)).isTrue();
        });
    }

    /** What is published ends with the end of a chain; the kernel takes none of it, some chains, or all. */
    private void submit(final SplittableRandom random, final List<Long> taken) {
        final int published = queue.publish();
        assertThat(published).isLessThanOrEqualTo(ENTRIES);
        int left = published == 0 || random.nextBoolean() ? 0 : 1 + random.nextInt(published);
        boolean linked = false;
        for (int i = 0; i < published && (left > 0 || linked); i++) {
            linked = SubmissionQueue.isLinked(head());
            taken.add(take());
            left--;
        }
        assertThat(linked).as("a chain goes on behind what was published").isFalse();
    }

    @Test
    @DisplayName("fault 11: the rest of a chain that the kernel tore fails, and is not begun by itself")
    void aTornChainFails() {
        for (int i = 0; i < 4; i++) {
            write(i, i < 3);
        }
        write(4, false);
        assertThat(queue.publish()).isEqualTo(5);
        take();
        take();
        queue.repairTornChain();
        final long torn = head();
        assertThat(Memory.getInt(torn + IoUring.SQE_FD)).isEqualTo(-1);
        assertThat(Memory.getByte(torn + IoUring.SQE_OPCODE)).isEqualTo((byte) IoUring.OP_READ);
        assertThat(SubmissionQueue.isLinked(torn))
                .as("what follows fails with it")
                .isTrue();
        assertThat(take()).isEqualTo(2);
        take();
        queue.repairTornChain(); // at the end of a chain: nothing to do
        assertThat(Memory.getInt(head() + IoUring.SQE_FD)).isEqualTo(5);
        assertThat(take()).isEqualTo(4);
        queue.repairTornChain(); // nothing left
        assertThat(queue.pending()).isZero();
    }
}
