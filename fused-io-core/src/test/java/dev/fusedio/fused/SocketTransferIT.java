package dev.fusedio.fused;

import static dev.fusedio.fused.FusedCommand.PENDING;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fusedio.loop.Completable;
import dev.fusedio.loop.KernelLoop;
import dev.fusedio.loop.Slab;
import dev.fusedio.ring.IoUring;
import dev.fusedio.ring.Sqe;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Libc;
import dev.fusedio.sys.Memory;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Secondaries on sockets, on the kernel's io_uring; a thread at the other end is slow, or goes. */
class SocketTransferIT {
    private static final int AF_UNIX = 1;
    private static final int SOCK_STREAM = 1;

    private final RecordingOwner owner = new RecordingOwner();
    private final byte[] content = new byte[Slab.MAX_BLOCK];
    private final Arena arena = Arena.ofShared();
    private KernelLoop fixture;
    private FusedCommand command;
    private RingSocket socket;
    private int here;
    private int there;

    @BeforeEach
    void open() throws IOException {
        fixture = new KernelLoop();
        command = new FusedCommand(fixture.loop(), owner);
        new SplittableRandom(5).nextBytes(content);
        final long pair = arena.allocate(8, 8).address();
        assertThat(fixture.loop().libc().sockets().socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
                .isZero();
        here = Memory.getInt(pair);
        there = Memory.getInt(pair + 4);
        socket = new RingSocket(RingFile.install(fixture.loop(), here), SocketMechanism.probe());
    }

    @AfterEach
    void close() {
        fixture.loop().libc().files().close(here);
        fixture.loop().libc().files().close(there);
        fixture.close();
        arena.close();
    }

    private void fill(final int bytes) {
        assertThat(command.lease(bytes)).isZero();
        assertThat(command.borrow(Direction.DEST, 0, bytes)).isZero();
        Memory.put(command.address(0), content, 0, bytes);
        command.giveBackNow(0);
        command.seal();
    }

    private CompletableFuture<byte[]> readThere(final int bytes) {
        final CompletableFuture<byte[]> whole = new CompletableFuture<>();
        Thread.ofPlatform().start(() -> {
            final byte[] got = new byte[bytes];
            try (Arena own = Arena.ofConfined()) {
                final Libc libc = new Libc(own);
                final long memory = own.allocate(bytes, 8).address();
                for (int done = 0; done < bytes; ) {
                    final long n = libc.files().read(there, memory + done, Math.min(9999, bytes - done));
                    if (n <= 0) {
                        throw new AssertionError("read: " + n);
                    }
                    done += (int) n;
                }
                Memory.get(memory, got, 0, bytes);
                whole.complete(got);
            } catch (final RuntimeException | AssertionError e) {
                whole.completeExceptionally(e);
            }
        });
        return whole;
    }

    private Thread writeThere(final int bytes, final int piece) {
        return Thread.ofPlatform().start(() -> {
            try (Arena own = Arena.ofConfined()) {
                final Libc libc = new Libc(own);
                final long memory = own.allocate(bytes, 8).address();
                Memory.put(memory, content, 0, bytes);
                for (int done = 0; done < bytes; ) {
                    done += (int) libc.files().write(there, memory + done, Math.min(piece, bytes - done));
                }
            }
        });
    }

    @Test
    void aSendIsWholeHoweverSlowThePeer() {
        final CompletableFuture<byte[]> got = readThere(Slab.MAX_BLOCK);
        fill(Slab.MAX_BLOCK);
        assertThat(command.send(socket, 0, Slab.MAX_BLOCK, false)).isEqualTo(PENDING);
        command.finish(0);
        assertThat(owner.completions()).as("not before its last secondary").isEmpty();
        fixture.runUntil(owner::isComplete);
        assertThat(owner.completions()).containsExactly(0);
        assertThat(got.join()).isEqualTo(content);
    }

    @Test
    void aReceiveIsWholeHoweverSmallThePieces() {
        writeThere(200_000, 777);
        command.lease(200_000);
        assertThat(command.receive(socket, 0, 200_000, false)).isEqualTo(PENDING);
        fixture.runUntil(() -> !owner.secondaries().isEmpty());
        final byte[] got = new byte[200_000];
        command.borrow(Direction.DEST, 0, 200_000);
        Memory.get(command.address(0), got, 0, got.length);
        command.giveBackNow(0);
        assertThat(got).isEqualTo(Arrays.copyOf(content, 200_000));
        assertThat(owner.secondaries()).containsExactly(0);
    }

    @Test
    void linkedSendsKeepTheirOrder() {
        final CompletableFuture<byte[]> got = readThere(1 << 20);
        fill(1 << 20);
        fixture.loop().driver().reserve(2);
        assertThat(command.send(socket, 0, 700_000, true)).isEqualTo(PENDING);
        assertThat(command.send(socket, 700_000, (1 << 20) - 700_000, false)).isEqualTo(PENDING);
        command.finish(0);
        fixture.runUntil(owner::isComplete);
        assertThat(got.join()).isEqualTo(Arrays.copyOf(content, 1 << 20));
    }

    @Test
    void aPeerThatGoesIsAnError() throws InterruptedException {
        command.lease(4096);
        command.receive(socket, 0, 4096, false);
        writeThere(100, 100).join();
        fixture.loop().libc().sockets().shutdown(there, 1);
        fixture.runUntil(() -> !owner.secondaries().isEmpty());
        command.finish(0);
        assertThat(owner.completions()).containsExactly(-Errno.ECONNRESET);

        fixture.loop().libc().sockets().shutdown(there, 0);
        fill(4096);
        command.send(socket, 0, 4096, false);
        command.finish(0);
        fixture.runUntil(() -> owner.completions().size() == 2);
        assertThat(owner.completions()).containsExactly(-Errno.ECONNRESET, -Errno.EPIPE);
    }

    @Test
    void theContractHoldsForSockets() {
        command.lease(4096);
        assertThat(command.send(socket, 0, 1, false)).isEqualTo(-Errno.EINVAL);
        assertThat(command.receive(socket, 4097, 0, false)).isEqualTo(-Errno.EFAULT);
        assertThat(command.receive(socket, 4000, 97, false)).isEqualTo(-Errno.EFAULT);
        assertThat(command.receive(socket, 4096, 0, false)).isZero();
        for (int i = 0; i < FusedCommand.MAX_SOCKET_TRANSFERS; i++) {
            assertThat(command.receive(socket, i * 10, 10, false)).isEqualTo(PENDING);
        }
        assertThat(command.receive(socket, 100, 10, false)).isEqualTo(-Errno.EBUSY);
        writeThere(20, 20);
        fixture.runUntil(() -> !owner.secondaries().isEmpty());
        command.finish(0);
        assertThat(owner.completions()).containsExactly(0);
    }

    @Test
    void aKernelBufferHasNoAddress() {
        command.provideKernelBuffer(3, 4096, Direction.DEST);
        assertThat(command.inMemory()).isFalse();
        assertThat(command.borrow(Direction.SRC, 0, 1)).isEqualTo(-Errno.EINVAL);
        assertThat(command.borrow(Direction.DEST, 4000, 97)).isEqualTo(-Errno.EFAULT);
        assertThat(command.borrow(Direction.DEST, 0, 4096)).isZero();
        assertThatThrownBy(() -> command.address(0)).isInstanceOf(IllegalStateException.class);
        command.giveBackNow(0);
        // nothing is registered at that place: the kernel's own answer
        assertThat(command.read(socket.file(), 0, 0, 512)).isEqualTo(PENDING);
        fixture.runUntil(() -> !owner.secondaries().isEmpty());
        command.finish(0);
        assertThat(owner.completions()).containsExactly(-Errno.EFAULT);
        assertThatThrownBy(() -> command.provideKernelBuffer(0, 4096, Direction.DEST))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aZeroCopySendEndsWithItsLastNotification() {
        final SocketTransfer transfer = new SocketTransfer();
        final RingSocket zeroCopy = new RingSocket(new RingFile(here, 0), SocketMechanism.SEND_ZC_FIXED);
        final long nobody = fixture.loop().userData(fixture.loop().register(new Ignoring()), 0);
        transfer.start(fixture.loop(), Direction.SRC, zeroCopy, 3, 0, 1000, false, nobody);
        assertThat(transfer.advance(fixture.loop(), 400, IoUring.CQE_F_MORE, nobody))
                .isEqualTo(PENDING);
        assertThat(transfer.advance(fixture.loop(), 600, IoUring.CQE_F_MORE, nobody))
                .isEqualTo(PENDING);
        assertThat(transfer.advance(fixture.loop(), 0, IoUring.CQE_F_NOTIF, nobody))
                .isEqualTo(PENDING);
        assertThat(transfer.advance(fixture.loop(), 0, IoUring.CQE_F_NOTIF, nobody))
                .isEqualTo(1000);

        transfer.start(fixture.loop(), Direction.SRC, zeroCopy, 3, 0, 1000, false, nobody);
        assertThat(transfer.advance(fixture.loop(), 400, IoUring.CQE_F_MORE, nobody))
                .isEqualTo(PENDING);
        assertThat(transfer.advance(fixture.loop(), -Errno.EPIPE, 0, nobody))
                .as("the first part is still on its way")
                .isEqualTo(PENDING);
        assertThat(transfer.advance(fixture.loop(), 0, IoUring.CQE_F_NOTIF, nobody))
                .isEqualTo(-Errno.EPIPE);
    }

    @Test
    void theBorrowingOperationsAreTheMechanismsOwn() {
        assertThat(opcodes(SocketMechanism.SEND_RECV_FIXED)).containsExactly(IoUring.OP_SEND, IoUring.OP_RECV);
        assertThat(opcodes(SocketMechanism.READ_WRITE_FIXED))
                .containsExactly(IoUring.OP_WRITE_FIXED, IoUring.OP_READ_FIXED);
        assertThat(opcodes(SocketMechanism.SEND_ZC_FIXED)).containsExactly(IoUring.OP_SEND_ZC, IoUring.OP_READ_FIXED);
    }

    private int[] opcodes(final SocketMechanism mechanism) {
        final int[] opcodes = new int[2];
        final long nobody = fixture.loop().userData(fixture.loop().register(new Ignoring()), 0);
        for (int i = 0; i < 2; i++) {
            final SocketTransfer transfer = new SocketTransfer();
            final RingSocket to = new RingSocket(new RingFile(-1, 0), mechanism);
            fixture.loop().driver().enter(false, 0); // what follows is the next entry of an empty queue
            final long before = fixture.loop().driver().sqe();
            Sqe.nop(before, nobody);
            transfer.start(fixture.loop(), i == 0 ? Direction.SRC : Direction.DEST, to, 3, 0, 10, false, nobody);
            opcodes[i] = Memory.getByte(before + IoUring.SQE_BYTES);
        }
        return opcodes;
    }

    private static final class Ignoring implements Completable {
        @Override
        public void onCompletion(final int tag, final int result, final int flags) {
            // the test looks at the transfer, not at what becomes of it
        }

        @Override
        public void onFailure(final RuntimeException e) {
            throw new AssertionError(e);
        }
    }
}
