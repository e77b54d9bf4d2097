package dev.fusedio.ring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.fusedio.sys.Errno;
import dev.fusedio.sys.EventFd;
import dev.fusedio.sys.Libc;
import dev.fusedio.sys.Memory;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Scanner;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The kernel's io_uring behind {@link RingDriver}. */
class KernelRingIT {
    private static final int ENTRIES = 64;
    private static final int COMPLETIONS = 8 * ENTRIES;

    private record Completion(long userData, int result, int flags) {}

    @TempDir
    private Path directory;

    private final Arena arena = Arena.ofConfined();
    private final Libc libc = new Libc(arena);
    private final List<Completion> completions = new ArrayList<>();
    private final CompletionSink sink =
            (userData, result, flags) -> completions.add(new Completion(userData, result, flags));
    private KernelRing ring;

    @BeforeEach
    void open() throws IOException {
        try {
            ring = new KernelRing(libc, ENTRIES);
        } catch (final RingUnavailableException e) {
            abort("skipped: " + e.getMessage());
        }
    }

    @AfterEach
    void close() {
        if (ring != null) {
            ring.close();
            ring.close(); // once more does no harm
        }
        arena.close();
    }

    private void await(final int count) {
        while (completions.size() < count) {
            ring.enter(true, 10_000_000_000L);
            assertThat(ring.drain(sink)).as("nothing came within the time").isPositive();
        }
    }

    @Test
    void whatWasAskedForIsGrantedOrRefusedWithAReason() {
        final RingFeatures features = ring.features();
        final String[] asked = {
            "SINGLE_ISSUER", "DEFER_TASKRUN", "NO_SQARRAY", "SUBMIT_ALL", "REGISTER_RING_FDS", "REGISTER_FILES"
        };
        final List<String> refused =
                features.refused().stream().map(RingFeatures.Refusal::feature).toList();
        for (final String feature : asked) {
            assertThat(features.has(feature) || refused.contains(feature))
                    .as(feature)
                    .isTrue();
        }
        assertThat(features.refused())
                .allSatisfy(refusal -> assertThat(refusal.reason()).isNotBlank());
        assertThat(features.granted()).contains("SUBMIT_ALL");
    }

    @Test
    void aKernelOf66OrNewerGrantsAll() {
        try (Scanner release = new Scanner(System.getProperty("os.version")).useDelimiter("[.-]")) {
            assumeTrue(release.nextInt() * 100 + release.nextInt() >= 606, "skipped: Linux before 6.6");
        }
        assertThat(ring.features().granted()).contains("SINGLE_ISSUER", "DEFER_TASKRUN", "NO_SQARRAY");
    }

    @Test
    void countsWhatItDoes() {
        for (int i = 0; i < 10; i++) {
            Sqe.nop(ring.sqe(), i);
        }
        assertThat(ring.pending()).isEqualTo(10);
        ring.enter(false, 0);
        assertThat(ring.pending()).isZero();
        assertThat(ring.drain(sink)).isEqualTo(10);
        assertThat(ring.enters()).isEqualTo(1);
        assertThat(ring.submissions()).isEqualTo(10);
        assertThat(ring.completions()).isEqualTo(10);
        assertThat(completions)
                .containsExactly(LongStream.range(0, 10)
                        .mapToObj(i -> new Completion(i, 0, 0))
                        .toArray(Completion[]::new));
    }

    @Test
    void aFullQueueIsSubmittedByItself() {
        for (int i = 0; i < ENTRIES; i++) {
            Sqe.nop(ring.sqe(), i);
        }
        assertThat(ring.submissions()).isZero();
        Sqe.nop(ring.sqe(), ENTRIES);
        assertThat(ring.submissions()).isEqualTo(ENTRIES);
        assertThat(ring.pending()).isEqualTo(1);
        await(ENTRIES + 1);
    }

    @Test
    void reservingMakesRoomForAChain() {
        for (int i = 0; i < ENTRIES - 1; i++) {
            Sqe.nop(ring.sqe(), i);
        }
        ring.reserve(1);
        assertThat(ring.submissions()).isZero();
        ring.reserve(2);
        assertThat(ring.submissions()).isEqualTo(ENTRIES - 1);
        Sqe.prepare(ring.sqe(), IoUring.OP_READ, IoUring.SQE_IO_LINK, 0, 999_999_999, 0, 0, 0, 0, 0, 1000);
        Sqe.nop(ring.sqe(), 1001);
        await(ENTRIES + 1);
        assertThat(completions)
                .contains(new Completion(1000, -Errno.EBADF, 0), new Completion(1001, -Errno.ECANCELED, 0));
    }

    @Test
    void aChainThatIsLongerThanTheQueueIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ring.reserve(ENTRIES + 1))
                .withMessageContaining("room for " + (ENTRIES + 1));
    }

    /** Far more completions than the queue has places, drained late: the kernel keeps them, none is lost. */
    @Test
    void overflowIsCountedAndNothingIsLost() {
        final int total = 3 * COMPLETIONS;
        for (int i = 0; i < total; i++) {
            Sqe.nop(ring.sqe(), i);
        }
        ring.enter(false, 0);
        ring.enter(false, 0);
        assertThat(ring.overflows()).isPositive();
        await(total);
        final BitSet seen = new BitSet();
        for (final Completion completion : completions) {
            assertThat(seen.get((int) completion.userData())).isFalse();
            seen.set((int) completion.userData());
        }
        assertThat(seen.cardinality()).isEqualTo(total);
        final long before = ring.overflows();
        Sqe.nop(ring.sqe(), 0);
        ring.enter(false, 0);
        ring.drain(sink);
        assertThat(ring.overflows()).isEqualTo(before);
    }

    @Test
    void submittingFromWithinADrainWorks() {
        final int[] left = {10_000};
        Sqe.nop(ring.sqe(), 1);
        Sqe.nop(ring.sqe(), 2);
        while (left[0] > 0) {
            ring.enter(true, 10_000_000_000L);
            ring.drain((userData, result, flags) -> {
                if (left[0]-- > 0) {
                    Sqe.nop(ring.sqe(), userData);
                }
            });
        }
        assertThat(ring.completions()).isGreaterThanOrEqualTo(10_000);
    }

    @Test
    void aSinkThatThrowsLosesOnlyItsOwnCompletion() {
        for (int i = 0; i < 5; i++) {
            Sqe.nop(ring.sqe(), i);
        }
        ring.enter(false, 0);
        final List<Long> seen = new ArrayList<>();
        try {
            ring.drain((userData, result, flags) -> {
                seen.add(userData);
                if (userData == 2) {
                    throw new IllegalStateException("a handler's mistake");
                }
            });
        } catch (final IllegalStateException expected) {
            assertThat(expected).hasMessage("a handler's mistake");
        }
        ring.drain((userData, result, flags) -> seen.add(userData));
        assertThat(seen).containsExactly(0L, 1L, 2L, 3L, 4L);
    }

    @Test
    void sleepsNoLongerThanAllowed() {
        final long begin = System.nanoTime();
        ring.enter(true, 20_000_000);
        assertThat(System.nanoTime() - begin).isGreaterThanOrEqualTo(20_000_000);
        assertThat(ring.drain(sink)).isZero();
    }

    @Test
    void doesNotSleepWhenACompletionIsReady() {
        Sqe.nop(ring.sqe(), 1);
        ring.enter(false, 0);
        ring.enter(true, -1); // would never return
        assertThat(ring.drain(sink)).isEqualTo(1);
    }

    @Test
    void anotherThreadWakesItByItsEventFd() throws Exception {
        try (EventFd event = new EventFd(libc)) {
            final long buffer = arena.allocate(8, 8).address();
            Sqe.prepare(ring.sqe(), IoUring.OP_READ, 0, 0, event.fd(), 0, buffer, 8, 0, 0, 5);
            final Thread other = Thread.ofPlatform().start(event::signal);
            await(1);
            other.join();
            assertThat(completions).containsExactly(new Completion(5, 8, 0));
        }
    }

    @Test
    void whatIsInFlightCanBeCancelled() throws Exception {
        try (EventFd event = new EventFd(libc)) {
            final long buffer = arena.allocate(8, 8).address();
            Sqe.prepare(ring.sqe(), IoUring.OP_READ, 0, 0, event.fd(), 0, buffer, 8, 0, 0, 5);
            Sqe.cancel(ring.sqe(), 5, 6);
            await(2);
            assertThat(completions)
                    .containsExactlyInAnyOrder(new Completion(5, -Errno.ECANCELED, 0), new Completion(6, 0, 0));
        }
    }

    @Test
    @DisplayName("fault 18: after a ring was closed with a receive and a read in flight, their memory is not written")
    void memoryIsUntouchedAfterClose() throws Exception {
        final int[] pair = socketPair();
        final long buffer = arena.allocate(64, 8).address();
        try (EventFd event = new EventFd(libc)) {
            Sqe.prepare(ring.sqe(), IoUring.OP_READ, 0, 0, event.fd(), 0, buffer, 8, 0, 0, 5);
            Sqe.prepare(ring.sqe(), IoUring.OP_READ, IoUring.SQE_ASYNC, 0, event.fd(), 0, buffer + 8, 8, 0, 0, 6);
            Sqe.recv(ring.sqe(), pair[0], 0, buffer + 16, 5, 0, 7);
            Sqe.recv(ring.sqe(), pair[0], 0, buffer + 24, 5, Sqe.MSG_WAITALL, 8);
            ring.enter(false, 0);
            ring.close();
            assertThat(ring.isQuiet()).isTrue();
            final long text = arena.allocateFrom("hello, world").address();
            assertThat(libc.files().write(pair[1], text, 12)).isEqualTo(12);
            event.signal();
            final long poll = arena.allocate(8, 8).address(); // the data stays with the socket and the eventfd
            Memory.putInt(poll, pair[0]);
            Memory.putShort(poll + 4, (short) 1);
            assertThat(libc.sockets().poll(poll, 1, 50)).isEqualTo(1);
            assertThat(Memory.segment(buffer, 64).toArray(ValueLayout.JAVA_BYTE))
                    .containsOnly(0);
        } finally {
            libc.files().close(pair[0]);
            libc.files().close(pair[1]);
        }
    }

    @Test
    @DisplayName("fault 18: a closed ring is freed although its thread lives on")
    void aClosedRingIsFreed() throws Exception {
        final int[] pair = socketPair();
        assumeTrue(ring.installFile(pair[0]) >= 0, "skipped: no file table within the limit on open files");
        libc.files().close(pair[0]); // the ring alone holds it now
        Sqe.nop(ring.sqe(), 1);
        await(1);
        ring.closeAndAwait();
        assertThat(ring.isQuiet()).isTrue();
        final long poll = arena.allocate(8, 8).address();
        Memory.putInt(poll, pair[1]);
        assertThat(libc.sockets().poll(poll, 1, 5_000))
                .as("the peer sees the end")
                .isEqualTo(1);
        libc.files().close(pair[1]);
    }

    @Test
    @DisplayName("fault 18: entries that were never submitted do not delay the end")
    void whatWasNotSubmittedIsDropped() {
        Sqe.nop(ring.sqe(), 1);
        ring.close();
        assertThat(ring.isQuiet()).isTrue();
    }

    @Test
    void theFileTableFillsAndEmpties() throws IOException {
        assumeTrue(ring.features().has("REGISTER_FILES"), "skipped: no file table within the limit on open files");
        final Path path = Files.write(directory.resolve("file"), new byte[] {1, 2, 3});
        final int fd = libc.files().open(path.toString(), 0, 0);
        int index = ring.installFile(fd);
        final int first = index;
        int count = 0;
        while (index >= 0) {
            count++;
            index = ring.installFile(fd);
        }
        assertThat(count).isEqualTo(4096);
        ring.removeFile(first);
        assertThat(ring.installFile(fd)).isEqualTo(first);
        assertThat(ring.installFile(fd)).isEqualTo(-1);

        final long buffer = arena.allocate(8, 8).address();
        Sqe.prepare(ring.sqe(), IoUring.OP_READ, IoUring.SQE_FIXED_FILE, 0, first, 0, buffer, 8, 0, 0, 5);
        libc.files().close(fd); // the table keeps the file
        await(1);
        assertThat(completions).containsExactly(new Completion(5, 3, 0));
        ring.removeFile(first);
        Sqe.prepare(ring.sqe(), IoUring.OP_READ, IoUring.SQE_FIXED_FILE, 0, first, 0, buffer, 8, 0, 0, 6);
        await(2);
        assertThat(completions.getLast()).isEqualTo(new Completion(6, -Errno.EBADF, 0));
    }

    @Test
    void aDescriptorThatIsGoneIsNotInstalled() {
        assertThat(ring.installFile(999_999_999)).isEqualTo(-1);
    }

    @Test
    void receiveBuffersAreTakenByTheKernel() throws IOException {
        final int[] pair = socketPair();
        try (ProvidedBuffers buffers = new ProvidedBuffers(ring, libc, 2, 4096)) {
            buffers.armed();
            Sqe.recvSelect(ring.sqe(), pair[0], 0, ProvidedBuffers.GROUP, 0, IoUring.RECVSEND_POLL_FIRST, 5);
            ring.enter(false, 0);
            assertThat(ring.drain(sink)).isZero();
            final long text = arena.allocateFrom("hello").address();
            Sqe.send(ring.sqe(), pair[1], 0, text, 5, 6);
            await(2);
            final Completion received = completions.stream()
                    .filter(completion -> completion.userData() == 5)
                    .findFirst()
                    .orElseThrow();
            assertThat(received.result()).isEqualTo(5);
            assertThat(received.flags() & IoUring.CQE_F_BUFFER).isNotZero();
            final long address = buffers.address(received.flags() >>> IoUring.CQE_BUFFER_SHIFT);
            assertThat(Memory.segment(address, 5).toArray(ValueLayout.JAVA_BYTE))
                    .isEqualTo("hello".getBytes(StandardCharsets.US_ASCII));
            buffers.disarmed(true);

            Sqe.send(ring.sqe(), pair[1], 0, text, 5, 7);
            Sqe.recvSelect(ring.sqe(), pair[0], 0, ProvidedBuffers.GROUP, 0, IoUring.RECVSEND_POLL_FIRST, 8);
            await(4);
            assertThat(completions).contains(new Completion(8, -Errno.ENOBUFS, 0));
            ring.close(); // before the memory that it may reach
        }
        libc.files().close(pair[0]);
        libc.files().close(pair[1]);
    }

    /** socketpair(2), number 53 on x86-64 and 199 on AArch64: AF_UNIX, SOCK_STREAM. */
    private int[] socketPair() {
        final long number = System.getProperty("os.arch").equals("aarch64") ? 199 : 53;
        final long pair = arena.allocate(8, 4).address();
        assertThat(libc.syscall(number, 1, 1, 0, pair, 0, 0)).isZero();
        return new int[] {Memory.getInt(pair), Memory.getInt(pair + 4)};
    }

    @Test
    void aRegisteredBufferIsUsedByIndex() throws IOException {
        final long memory = arena.allocate(8192, 4096).address();
        final int registered = ring.registerBuffers(memory, 8192, 4);
        assumeTrue(registered != -Errno.ENOMEM, "skipped: the limit on locked memory is too low");
        assertThat(registered).isZero();
        final Path path = Files.write(directory.resolve("file"), new byte[] {7, 8, 9});
        final int fd = libc.files().open(path.toString(), 0, 0);
        Sqe.prepare(ring.sqe(), IoUring.OP_READ_FIXED, 0, 0, fd, 1, memory + 100, 100, 0, 0, 1);
        Sqe.prepare(ring.sqe(), IoUring.OP_READ_FIXED, 0, 0, fd, 0, memory + 8190, 100, 0, 0, 2);
        await(2);
        libc.files().close(fd);
        assertThat(completions).containsExactlyInAnyOrder(new Completion(1, 2, 0), new Completion(2, -Errno.EFAULT, 0));
        assertThat(Memory.getShortBe(memory + 100)).isEqualTo((short) 0x0809);
    }
}
