package dev.fusedio.ring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Libc;
import dev.fusedio.sys.Memory;
import dev.fusedio.sys.Seeds;
import dev.fusedio.sys.SimulatedTime;
import dev.fusedio.sys.SystemCallException;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** The simulated kernel keeps io_uring's rules, and notices a program that breaks them. */
class SimulatedRingTest {
    private record Completion(long userData, int result, int flags) {}

    private final Arena arena = Arena.ofConfined();
    private final SimulatedTime time = new SimulatedTime();
    private final List<Completion> completions = new ArrayList<>();
    private final long memory = arena.allocate(1 << 20, 4096).address();
    private SimulatedRing ring;

    @BeforeEach
    void open() {
        open(SimulatedFaults.none());
    }

    private void open(final SimulatedFaults faults) {
        ring = new SimulatedRing(5, faults, time, arena);
        completions.clear();
    }

    @AfterEach
    void close() {
        arena.close();
    }

    private void settle() {
        do {
            ring.enter(false, 0);
            ring.drain((userData, result, flags) -> completions.add(new Completion(userData, result, flags)));
        } while (!ring.isQuiet());
    }

    private void prepare(
            final int opcode, final int flags, final int fd, final long off, final long at, final int len) {
        Sqe.prepare(ring.sqe(), opcode, flags, 0, fd, off, at, len, 0, 0, opcode);
    }

    private static Completion done(final long userData, final int result) {
        return new Completion(userData, result, 0);
    }

    @Test
    void filesAreReadAndWritten() {
        final SimulatedFile file = ring.file(10);
        Memory.put(memory, new byte[] {1, 2, 3}, 0, 3);
        prepare(IoUring.OP_WRITE, 0, file.fd(), 8, memory, 3);
        settle();
        assertThat(file.content()).containsExactly(0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3);
        assertThat(file.isDurable(8, 3)).isFalse();
        prepare(IoUring.OP_READ, 0, file.fd(), 9, memory, 100);
        prepare(IoUring.OP_READ, 0, file.fd(), 11, memory + 1000, 100);
        settle();
        assertThat(completions)
                .containsExactly(done(IoUring.OP_WRITE, 3), done(IoUring.OP_READ, 2), done(IoUring.OP_READ, 0));
        Sqe.fdatasync(ring.sqe(), file.fd(), 0, 1);
        settle();
        assertThat(file.isDurable(0, 11)).isTrue();
    }

    @Test
    void aPowerCutLosesOnlyWhatIsNotDurable() {
        final SimulatedFile file = ring.file(64 << 10);
        Memory.fill(memory, 32768, (byte) 1);
        prepare(IoUring.OP_WRITE, 0, file.fd(), 0, memory, 32768);
        settle();
        Sqe.fdatasync(ring.sqe(), file.fd(), 0, 1);
        settle();
        prepare(IoUring.OP_WRITE, 0, file.fd(), 32768, memory, 32768);
        settle();
        final byte[] left = file.afterPowerCut(1);
        for (int i = 0; i < 32768; i++) {
            assertThat(left[i]).isEqualTo((byte) 1);
        }
        assertThat(Arrays.copyOfRange(left, 32768, 65536)).contains(0, 1);
        assertThat(file.afterPowerCut(1)).isEqualTo(left);
    }

    @Test
    void chainsRunInOrderAndBreakAtAnError() {
        final SimulatedFile file = ring.file(4096);
        prepare(IoUring.OP_READ, IoUring.SQE_IO_LINK, file.fd(), 0, memory, 4096);
        prepare(IoUring.OP_READ, IoUring.SQE_IO_LINK, file.fd(), 4000, memory, 4096); // short: the chain breaks
        Sqe.nop(ring.sqe(), 99);
        settle();
        assertThat(completions)
                .containsExactly(done(IoUring.OP_READ, 4096), done(IoUring.OP_READ, 96), done(99, -Errno.ECANCELED));
    }

    @Test
    @DisplayName("fault 11: what the kernel did not take waits in order, and nothing is lost")
    void whatIsNotTakenWaitsInOrder() {
        ring.takeNothing(3);
        for (int i = 0; i < 200; i++) {
            Sqe.nop(ring.sqe(), i);
        }
        assertThat(ring.pending()).isEqualTo(200);
        assertThat(ring.submissions()).isZero();
        ring.enter(true, -1); // the second refusal: does not sleep
        assertThat(ring.pending()).isEqualTo(200);
        Sqe.nop(ring.sqe(), 200); // behind the others, although nothing is tried for it
        settle();
        assertThat(ring.pending()).isZero();
        assertThat(completions)
                .containsExactly(
                        IntStream.rangeClosed(0, 200).mapToObj(i -> done(i, 0)).toArray(Completion[]::new));
    }

    @Test
    @DisplayName("fault 11: a chain that found no room is submitted whole")
    void aChainThatWaitedIsWhole() {
        final SimulatedFile file = ring.file(10);
        for (int i = 0; i < 63; i++) {
            Sqe.nop(ring.sqe(), 1);
        }
        ring.takeNothing(1);
        ring.reserve(2); // one place is left, and the kernel takes nothing
        prepare(IoUring.OP_READ, IoUring.SQE_IO_LINK, file.fd(), 0, memory, 4096);
        Sqe.nop(ring.sqe(), 99);
        assertThat(ring.pending()).isEqualTo(65);
        settle();
        assertThat(completions).contains(done(IoUring.OP_READ, 10), done(99, -Errno.ECANCELED));
    }

    @Test
    void aChainIsCutByASubmissionUnlessRoomWasReserved() {
        final SimulatedFile file = ring.file(10);
        for (int i = 0; i < 63; i++) {
            Sqe.nop(ring.sqe(), 1);
        }
        prepare(IoUring.OP_READ, IoUring.SQE_IO_LINK, file.fd(), 0, memory, 4096);
        Sqe.nop(ring.sqe(), 99); // the queue was full: this one isn't linked to the read any more
        settle();
        assertThat(completions).contains(done(99, 0));
        completions.clear();
        for (int i = 0; i < 63; i++) {
            Sqe.nop(ring.sqe(), 1);
        }
        ring.reserve(2);
        prepare(IoUring.OP_READ, IoUring.SQE_IO_LINK, file.fd(), 0, memory, 4096);
        Sqe.nop(ring.sqe(), 99);
        settle();
        assertThat(completions).contains(done(99, -Errno.ECANCELED));
    }

    @Test
    void completionsBeyondTheQueueWaitAndAreCounted() {
        ring = new SimulatedRing(1, SimulatedFaults.none(), time, arena, 64, 4, 0);
        for (int i = 0; i < 20; i++) {
            Sqe.nop(ring.sqe(), i);
        }
        settle();
        assertThat(completions).extracting(Completion::userData).containsExactly(range(20));
        assertThat(ring.overflows()).isEqualTo(1);
        assertThat(ring.completions()).isEqualTo(20);
    }

    private static Long[] range(final int end) {
        final Long[] numbers = new Long[end];
        Arrays.setAll(numbers, i -> (long) i);
        return numbers;
    }

    @Test
    void fixedFilesAndBuffersAreChecked() {
        final SimulatedFile file = ring.file(4096);
        final int index = ring.installFile(file.fd());
        ring.registerBuffers(memory, 8192, 4);
        prepare(IoUring.OP_READ_FIXED, IoUring.SQE_FIXED_FILE, index, 0, memory + 4096, 4096);
        prepare(IoUring.OP_READ_FIXED, IoUring.SQE_FIXED_FILE, index, 0, memory + 8192, 1);
        prepare(IoUring.OP_READ, IoUring.SQE_FIXED_FILE, index + 1, 0, memory, 1);
        settle();
        assertThat(completions)
                .containsExactly(
                        done(IoUring.OP_READ_FIXED, 4096),
                        done(IoUring.OP_READ_FIXED, -Errno.EFAULT),
                        done(IoUring.OP_READ, -Errno.EBADF));
        ring.removeFile(index);
        assertThat(ring.installedFiles()).isZero();
    }

    @Test
    void lentBuffersAreReachedByIndexAndOffset() {
        final SimulatedSocket socket = ring.socket();
        final int index = ring.lend(memory, 100);
        socket.write((byte) 7, (byte) 8);
        lentReceive(socket, 98, 2, index); // its end
        lentReceive(socket, 98, 3, index); // beyond it
        lentReceive(socket, 0, 1, index + 1); // not there
        settle();
        assertThat(completions)
                .containsExactlyInAnyOrder(
                        done(IoUring.OP_RECV, 2),
                        done(IoUring.OP_RECV, -Errno.EFAULT),
                        done(IoUring.OP_RECV, -Errno.EFAULT));
        assertThat(Memory.getByte(memory + 98)).isEqualTo((byte) 7);
        assertThat(Memory.getByte(memory + 99)).isEqualTo((byte) 8);
    }

    @Test
    void aLentBufferIsNotTakenBackWhileItIsUsed() {
        final SimulatedSocket socket = ring.socket();
        final int index = ring.lend(memory, 100);
        lentReceive(socket, 0, 1, index);
        settle();
        assertThatExceptionOfType(AssertionError.class)
                .isThrownBy(() -> ring.takeBack(index))
                .withMessageContaining("ended while its pages are used");
    }

    private void lentReceive(final SimulatedSocket socket, final long offset, final int length, final int index) {
        Sqe.prepare(
                ring.sqe(),
                IoUring.OP_RECV,
                0,
                IoUring.RECVSEND_FIXED_BUF,
                socket.fd(),
                0,
                offset,
                length,
                Sqe.MSG_WAITALL,
                index,
                IoUring.OP_RECV);
    }

    @Test
    void acceptsUntilCancelled() {
        final SimulatedListener listener = ring.listener();
        Sqe.acceptMultishot(ring.sqe(), listener.fd(), 7);
        settle();
        assertThat(completions).isEmpty();
        final SimulatedSocket first = listener.connect();
        final SimulatedSocket second = listener.connect();
        settle();
        assertThat(completions)
                .containsExactly(
                        new Completion(7, first.fd(), IoUring.CQE_F_MORE),
                        new Completion(7, second.fd(), IoUring.CQE_F_MORE));
        completions.clear();
        Sqe.cancel(ring.sqe(), 7, 8);
        settle();
        assertThat(completions).containsExactlyInAnyOrder(done(7, -Errno.ECANCELED), done(8, 0));
        Sqe.cancel(ring.sqe(), 7, 9);
        settle();
        assertThat(completions).contains(done(9, -Errno.ENOENT));
    }

    @Test
    void aReceiveTakesABufferOnlyWhenDataIsThere() throws SystemCallException {
        try (ProvidedBuffers buffers = new ProvidedBuffers(ring, new Libc(arena), 2, 4096)) {
            final SimulatedSocket socket = ring.socket();
            buffers.armed();
            Sqe.recvSelect(ring.sqe(), socket.fd(), 0, 0, 0, IoUring.RECVSEND_POLL_FIRST, 5);
            settle();
            assertThat(completions).isEmpty();
            socket.write((byte) 1, (byte) 2);
            settle();
            final Completion completion = completions.removeFirst();
            assertThat(completion.result()).isEqualTo(2);
            assertThat(completion.flags() & IoUring.CQE_F_BUFFER).isNotZero();
            final long address = buffers.address(completion.flags() >>> IoUring.CQE_BUFFER_SHIFT);
            assertThat(Memory.getShortBe(address)).isEqualTo((short) 0x0102);

            socket.write((byte) 3);
            Sqe.recvSelect(ring.sqe(), socket.fd(), 0, 0, 0, IoUring.RECVSEND_POLL_FIRST, 6);
            settle();
            assertThat(completions).containsExactly(done(6, -Errno.ENOBUFS));
        }
    }

    @Test
    void aReceiveWithoutPollFirstWantsItsBufferAtOnce() throws SystemCallException {
        try (ProvidedBuffers none = new ProvidedBuffers(ring, new Libc(arena), 2, 4096)) {
            assertThat(none.available()).isTrue();
            Sqe.recvSelect(ring.sqe(), ring.socket().fd(), 0, 0, 0, 0, 5);
            settle();
            assertThat(completions).containsExactly(done(5, -Errno.ENOBUFS));
        }
    }

    @Test
    void waitAllWaitsForAll() {
        final SimulatedSocket socket = ring.socket();
        Sqe.recv(ring.sqe(), socket.fd(), 0, memory, 4, Sqe.MSG_WAITALL, 1);
        socket.write((byte) 1, (byte) 2);
        settle();
        assertThat(completions).isEmpty();
        socket.write((byte) 3, (byte) 4, (byte) 5);
        settle();
        assertThat(completions).containsExactly(new Completion(1, 4, IoUring.CQE_F_SOCK_NONEMPTY));
        assertThat(Memory.getIntBe(memory)).isEqualTo(0x01020304);
        Sqe.recv(ring.sqe(), socket.fd(), 0, memory, 4, Sqe.MSG_WAITALL, 2);
        socket.closeWrite();
        settle();
        assertThat(completions).contains(done(2, 1));
        Sqe.recv(ring.sqe(), socket.fd(), 0, memory, 4, 0, 3);
        settle();
        assertThat(completions).contains(done(3, 0));
    }

    @Test
    void aSendWaitsForAPeerThatDoesNotRead() {
        final SimulatedSocket socket = ring.socket();
        socket.window(0);
        Sqe.send(ring.sqe(), socket.fd(), 0, memory, 1 << 20, 1);
        settle();
        assertThat(completions).isEmpty();
        socket.window(Integer.MAX_VALUE);
        settle();
        assertThat(completions).containsExactly(done(1, 1 << 20));
        assertThat(socket.available()).isEqualTo(1 << 20);
    }

    @Test
    void resetsAndClosuresAreSeen() {
        final SimulatedSocket socket = ring.socket();
        socket.write((byte) 1);
        socket.reset();
        Sqe.recv(ring.sqe(), socket.fd(), 0, memory, 4, 0, 1);
        Sqe.send(ring.sqe(), socket.fd(), 0, memory + 8, 4, 2);
        settle();
        assertThat(completions).containsExactlyInAnyOrder(done(1, -Errno.ECONNRESET), done(2, -Errno.ECONNRESET));
        final SimulatedSocket closed = ring.socket();
        Sqe.send(ring.sqe(), closed.fd(), 0, memory, 4, 3);
        settle();
        assertThat(ring.closeDescriptor(closed.fd())).isZero();
        assertThat(closed.atEnd()).isFalse();
        assertThat(closed.read()).hasSize(4);
        assertThat(closed.atEnd()).isTrue();
        Sqe.send(ring.sqe(), closed.fd(), 0, memory, 4, 4);
        settle();
        assertThat(completions).contains(done(4, -Errno.EBADF));
    }

    @Test
    void systemCallsPastTheRingAreNoticedWhenAskedFor() {
        final Libc libc = new Libc(arena);
        ring.noticeSystemCalls(libc);
        final SimulatedSocket socket = ring.socket();
        Sqe.send(ring.sqe(), socket.fd(), 0, memory + 8, 4, 1);
        Sqe.recv(ring.sqe(), socket.fd(), 0, memory, 4, 0, 2);
        settle();
        assertThat(completions).containsExactly(done(1, 4));
        assertThat(libc.sockets().shutdown(socket.fd(), 2)).isZero();
        settle();
        assertThat(completions).containsExactly(done(1, 4), done(2, 0));
        Sqe.send(ring.sqe(), socket.fd(), 0, memory, 4, 3);
        settle();
        assertThat(completions).contains(done(3, -Errno.EPIPE));
        assertThat(socket.read()).hasSize(4);
        assertThat(socket.atEnd()).isTrue();

        assertThat(libc.files().close(socket.fd())).isZero();
        final SimulatedSocket next = ring.socket();
        assertThat(next.fd()).as("its number is given out again").isEqualTo(socket.fd());
        next.write((byte) 9);
        Sqe.recv(ring.sqe(), next.fd(), 0, memory, 1, 0, 4);
        settle();
        assertThat(completions).contains(done(4, 1));
        ring.close();
        assertThat(libc.files().close(next.fd())).isEqualTo(-Errno.EBADF);
    }

    @Test
    void zeroCopySendsKeepTheirPayloadUntilNotified() {
        final SimulatedSocket socket = ring.socket();
        prepare(IoUring.OP_SEND_ZC, 0, socket.fd(), 0, memory, 100);
        settle();
        assertThat(completions)
                .containsExactly(
                        new Completion(IoUring.OP_SEND_ZC, 100, IoUring.CQE_F_MORE),
                        new Completion(IoUring.OP_SEND_ZC, 0, IoUring.CQE_F_NOTIF));
    }

    @Test
    void aSleeperIsWokenByTimeOnly() {
        final long before = time.nanos();
        ring.enter(true, 500);
        assertThat(time.nanos()).isEqualTo(before + 500);
        assertNoticed("sleep for ever", () -> ring.enter(true, -1));
    }

    @Test
    void mistakesOfTheProgramAreNoticed() {
        final SimulatedFile file = ring.file(4096);
        final SimulatedFaults late = SimulatedFaults.none().with(Fault.LATE, 1000);
        assertNoticed("not filled", () -> {
            ring.sqe();
            settle();
        });
        assertNoticed("in use by", () -> {
            prepare(IoUring.OP_READ, 0, file.fd(), 0, memory, 100);
            prepare(IoUring.OP_READ, 0, file.fd(), 0, memory + 99, 100);
            settle();
        });
        open(late);
        final SimulatedSocket socket = ring.socket();
        assertNoticed("was changed", () -> {
            Sqe.send(ring.sqe(), socket.fd(), 0, memory, 100, 1);
            ring.enter(false, 0);
            Memory.putByte(memory + 50, (byte) 77);
            settle();
        });
        assertNoticed("freed twice", () -> ring.removeFile(0));
    }

    private static void assertNoticed(final String what, final Runnable mistake) {
        assertThatExceptionOfType(AssertionError.class).isThrownBy(mistake::run).withMessageContaining(what);
    }

    /** Whatever the kernel does, a stream stays a stream, and the same seed gives the same run. */
    @Test
    void streamsArriveWholeAndRunsRepeat() {
        Seeds.forEach(1000, seed -> assertThat(stream(seed)).isEqualTo(stream(seed)));
    }

    private static String stream(final long seed) {
        final SplittableRandom random = new SplittableRandom(seed);
        final byte[] sent = new byte[1 + random.nextInt(20_000)];
        random.nextBytes(sent);
        final StringBuilder trace = new StringBuilder();
        try (Arena own = Arena.ofConfined()) {
            final SimulatedFaults faults = SimulatedFaults.benign(seed);
            final SimulatedRing kernel = new SimulatedRing(seed, faults, new SimulatedTime(), own, 8, 2, 0);
            final SimulatedSocket socket = kernel.socket();
            final long out = own.allocate(sent.length).address();
            final long in = own.allocate(4096).address();
            Memory.put(out, sent, 0, sent.length);
            socket.write(sent);
            socket.closeWrite();
            final ByteArrayOutputStream received = new ByteArrayOutputStream();
            final int[] at = {0};
            final boolean[] ended = {false};
            Sqe.recv(kernel.sqe(), socket.fd(), 0, in, 4096, 0, 1);
            Sqe.send(kernel.sqe(), socket.fd(), 0, out, sent.length, 2);
            while (!ended[0] || at[0] < sent.length) {
                kernel.enter(false, 0);
                kernel.drain((userData, result, flags) -> {
                    trace.append(userData).append(':').append(result).append(' ');
                    if (userData == 2) {
                        at[0] += Math.max(result, 0);
                        if (at[0] < sent.length) {
                            Sqe.send(kernel.sqe(), socket.fd(), 0, out + at[0], sent.length - at[0], 2);
                        }
                        return;
                    }
                    ended[0] = result == 0;
                    if (result > 0) {
                        final byte[] part = new byte[result];
                        Memory.get(in, part, 0, result);
                        received.writeBytes(part);
                    }
                    if (!ended[0]) {
                        Sqe.recv(kernel.sqe(), socket.fd(), 0, in, 4096, 0, 1);
                    }
                });
            }
            while (!kernel.isQuiet()) {
                kernel.enter(false, 0);
            }
            assertThat(received.toByteArray()).isEqualTo(sent);
            assertThat(socket.read()).isEqualTo(sent);
        }
        return trace.toString();
    }
}
