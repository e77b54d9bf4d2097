package dev.fusedio.fused;

import static dev.fusedio.fused.FusedCommand.PENDING;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.fusedio.loop.SimulatedLoop;
import dev.fusedio.loop.Slab;
import dev.fusedio.ring.Fault;
import dev.fusedio.ring.SimulatedFaults;
import dev.fusedio.ring.SimulatedFile;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Memory;
import dev.fusedio.sys.SystemCallException;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** Every rule and every error of the fused command's contract. */
class FusedCommandTest {
    private static final int FILE_BYTES = 64 << 10;
    private static final RingFile NO_FILE = new RingFile(999_999_999, 0);
    private static final int RWF_DSYNC = 2;

    private final RecordingOwner owner = new RecordingOwner();
    private SimulatedLoop fixture;
    private SimulatedFile disk;
    private RingFile file;
    private FusedCommand command;
    private byte[] content;

    @BeforeEach
    void openLoop() throws SystemCallException {
        openLoop(SimulatedFaults.none());
    }

    private void openLoop(final SimulatedFaults faults) throws SystemCallException {
        fixture = new SimulatedLoop(1, faults);
        disk = fixture.ring().file(FILE_BYTES);
        content = new byte[FILE_BYTES];
        new SplittableRandom(7).nextBytes(content);
        disk.put(0, content);
        file = RingFile.install(fixture.loop(), disk.fd());
        command = new FusedCommand(fixture.loop(), owner);
    }

    private void reopen(final SimulatedFaults faults) throws SystemCallException {
        fixture.close();
        openLoop(faults);
    }

    @AfterEach
    void closeLoop() {
        fixture.close();
    }

    private byte[] buffer(final int offset, final int length) {
        final byte[] bytes = new byte[length];
        Memory.get(command.address(offset), bytes, 0, length);
        return bytes;
    }

    private byte[] disk(final int position, final int length) {
        return Arrays.copyOfRange(disk.content(), position, position + length);
    }

    private byte[] original(final int position, final int length) {
        return Arrays.copyOfRange(content, position, position + length);
    }

    @Nested
    @DisplayName("1. a primary provides one buffer: a length and a direction")
    class Buffer {
        @Test
        void leasedMemoryIsWrittenToFirst() {
            assertThat(command.lease(8192)).isZero();
            assertThat(command.isStarted()).isTrue();
            assertThat(command.length()).isEqualTo(8192);
            assertThat(command.write(file, 0, 0, 4096, 0)).isEqualTo(-Errno.EINVAL);
            assertThat(command.read(file, 0, 0, 4096)).isEqualTo(PENDING);
        }

        @Test
        void leasedMemoryIsReadFromOnceTurned() {
            command.lease(8192);
            command.seal();
            assertThat(command.read(file, 0, 0, 4096)).isEqualTo(-Errno.EINVAL);
            assertThat(command.borrow(Direction.DEST, 0, 1)).isEqualTo(-Errno.EINVAL);
            assertThat(command.borrow(Direction.SRC, 0, 8192)).isZero();
        }

        @Test
        void providedSourceIsReadFromOnly() {
            try (Arena arena = Arena.ofConfined()) {
                command.provide(arena.allocate(4096).address(), 4096, Direction.SRC);
                assertThat(command.borrow(Direction.DEST, 0, 4096)).isEqualTo(-Errno.EINVAL);
                assertThat(command.borrow(Direction.SRC, 0, 4096)).isZero();
                command.giveBack(0);
                command.finish(0);
            }
        }

        @Test
        void providedDestinationIsWrittenToOnly() {
            try (Arena arena = Arena.ofConfined()) {
                command.provide(arena.allocate(4096).address(), 4096, Direction.DEST);
                assertThat(command.borrow(Direction.SRC, 0, 4096)).isEqualTo(-Errno.EINVAL);
                assertThat(command.borrow(Direction.DEST, 0, 4096)).isZero();
                command.giveBack(0);
                command.finish(0);
            }
        }

        @Test
        void isTurnedOnceOnly() {
            command.lease(4096);
            command.seal();
            assertThatIllegalStateException().isThrownBy(command::seal);
        }

        @Test
        void isNotTurnedWhileOnLoan() {
            command.lease(4096);
            command.read(file, 0, 0, 4096);
            assertThatIllegalStateException().isThrownBy(command::seal);
        }

        @Test
        void isNotTurnedWhenWhatFilledItFailed() {
            command.lease(4096);
            command.borrow(Direction.DEST, 0, 4096);
            command.giveBack(-Errno.EIO);
            assertThatIllegalStateException().isThrownBy(command::seal);
        }

        @Test
        void isNotTurnedWhenItIsNotLeased() {
            try (Arena arena = Arena.ofConfined()) {
                command.provide(arena.allocate(4096).address(), 4096, Direction.DEST);
                assertThatIllegalStateException().isThrownBy(command::seal);
                command.finish(0);
            }
            command.startWithoutBuffer();
            assertThatIllegalStateException().isThrownBy(command::seal);
        }

        @Test
        void hasALengthThatMemoryCanHave() {
            assertThatIllegalArgumentException().isThrownBy(() -> command.lease(0));
            assertThatIllegalArgumentException().isThrownBy(() -> command.lease(-1));
            assertThatIllegalArgumentException().isThrownBy(() -> command.lease(Slab.MAX_BLOCK + 1));
            assertThatIllegalArgumentException().isThrownBy(() -> command.provide(0, -1, Direction.SRC));
            assertThat(command.isStarted()).isFalse();
            fixture.requireNothingLeased();
        }

        @Test
        void isOneOnly() {
            command.lease(4096);
            assertThatIllegalStateException().isThrownBy(() -> command.lease(4096));
            assertThatIllegalStateException().isThrownBy(() -> command.provide(1, 1, Direction.SRC));
            assertThatIllegalStateException().isThrownBy(command::startWithoutBuffer);
            assertThat(fixture.loop().slab().leased()).isEqualTo(4096);
        }
    }

    @Nested
    @DisplayName("2. a secondary borrows [offset, offset + length)")
    class Borrowing {
        @Test
        void offsetBeyondTheBufferIsEfault() {
            command.lease(4096);
            assertThat(command.borrow(Direction.DEST, 4097, 0)).isEqualTo(-Errno.EFAULT);
            assertThat(command.borrow(Direction.DEST, -1, 1)).isEqualTo(-Errno.EFAULT);
            assertThat(command.read(file, 0, 4097, 0)).isEqualTo(-Errno.EFAULT);
        }

        @Test
        void lengthBeyondTheBufferIsEfault() {
            command.lease(4096);
            assertThat(command.borrow(Direction.DEST, 0, 4097)).isEqualTo(-Errno.EFAULT);
            assertThat(command.borrow(Direction.DEST, 4096, 1)).isEqualTo(-Errno.EFAULT);
            assertThat(command.borrow(Direction.DEST, 1, -1)).isEqualTo(-Errno.EFAULT);
            assertThat(command.read(file, 0, 4000, 97)).isEqualTo(-Errno.EFAULT);
        }

        @Test
        void sumsThatOverflowAreEfault() {
            command.lease(4096);
            assertThat(command.borrow(Direction.DEST, 1, Long.MAX_VALUE)).isEqualTo(-Errno.EFAULT);
            assertThat(command.borrow(Direction.DEST, Long.MAX_VALUE, 1)).isEqualTo(-Errno.EFAULT);
            assertThat(command.borrow(Direction.DEST, 1L << 32, 1)).isEqualTo(-Errno.EFAULT);
            assertThat(command.read(file, 0, 1, Integer.MAX_VALUE)).isEqualTo(-Errno.EFAULT);
        }

        @Test
        void theLengthIsWhatWasAskedForNotTheBlock() {
            command.lease(100);
            assertThat(command.borrow(Direction.DEST, 0, 101)).isEqualTo(-Errno.EFAULT);
            assertThat(command.borrow(Direction.DEST, 0, 100)).isZero();
        }

        @Test
        void nothingAtTheEndIsLegal() {
            command.lease(4096);
            assertThat(command.borrow(Direction.DEST, 4096, 0)).isZero();
            assertThat(command.outstanding()).isEqualTo(1);
        }

        @Test
        void aTransferOfNothingEndsAtOnce() {
            command.lease(4096);
            assertThat(command.read(file, 0, 4096, 0)).isZero();
            assertThat(command.outstanding()).isZero();
            assertThat(owner.secondaries()).isEmpty();
        }

        @Test
        void beforeTheStartIsEinval() {
            assertAllRefused();
        }

        private void assertAllRefused() {
            assertThat(command.borrow(Direction.DEST, 0, 0)).isEqualTo(-Errno.EINVAL);
            assertThat(command.read(file, 0, 0, 1)).isEqualTo(-Errno.EINVAL);
            assertThat(command.write(file, 0, 0, 1, 0)).isEqualTo(-Errno.EINVAL);
            assertThat(command.dataSync(file)).isEqualTo(-Errno.EINVAL);
            assertThat(command.allocate(file, 0, 0, 1)).isEqualTo(-Errno.EINVAL);
            assertThat(command.advise(file, 0, 1, 0)).isEqualTo(-Errno.EINVAL);
            assertThat(command.hold()).isEqualTo(-Errno.EINVAL);
        }

        @Test
        void afterTheFinishIsEinval() {
            command.lease(4096);
            command.read(file, 0, 0, 4096);
            command.finish(0);
            assertThat(command.isStarted()).isTrue();
            assertAllRefused();
        }

        @Test
        void withoutABufferIsEinval() {
            command.startWithoutBuffer();
            assertThat(command.borrow(Direction.DEST, 0, 0)).isEqualTo(-Errno.EINVAL);
            assertThat(command.borrow(Direction.SRC, 0, 0)).isEqualTo(-Errno.EINVAL);
            assertThat(command.read(file, 0, 0, 1)).isEqualTo(-Errno.EINVAL);
        }

        @Test
        void theWrongDirectionIsEinvalEvenBeyondTheBuffer() {
            command.lease(4096);
            assertThat(command.borrow(Direction.SRC, 0, 4096)).isEqualTo(-Errno.EINVAL);
            assertThat(command.borrow(Direction.SRC, 5000, 1)).isEqualTo(-Errno.EINVAL);
        }

        @Test
        void whatWasRefusedIsNotLent() {
            command.lease(4096);
            command.borrow(Direction.SRC, 0, 1);
            command.borrow(Direction.DEST, 0, 4097);
            command.read(file, 0, 1, 4096);
            assertThat(command.outstanding()).isZero();
            command.finish(5);
            assertThat(owner.completions()).containsExactly(5);
        }

        @Test
        void severalBorrowAtOnce() {
            command.lease(16384);
            for (int i = 0; i < FusedCommand.MAX_TRANSFERS; i++) {
                assertThat(command.read(file, i * 4096L, i * 4096, 4096)).isEqualTo(PENDING);
            }
            assertThat(command.outstanding()).isEqualTo(FusedCommand.MAX_TRANSFERS);
            fixture.run();
            assertThat(owner.secondaries()).containsExactly(0);
            command.borrow(Direction.DEST, 0, 16384);
            assertThat(buffer(0, 16384)).isEqualTo(original(0, 16384));
        }

        @Test
        void severalBorrowOneAfterAnother() {
            command.lease(4096);
            for (int i = 1; i <= 20; i++) {
                assertThat(command.read(file, i * 512L, 0, 4096)).isEqualTo(PENDING);
                fixture.run();
                assertThat(owner.secondaries()).hasSize(i).containsOnly(0);
            }
        }

        @Test
        void oneTransferTooManyIsEbusyAndHarmsNone() {
            command.lease(4096);
            for (int i = 0; i < FusedCommand.MAX_TRANSFERS; i++) {
                command.read(file, 0, i * 512, 512);
            }
            assertThat(command.read(file, 0, 3584, 512)).isEqualTo(-Errno.EBUSY);
            assertThat(command.outstanding()).isEqualTo(FusedCommand.MAX_TRANSFERS);
            fixture.run();
            assertThat(owner.secondaries()).containsExactly(0);
            assertThat(command.read(file, 0, 3584, 512)).isEqualTo(PENDING);
        }

        @Test
        void onlyWhatIsOnLoanHasAnAddress() {
            assertThatIllegalStateException().isThrownBy(() -> command.address(0));
            command.lease(4096);
            assertThatIllegalStateException().isThrownBy(() -> command.address(0));
            command.borrow(Direction.DEST, 0, 4096);
            assertThat(fixture.loop().slab().contains(command.address(4095))).isTrue();
            assertThatIllegalStateException().isThrownBy(() -> command.address(4097));
            assertThatIllegalStateException().isThrownBy(() -> command.address(-1));
            command.giveBack(0);
            assertThatIllegalStateException().isThrownBy(() -> command.address(0));
        }

        @Test
        void aCommandWithoutBufferHasNoAddress() {
            command.startWithoutBuffer();
            command.hold();
            assertThatIllegalStateException().isThrownBy(() -> command.address(0));
        }

        @Test
        void nothingIsGivenBackThatWasNotLent() {
            command.lease(4096);
            assertThatIllegalStateException().isThrownBy(() -> command.giveBack(0));
            assertThatIllegalStateException().isThrownBy(() -> command.giveBackNow(0));
        }
    }

    @Nested
    @DisplayName("3. the primary completes after its last secondary, always, exactly once")
    class Completion {
        @Test
        void atOnceWhenNothingIsOnLoan() {
            command.lease(4096);
            command.finish(42);
            assertThat(owner.completions()).containsExactly(42);
            assertThat(command.isStarted()).isFalse();
            fixture.requireNothingLeased();
        }

        @Test
        void afterTheLastOfSeveral() {
            command.lease(8192);
            command.borrow(Direction.DEST, 0, 4096);
            command.read(file, 0, 4096, 4096);
            command.hold();
            command.finish(0);
            assertThat(owner.completions()).isEmpty();
            fixture.run();
            assertThat(owner.completions()).isEmpty();
            command.giveBack(0);
            assertThat(owner.completions()).isEmpty();
            assertThat(fixture.loop().slab().leased()).isEqualTo(8192);
            command.giveBack(0);
            assertThat(owner.completions()).containsExactly(0);
            fixture.requireNothingLeased();
            fixture.run();
            assertThat(owner.completions()).hasSize(1);
        }

        @Test
        void afterALoanThatIsGivenBackQuietly() {
            command.lease(4096);
            command.borrow(Direction.DEST, 0, 4096);
            command.finish(7);
            command.giveBackNow(0);
            assertThat(owner.completions()).containsExactly(7);
            assertThat(owner.secondaries()).isEmpty();
            fixture.requireNothingLeased();
        }

        @Test
        void theOwnerIsNotToldOfSecondariesOnceItFinished() {
            command.lease(4096);
            command.read(file, 0, 0, 4096);
            command.finish(0);
            fixture.run();
            assertThat(owner.secondaries()).isEmpty();
            assertThat(owner.completions()).containsExactly(0);
        }

        @Test
        void theFirstErrorIsTheResult() {
            command.lease(4096);
            command.borrow(Direction.DEST, 0, 1);
            command.borrow(Direction.DEST, 1, 1);
            command.borrow(Direction.DEST, 2, 1);
            command.giveBack(0);
            command.giveBack(-Errno.ENOSPC);
            command.giveBack(-Errno.EIO);
            assertThat(owner.secondaries()).containsExactly(-Errno.ENOSPC);
            command.finish(4096);
            assertThat(owner.completions()).containsExactly(-Errno.ENOSPC);
        }

        @Test
        void aSecondarysErrorIsBeforeThePrimarysOwn() {
            command.lease(4096);
            command.borrow(Direction.DEST, 0, 1);
            command.finish(-Errno.ESHUTDOWN);
            command.giveBack(-Errno.EIO);
            assertThat(owner.completions()).containsExactly(-Errno.EIO);
        }

        @Test
        void thePrimarysOwnErrorIsTheResultWhenNoSecondaryFailed() {
            command.lease(4096);
            command.borrow(Direction.DEST, 0, 1);
            command.finish(-Errno.ESHUTDOWN);
            command.giveBack(1);
            assertThat(owner.completions()).containsExactly(-Errno.ESHUTDOWN);
        }

        @Test
        void onceOnly() {
            assertThatIllegalStateException().isThrownBy(() -> command.finish(0));
            command.lease(4096);
            command.read(file, 0, 0, 1);
            command.finish(0);
            assertThatIllegalStateException().isThrownBy(() -> command.finish(0));
            fixture.run();
            assertThat(owner.completions()).containsExactly(0);
            assertThatIllegalStateException().isThrownBy(() -> command.finish(0));
        }

        @Test
        void theBufferIsNotReachableAfterwards() {
            command.lease(4096);
            command.borrow(Direction.DEST, 0, 4096);
            command.giveBack(0);
            command.finish(0);
            assertThat(command.length()).isZero();
            assertThat(command.borrow(Direction.DEST, 0, 0)).isEqualTo(-Errno.EINVAL);
            assertThatIllegalStateException().isThrownBy(() -> command.address(0));
            assertThatIllegalStateException().isThrownBy(() -> command.giveBack(0));
        }

        @Test
        void errorsDoNotCrossCommands() {
            command.lease(4096);
            command.borrow(Direction.DEST, 0, 1);
            command.giveBack(-Errno.EIO);
            command.finish(0);
            command.lease(4096);
            command.seal();
            command.finish(1);
            assertThat(owner.completions()).containsExactly(-Errno.EIO, 1);
        }

        @Test
        void theObjectMayStartAgainWithinItsCompletion() {
            final int[] results = new int[2];
            final FusedCommand[] again = new FusedCommand[1];
            again[0] = new FusedCommand(fixture.loop(), new FusedCommand.Owner() {
                private int count;

                @Override
                public void onSecondariesDone(final int firstError) {
                    again[0].finish(count + 10);
                }

                @Override
                public void onCommandComplete(final int result) {
                    results[count++] = result;
                    if (count < 2) {
                        again[0].lease(4096);
                        again[0].read(file, 0, 0, 4096);
                    }
                }

                @Override
                public void onFailure(final RuntimeException e) {
                    throw new AssertionError("a callback let an exception through", e);
                }
            });
            again[0].lease(4096);
            again[0].read(file, 0, 0, 4096);
            fixture.run();
            assertThat(results).containsExactly(10, 11);
            fixture.requireNothingLeased();
        }

        @Test
        void aCommandThatIsStartedIsNotDisposedOf() {
            command.lease(4096);
            assertThatIllegalStateException().isThrownBy(command::dispose);
            command.finish(0);
            command.dispose();
        }

        @Test
        void theOwnerIsToldOfSecondariesThatEndLater() {
            command.lease(8192);
            command.read(file, 0, 0, 4096);
            command.borrow(Direction.DEST, 4096, 4096);
            command.giveBackNow(0);
            assertThat(owner.secondaries()).isEmpty();
            fixture.run();
            assertThat(owner.secondaries()).containsExactly(0);
        }
    }

    @Nested
    @DisplayName("4. if the primary can't start, its secondaries are never issued")
    class Start {
        @Test
        void withoutMemoryIsEnomemAndNothingStarts() {
            final int blocks = (int) (fixture.loop().slab().length() / Slab.MAX_BLOCK);
            final FusedCommand[] holders = new FusedCommand[blocks];
            for (int i = 0; i < blocks; i++) {
                holders[i] = new FusedCommand(fixture.loop(), owner);
                assertThat(holders[i].lease(Slab.MAX_BLOCK)).isZero();
            }
            fixture.run();
            final long before = fixture.ring().submissions();
            assertThat(command.lease(1)).isEqualTo(-Errno.ENOMEM);
            assertThat(command.isStarted()).isFalse();
            assertThat(command.read(file, 0, 0, 1)).isEqualTo(-Errno.EINVAL);
            assertThat(command.dataSync(file)).isEqualTo(-Errno.EINVAL);
            fixture.run();
            assertThat(fixture.ring().submissions()).isEqualTo(before);
            assertThat(owner.completions()).isEmpty();

            holders[0].finish(0);
            assertThat(command.lease(1)).isZero();
        }
    }

    @Nested
    @DisplayName("5. a short transfer is continued; a command ends with its full length or an errno")
    class Transfers {
        @Test
        void shortReadsAreContinued() throws SystemCallException {
            reopen(SimulatedFaults.none().with(Fault.SHORT, 1000));
            command.lease(32768);
            assertThat(command.read(file, 1000, 0, 32768)).isEqualTo(PENDING);
            final long before = fixture.ring().submissions();
            fixture.run();
            assertThat(fixture.ring().submissions() - before).isGreaterThan(2);
            assertThat(owner.secondaries()).containsExactly(0);
            command.borrow(Direction.DEST, 0, 32768);
            assertThat(buffer(0, 32768)).isEqualTo(original(1000, 32768));
        }

        @Test
        void shortWritesAreContinued() throws SystemCallException {
            reopen(SimulatedFaults.none().with(Fault.SHORT, 1000));
            command.lease(32768);
            command.borrow(Direction.DEST, 0, 32768);
            Memory.put(command.address(0), content, 32768, 32768);
            command.giveBackNow(0);
            command.seal();
            assertThat(command.write(file, 512, 0, 32768, 0)).isEqualTo(PENDING);
            fixture.run();
            assertThat(owner.secondaries()).containsExactly(0);
            assertThat(disk(512, 32768)).isEqualTo(original(32768, 32768));
            assertThat(disk(0, 512)).isEqualTo(original(0, 512));
        }

        @Test
        void interruptedTransfersAreTriedAgain() throws SystemCallException {
            reopen(SimulatedFaults.none().with(Fault.EINTR, 500).with(Fault.EAGAIN, 500));
            command.lease(4096);
            command.read(file, 0, 0, 4096);
            fixture.run();
            assertThat(owner.secondaries()).containsExactly(0);
            command.borrow(Direction.DEST, 0, 4096);
            assertThat(buffer(0, 4096)).isEqualTo(original(0, 4096));
        }

        @Test
        void theEndOfTheFileIsEio() {
            command.lease(4096);
            command.read(file, FILE_BYTES - 100, 0, 101);
            fixture.run();
            command.finish(0);
            assertThat(owner.secondaries()).containsExactly(-Errno.EIO);
            assertThat(owner.completions()).containsExactly(-Errno.EIO);
        }

        @Test
        void anErrorAmidATransferIsTheResult() throws SystemCallException {
            reopen(SimulatedFaults.none().with(Fault.EIO, 1000));
            command.lease(4096);
            command.read(file, 0, 0, 4096);
            fixture.run();
            assertThat(owner.secondaries()).containsExactly(-Errno.EIO);
        }

        @Test
        void aFullDiskIsEnospc() throws SystemCallException {
            reopen(SimulatedFaults.none().with(Fault.ENOSPC, 1000));
            command.lease(4096);
            command.seal();
            command.write(file, 0, 0, 4096, 0);
            fixture.run();
            command.finish(4096);
            assertThat(owner.completions()).containsExactly(-Errno.ENOSPC);
        }

        @Test
        void aDescriptorThatIsGoneIsEbadf() {
            command.lease(4096);
            assertThat(command.read(NO_FILE, 0, 0, 4096)).isEqualTo(PENDING);
            fixture.run();
            assertThat(owner.secondaries()).containsExactly(-Errno.EBADF);
        }

        @Test
        void durableWritesAreDurableAndOthersOnceSynced() {
            command.lease(4096);
            command.seal();
            command.write(file, 0, 0, 4096, RWF_DSYNC);
            command.write(file, 8192, 0, 4096, 0);
            fixture.run();
            assertThat(disk.isDurable(0, 4096)).isTrue();
            assertThat(disk.isDurable(8192, 4096)).isFalse();
            assertThat(command.dataSync(file)).isEqualTo(PENDING);
            fixture.run();
            assertThat(disk.isDurable(8192, 4096)).isTrue();
        }
    }

    @Nested
    @DisplayName("secondaries that need no buffer")
    class Plain {
        @Test
        void holdTheCommandOpen() {
            command.startWithoutBuffer();
            assertThat(command.dataSync(file)).isEqualTo(PENDING);
            assertThat(command.advise(file, 0, 4096, 3)).isEqualTo(PENDING);
            command.finish(0);
            assertThat(owner.completions()).isEmpty();
            fixture.run();
            assertThat(owner.completions()).containsExactly(0);
        }

        @Test
        void punchHoles() {
            command.startWithoutBuffer();
            assertThat(command.allocate(file, 0x3, 4096, 8192)).isEqualTo(PENDING);
            fixture.run();
            assertThat(owner.secondaries()).containsExactly(0);
            assertThat(disk(4096, 8192)).containsOnly(0);
            assertThat(disk(0, 4096)).isEqualTo(original(0, 4096));
            assertThat(disk(12288, 4096)).isEqualTo(original(12288, 4096));
        }

        @Test
        void reportTheirErrors() {
            disk.refuseAllocate();
            command.startWithoutBuffer();
            command.allocate(file, 0x3, 0, 4096);
            fixture.run();
            assertThat(owner.secondaries()).containsExactly(-Errno.EOPNOTSUPP);
            command.finish(0);
            assertThat(owner.completions()).containsExactly(-Errno.EOPNOTSUPP);
        }

        @Test
        void aSyncThatFailsIsReported() throws SystemCallException {
            reopen(SimulatedFaults.none().with(Fault.EIO, 1000));
            command.startWithoutBuffer();
            command.dataSync(file);
            fixture.run();
            assertThat(owner.secondaries()).containsExactly(-Errno.EIO);
        }

        @Test
        void aHoldEndsWhenItIsGivenBack() {
            command.startWithoutBuffer();
            assertThat(command.hold()).isEqualTo(PENDING);
            command.giveBack(-Errno.ETIMEDOUT);
            assertThat(owner.secondaries()).containsExactly(-Errno.ETIMEDOUT);
        }
    }
}
