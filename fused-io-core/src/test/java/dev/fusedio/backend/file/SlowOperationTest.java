package dev.fusedio.backend.file;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.fused.FusedCommand;
import dev.fusedio.loop.SimulatedLoop;
import dev.fusedio.ring.SimulatedFaults;
import dev.fusedio.ring.SimulatedFile;
import dev.fusedio.sys.Errno;
import dev.fusedio.volume.BackendLane;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToIntFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class SlowOperationTest {
    private static final int BYTES = 64 << 20;

    private SimulatedLoop fixture;
    private SimulatedFile file;
    private BackendLane lane;
    private BackendLane other;

    @BeforeEach
    void open() throws Exception {
        fixture = new SimulatedLoop(1, SimulatedFaults.none());
        file = fixture.ring().file(BYTES);
        final OpenFile opened =
                new OpenFile(file.fd(), Path.of("simulated"), false, BYTES, 1, 4096, 0, false, false, true, true);
        final FileBackend backend = new FileBackend(opened, false, false, Runnable::run);
        lane = backend.attach(fixture.loop());
        other = backend.attach(fixture.loop());
    }

    @AfterEach
    void close() {
        fixture.close();
    }

    /** A command whose result is awaited. */
    private static final class Issued implements FusedCommand.Owner {
        private final FusedCommand command;
        private final List<Integer> results = new ArrayList<>();

        private Issued(final SimulatedLoop loop) {
            command = new FusedCommand(loop.loop(), this);
        }

        private int issue(final ToIntFunction<FusedCommand> operation) {
            return operation.applyAsInt(command);
        }

        @Override
        public void onSecondariesDone(final int firstError) {
            command.finish(firstError);
        }

        @Override
        public void onCommandComplete(final int result) {
            results.add(result);
        }

        @Override
        public void onFailure(final RuntimeException e) {
            throw new AssertionError(e);
        }
    }

    private Issued plain(final ToIntFunction<FusedCommand> operation) {
        final Issued issued = new Issued(fixture);
        issued.command.startWithoutBuffer();
        assertThat(issued.issue(operation)).isEqualTo(FusedCommand.PENDING);
        return issued;
    }

    private void requireNoInlineWritesUntilItEnds(final Issued issued) {
        assertThat(lane.writesInline()).isFalse();
        assertThat(other.writesInline()).isFalse();
        fixture.run();
        assertThat(issued.results).containsExactly(0);
        assertThat(lane.writesInline()).isTrue();
        assertThat(other.writesInline()).isTrue();
    }

    @Test
    @DisplayName("fault 6: no loop writes to a file itself while its lock may be held or the journal commits")
    void noInlineWritesMeanwhile() {
        assertThat(lane.writesInline()).isTrue();
        requireNoInlineWritesUntilItEnds(plain(command -> lane.trim(command, 0, BYTES)));
        requireNoInlineWritesUntilItEnds(plain(command -> lane.zero(command, 4096, 4096, false)));
        requireNoInlineWritesUntilItEnds(plain(lane::flush));
        final Issued durable = new Issued(fixture);
        durable.command.lease(4096);
        durable.command.seal();
        assertThat(durable.issue(command -> lane.write(command, 0, 4096, 0, true)))
                .isEqualTo(FusedCommand.PENDING);
        requireNoInlineWritesUntilItEnds(durable);
        fixture.requireNothingLeased();
    }

    @Test
    @DisplayName("fault 6: a write is given to the ring, and answered, while a long TRIM goes on")
    void writesGoOnWhileATrimDoes() {
        final Issued trim = plain(command -> lane.trim(command, 0, BYTES));
        final Issued write = new Issued(fixture);
        write.command.lease(4096);
        write.command.seal();
        assertThat(write.issue(command -> other.write(command, 0, 4096, 4096, false)))
                .as("by a worker of the kernel")
                .isEqualTo(FusedCommand.PENDING);
        while (write.results.isEmpty()) {
            assertThat(trim.results).as("the whole TRIM before the write").isEmpty();
            fixture.runOnce();
        }
        fixture.run();
        assertThat(trim.results).containsExactly(0);
    }

    @Test
    @DisplayName("fault 6: a long fallocate is cut, into longer pieces while they are short in time")
    void piecesGrow() {
        final long before = fixture.ring().submissions();
        final byte[] data = new byte[BYTES];
        Arrays.fill(data, (byte) 1);
        file.put(0, data);
        final Issued trim = plain(command -> lane.trim(command, 100, BYTES - 200));
        fixture.run();
        assertThat(trim.results).containsExactly(0);
        assertThat(fixture.ring().submissions() - before).isBetween(5L, 10L); // 1, 2, 4 .. MiB and the edges
        Arrays.fill(data, 100, BYTES - 100, (byte) 0);
        assertThat(Arrays.equals(file.content(), data)).isTrue();
    }

    @Test
    @DisplayName("fault 6: pieces become short where they take long")
    void piecesShrink() {
        final long before = fixture.ring().submissions();
        final Issued trim = plain(command -> lane.trim(command, 0, 2 << 20));
        while (trim.results.isEmpty()) {
            fixture.time().advance(500_000_000);
            fixture.runOnce();
        }
        assertThat(trim.results).containsExactly(0);
        assertThat(fixture.ring().submissions() - before)
                .isBetween(17L, 18L); // 1 MiB, then 64 KiB each; and the wake-up
    }

    @Test
    @DisplayName("fault 4: what fallocate refused once is not asked for again")
    void refusalIsLearnt() {
        file.refuseAllocate();
        final Issued first = plain(command -> lane.zero(command, 0, BYTES, false));
        fixture.run();
        assertThat(first.results).containsExactly(-Errno.EOPNOTSUPP);
        final Issued second = new Issued(fixture);
        second.command.startWithoutBuffer();
        assertThat(second.issue(command -> other.zero(command, 0, BYTES, false)))
                .isEqualTo(-Errno.EOPNOTSUPP);
        assertThat(lane.writesInline()).isTrue();
    }
}
