package dev.fusedio.backend.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.fusedio.loop.SimulatedLoop;
import dev.fusedio.ring.SimulatedFaults;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.FileCalls;
import dev.fusedio.sys.Seeds;
import dev.fusedio.volume.ExtentQuery;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntSupplier;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class ExtentSearchTest {
    private static final int BLOCK = 4096;

    private static final class Answer extends ExtentQuery {
        private final List<Integer> results = new ArrayList<>();

        private Answer(final long position, final long length, final int limit) {
            super(64);
            ask(position, length, limit);
        }

        @Override
        public void onExtents(final int result) {
            results.add(result);
        }

        private String text() {
            final StringBuilder list = new StringBuilder();
            for (int i = 0; i < count(); i++) {
                list.append(extentState(i) == DATA ? " data " : " hole ").append(extentLength(i));
            }
            return list.toString().strip();
        }
    }

    /** A file of blocks, some of them holes, that others write and trim between any two seeks. */
    private static final class ChangingFile implements ExtentSearch.Seek {
        private final SplittableRandom random;
        private final boolean[] data = new boolean[40];
        private final boolean[] wasHole = new boolean[data.length];
        private final int changes;
        private int seeks;

        private ChangingFile(final SplittableRandom random) {
            this.random = random;
            this.changes = random.nextInt(4);
            for (int i = 0; i < data.length; i++) {
                data[i] = random.nextBoolean();
                wasHole[i] = !data[i];
            }
        }

        @Override
        public long seek(final long position, final int whence) {
            seeks++;
            for (int i = random.nextInt(changes + 1); i > 0; i--) {
                final int block = random.nextInt(data.length);
                data[block] = !data[block];
                wasHole[block] |= !data[block];
            }
            for (int block = (int) (position / BLOCK); block < data.length; block++) {
                if (data[block] == (whence == FileCalls.SEEK_DATA)) {
                    return Math.max(position, (long) block * BLOCK);
                }
            }
            return whence == FileCalls.SEEK_DATA ? -Errno.ENXIO : (long) data.length * BLOCK;
        }
    }

    @Test
    @DisplayName("fault 20: a block that becomes a hole between SEEK_DATA and SEEK_HOLE is answered as data")
    void aBlockBecomesAHole() {
        final Answer answer = new Answer(BLOCK + 100, 3 * BLOCK, 8);
        final int result = ExtentSearch.search(
                (position, whence) -> position < 2 * BLOCK || whence == FileCalls.SEEK_HOLE
                        ? position // first the block is data, and then it is a hole
                        : -Errno.ENXIO,
                answer);
        assertThat(result).isZero();
        assertThat(answer.text()).isEqualTo("data " + (BLOCK - 100) + " hole " + (2 * BLOCK + 100));
    }

    @Test
    @DisplayName("fault 20: whatever changes between two seeks, the answer has bytes, and holes that were holes")
    void whateverChanges() {
        Seeds.forEach(2000, seed -> {
            final SplittableRandom random = new SplittableRandom(seed);
            final ChangingFile file = new ChangingFile(random);
            final int size = file.data.length * BLOCK;
            final int position = random.nextInt(size);
            final Answer answer = new Answer(position, 1 + random.nextInt(size - position), 1 + random.nextInt(20));
            assertThat(ExtentSearch.search(file, answer)).isZero();
            assertThat(file.seeks).isLessThanOrEqualTo(4 * answer.limit());
            assertThat(answer.count()).isBetween(1, answer.limit());
            long at = position;
            for (int i = 0; i < answer.count(); i++) {
                final long end = at + answer.extentLength(i);
                if (answer.extentState(i) == ExtentQuery.HOLE_AND_ZERO) {
                    for (int block = (int) (at / BLOCK); block * (long) BLOCK < end; block++) {
                        assertThat(file.wasHole[block]).as("block " + block).isTrue();
                    }
                }
                at = end;
            }
            assertThat(at).isLessThanOrEqualTo(position + answer.length());
        });
    }

    @Test
    @DisplayName("fault 20: a search that throws on the blocking thread is answered, an Error as well")
    void aSearchThatThrows() throws Exception {
        final Answer failed = new Answer(0, BLOCK, 8);
        final Answer broken = new Answer(0, BLOCK, 8);
        try (SimulatedLoop loop = new SimulatedLoop(1, SimulatedFaults.none())) {
            final IntSupplier throwing = () -> {
                throw new IllegalStateException("no way to the file");
            };
            new ExtentLookup(loop.loop(), failed, throwing).run();
            assertThat(loop.takeErrors()).singleElement().isInstanceOf(IllegalStateException.class);
            assertThatExceptionOfType(StackOverflowError.class)
                    .isThrownBy(() -> new ExtentLookup(loop.loop(), broken, () -> {
                                throw new StackOverflowError();
                            })
                            .run());
            loop.run();
        }
        assertThat(failed.results).containsExactly(-Errno.EIO);
        assertThat(broken.results).containsExactly(-Errno.EIO);
    }
}
