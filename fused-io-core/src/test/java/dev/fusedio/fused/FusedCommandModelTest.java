package dev.fusedio.fused;

import static dev.fusedio.fused.FusedCommand.PENDING;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.fusedio.loop.SimulatedLoop;
import dev.fusedio.loop.Slab;
import dev.fusedio.ring.Fault;
import dev.fusedio.ring.SimulatedFaults;
import dev.fusedio.ring.SimulatedFile;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Memory;
import dev.fusedio.sys.Seeds;
import dev.fusedio.sys.SystemCallException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Long random sequences of calls, on a kernel that misbehaves, against a model of the contract. */
class FusedCommandModelTest {
    private static final int COMMANDS = 3;
    private static final int STEPS = 150;
    private static final int FILE_BYTES = 64 << 10;

    /** A buffer is used in cells, so that secondaries that fill it don't get into each other's way. */
    private static final int CELLS = 8;

    @Test
    void commandsDoWhatTheModelSays() {
        Seeds.forEach(2000, FusedCommandModelTest::run);
    }

    private static void run(final long seed) throws SystemCallException {
        final SimulatedFaults faults = SimulatedFaults.benign(seed).with(Fault.ENOBUFS, 0);
        try (SimulatedLoop fixture = new SimulatedLoop(seed, faults);
                Arena arena = Arena.ofConfined()) {
            final SplittableRandom random = new SplittableRandom(seed);
            final List<Driver> drivers = new ArrayList<>();
            for (int i = 0; i < COMMANDS; i++) {
                drivers.add(new Driver(fixture, random, arena));
            }
            for (int step = 0; step < STEPS; step++) {
                final int choice = random.nextInt(12);
                if (choice == 0) {
                    fixture.run();
                    drivers.forEach(Driver::atRest);
                } else if (choice <= 3) {
                    fixture.runOnce();
                    drivers.forEach(driver -> driver.model.mayHaveEnded());
                } else {
                    drivers.get(random.nextInt(COMMANDS)).step();
                }
            }
            for (final Driver driver : drivers) {
                driver.windUp();
            }
            fixture.run();
            drivers.forEach(Driver::atRest);
            drivers.forEach(driver -> assertThat(driver.command.isStarted()).isFalse());
            fixture.requireNothingLeased();
        }
    }

    /** The contract, in the fewest words. Which of several failed first is known as a set of candidates. */
    private static final class Model {
        boolean started;
        boolean finishing;
        boolean buffer;
        boolean leased;
        Direction direction = Direction.DEST;
        int length;
        int lent;
        int outcome;
        final List<Integer> pending = new ArrayList<>();
        final Set<Integer> first = new TreeSet<>();

        void start(final int bytes, final boolean hasBuffer, final boolean isLeased, final Direction way) {
            started = true;
            finishing = false;
            buffer = hasBuffer;
            leased = isLeased;
            direction = way;
            length = bytes;
            first.clear();
            first.add(0);
        }

        int borrow(final Direction way, final long offset, final long bytes) {
            if (!started || finishing || !buffer || way != direction) {
                return -Errno.EINVAL;
            }
            return offset > length || bytes > length - offset ? -Errno.EFAULT : 0;
        }

        boolean canTurn() {
            return started && !finishing && leased && direction == Direction.DEST && lent == 0 && pending.isEmpty();
        }

        void ended(final int result) {
            if (result < 0 && first.remove(0)) {
                first.add(result);
            }
        }

        void mayHaveEnded() {
            if (first.contains(0)) {
                pending.stream().filter(result -> result < 0).forEach(first::add);
            }
        }

        void allEnded() {
            mayHaveEnded();
            if (pending.stream().anyMatch(result -> result < 0)) {
                first.remove(0);
            }
            pending.clear();
        }

        boolean allows(final int result) {
            return first.contains(result) ? result != 0 || outcome == 0 : first.contains(0) && result == outcome;
        }
    }

    /** One command, its model, and a file of its own in which nobody else writes. */
    private static final class Driver implements FusedCommand.Owner {
        private final SplittableRandom random;
        private final Model model = new Model();
        private final FusedCommand command;
        private final SimulatedFile disk;
        private final RingFile good;
        private final RingFile cut;
        private final RingFile gone = new RingFile(999_999_999, 0);
        private final byte[] content = new byte[FILE_BYTES];
        private final long provided;
        private final BitSet busyCells = new BitSet();
        private int transfers;
        private int completions;
        private int starts;

        Driver(final SimulatedLoop fixture, final SplittableRandom random, final Arena arena) {
            this.random = random;
            command = new FusedCommand(fixture.loop(), this);
            disk = fixture.ring().file(FILE_BYTES);
            random.nextBytes(content);
            disk.put(0, content);
            good = RingFile.install(fixture.loop(), disk.fd());
            cut = RingFile.install(fixture.loop(), fixture.ring().file(0).fd());
            provided = arena.allocate(65536, 4096).address();
        }

        @Override
        public void onSecondariesDone(final int firstError) {
            model.mayHaveEnded();
            assertThat(command.outstanding()).isZero();
            assertThat(command.isStarted()).isTrue();
            assertThat(model.finishing).isFalse();
            assertThat(model.lent).isZero();
            assertThat(model.first).contains(firstError);
        }

        @Override
        public void onCommandComplete(final int result) {
            model.mayHaveEnded();
            assertThat(model.started).as("completed twice").isTrue();
            assertThat(model.finishing).isTrue();
            assertThat(model.lent).isZero();
            assertThat(model.allows(result))
                    .as("result %s of %s", result, model.first)
                    .isTrue();
            model.started = false;
            model.pending.clear();
            completions++;
        }

        @Override
        public void onFailure(final RuntimeException e) {
            throw new AssertionError("a callback let an exception through", e);
        }

        void step() {
            switch (random.nextInt(14)) {
                case 0 -> start();
                case 1, 2, 3 -> transfer(Direction.DEST);
                case 4, 5 -> transfer(Direction.SRC);
                case 6 -> borrow();
                case 7, 8 -> giveBack();
                case 9 -> plain();
                case 10 -> turn();
                case 11 -> finish();
                case 12 -> check(model.started && !model.finishing ? PENDING : -Errno.EINVAL, command.hold(), 1);
                default -> assertThat(command.length()).isEqualTo(model.started ? model.length : 0);
            }
            assertThat(command.isStarted()).isEqualTo(model.started);
            assertThat(command.outstanding()).isBetween(model.lent, model.lent + model.pending.size());
        }

        private void start() {
            if (model.started) {
                return;
            }
            final int bytes = CELLS * (1 + random.nextInt(1 << random.nextInt(14)));
            switch (random.nextInt(4)) {
                case 0 -> {
                    final Direction way = random.nextBoolean() ? Direction.DEST : Direction.SRC;
                    final int length = Math.min(bytes, 65536);
                    command.provide(provided, length, way);
                    model.start(length, true, false, way);
                }
                case 1 -> {
                    command.startWithoutBuffer();
                    model.start(0, false, false, Direction.DEST);
                }
                default -> {
                    final int length = Math.min(bytes, Slab.MAX_BLOCK);
                    final int result = command.lease(length);
                    assertThat(result).isIn(0, -Errno.ENOMEM);
                    if (result == 0) {
                        model.start(length, true, true, Direction.DEST);
                    }
                }
            }
            starts += model.started ? 1 : 0;
            busyCells.clear();
            transfers = 0;
        }

        private void transfer(final Direction way) {
            final int cell = random.nextInt(CELLS);
            final int size = model.length / CELLS;
            final boolean beyond = random.nextInt(8) == 0;
            final int offset = beyond ? random.nextInt(2 * model.length + 2) : cell * size;
            final int bytes = beyond ? random.nextInt(2 * model.length + 2) : size;
            final int refused = model.borrow(way, offset, bytes);
            if (refused == 0 && (beyond || busyCells.get(cell) || transfers == FusedCommand.MAX_TRANSFERS)) {
                return; // legal, but this test couldn't tell what is in the buffer afterwards
            }
            final RingFile file =
                    way == Direction.SRC || random.nextInt(6) > 0 ? good : random.nextBoolean() ? cut : gone;
            final long position = cell * 8192L;
            final int result = way == Direction.DEST
                    ? command.read(file, position, offset, bytes)
                    : write(position, offset, bytes);
            if (refused != 0) {
                assertThat(result).isEqualTo(refused);
                return;
            }
            assertThat(result).isEqualTo(PENDING);
            transfers++;
            busyCells.set(cell);
            model.pending.add(file.equals(cut) ? -Errno.EIO : file.equals(gone) ? -Errno.EBADF : bytes);
        }

        private int write(final long position, final int offset, final int bytes) {
            final int result = command.write(good, position, offset, bytes, random.nextInt(2) * 2);
            if (result == PENDING) {
                command.borrow(Direction.SRC, offset, bytes);
                Memory.get(command.address(offset), content, (int) position, bytes);
                command.giveBackNow(0);
            }
            return result;
        }

        private void borrow() {
            final Direction way = random.nextBoolean() ? Direction.DEST : Direction.SRC;
            final int offset = random.nextInt(model.length + 2);
            final int bytes = random.nextInt(model.length + 2);
            check(model.borrow(way, offset, bytes), command.borrow(way, offset, bytes), 1);
        }

        private void check(final int expected, final int result, final int lends) {
            assertThat(result).isEqualTo(expected);
            if (expected == 0 || expected == PENDING) {
                model.lent += lends;
            }
        }

        private void giveBack() {
            if (model.lent == 0) {
                return;
            }
            final int result = random.nextInt(4) == 0 ? -(1 + random.nextInt(100)) : random.nextInt(1000);
            model.mayHaveEnded();
            model.lent--;
            model.ended(result);
            if (random.nextBoolean()) {
                command.giveBack(result);
            } else {
                command.giveBackNow(result);
            }
        }

        private void plain() {
            final boolean open = model.started && !model.finishing;
            final int result = random.nextBoolean() ? command.dataSync(good) : command.advise(good, 0, 4096, 3);
            assertThat(result).isEqualTo(open ? PENDING : -Errno.EINVAL);
            if (open) {
                model.pending.add(0);
            }
        }

        private void turn() {
            if (model.canTurn() && model.first.equals(Set.of(0))) {
                command.seal();
                model.direction = Direction.SRC;
            } else if (model.lent > 0 || !model.started || model.finishing || !model.leased) {
                assertThatIllegalStateException().isThrownBy(command::seal);
            }
        }

        private void finish() {
            if (!model.started || model.finishing) {
                assertThatIllegalStateException().isThrownBy(() -> command.finish(0));
                return;
            }
            model.outcome = random.nextInt(3) - 1;
            model.finishing = true;
            command.finish(model.outcome);
        }

        /** Nothing is in flight: all that is left on loan is what this test itself borrowed. */
        void atRest() {
            model.allEnded();
            transfers = 0;
            busyCells.clear();
            assertThat(command.outstanding()).isEqualTo(model.started ? model.lent : 0);
            assertThat(completions).isEqualTo(starts - (model.started ? 1 : 0));
            assertThat(disk.content()).isEqualTo(content);
            assertThat(model.started && model.finishing && model.lent == 0)
                    .as("hasn't completed")
                    .isFalse();
        }

        void windUp() {
            while (model.lent > 0) {
                giveBack();
            }
            if (model.started && !model.finishing) {
                finish();
            }
        }
    }

    /** The reads' data, which the random sequences above can't know at every moment. */
    @Test
    void whatIsReadAndWrittenIsWhole() {
        Seeds.forEach(1000, seed -> {
            try (SimulatedLoop fixture = new SimulatedLoop(seed, SimulatedFaults.benign(seed))) {
                copy(fixture, new SplittableRandom(seed));
            }
        });
    }

    private static void copy(final SimulatedLoop fixture, final SplittableRandom random) {
        final byte[] content = new byte[1 + random.nextInt(256 << 10)];
        random.nextBytes(content);
        final SimulatedFile from = fixture.ring().file(content.length);
        final SimulatedFile to = fixture.ring().file(content.length);
        from.put(0, content);
        final RingFile source = RingFile.install(fixture.loop(), from.fd());
        final RingFile target = RingFile.install(fixture.loop(), to.fd());
        final RecordingOwner owner = new RecordingOwner();
        final FusedCommand command = new FusedCommand(fixture.loop(), owner);
        for (int at = 0; at < content.length; ) {
            final int length = Math.min(content.length - at, 1 + random.nextInt(65536));
            assertThat(command.lease(length)).isZero();
            final int split = random.nextInt(length + 1);
            command.read(source, at, 0, split);
            command.read(source, at + split, split, length - split);
            fixture.run();
            command.seal();
            final int other = random.nextInt(length + 1);
            command.write(target, at, 0, other, 0);
            command.write(target, at + other, other, length - other, 0);
            command.finish(length);
            fixture.run();
            at += length;
            assertThat(owner.completions().getLast()).isEqualTo(length);
        }
        assertThat(Arrays.equals(to.content(), content)).isTrue();
        fixture.requireNothingLeased();
    }
}
