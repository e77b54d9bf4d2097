package dev.fusedio.sys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The C library as it really is. */
class LibcIT {
    private static final int O_RDWR = 2;
    private static final int O_CREAT = 0x40;

    @TempDir
    private Path directory;

    private final Arena arena = Arena.ofConfined();
    private final Libc libc = new Libc(arena);
    private final long memory = arena.allocate(4096, 8).address();

    @AfterEach
    void close() {
        arena.close();
    }

    @Test
    void filesAreReadAndWritten() throws IOException {
        final Path path = directory.resolve("file");
        final int fd = libc.files().open(path.toString(), O_RDWR | O_CREAT, 0600);
        assertThat(fd).isNotNegative();
        Memory.put(memory, new byte[] {1, 2, 3, 4}, 0, 4);
        assertThat(libc.files().pwrite(fd, memory, 4, 10)).isEqualTo(4);
        assertThat(libc.files().fdatasync(fd)).isZero();
        assertThat(Files.readAllBytes(path)).containsExactly(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4);
        assertThat(libc.files().pread(fd, memory + 100, 100, 12)).isEqualTo(2);
        assertThat(Memory.getShortBe(memory + 100)).isEqualTo((short) 0x0304);
        assertThat(libc.files().ftruncate(fd, 1L << 40)).isZero();
        assertThat(Files.size(path)).isEqualTo(1L << 40);
        assertThat(libc.files().lseek(fd, 1 << 20, 4)).as("SEEK_HOLE").isEqualTo(1 << 20);
        assertThat(libc.files().fallocate(fd, 0x3, 0, 4096)).isZero();
        assertThat(libc.files().close(fd)).isZero();
        assertThat(libc.files().unlink(path.toString())).isZero();
        assertThat(path).doesNotExist();
    }

    @Test
    void errorsAreNegatedNumbers() {
        assertThat(libc.files().open(directory.resolve("missing").toString(), O_RDWR, 0))
                .isEqualTo(-Errno.ENOENT);
        assertThat(libc.files().close(999_999_999)).isEqualTo(-Errno.EBADF);
        assertThat(libc.files().pread(999_999_999, memory, 1, 0)).isEqualTo(-Errno.EBADF);
        assertThat(libc.sockets().shutdown(999_999_999, 2)).isEqualTo(-Errno.EBADF);
        assertThat(libc.sockets().setsockopt(999_999_999, 1, 2, 1)).isEqualTo(-Errno.EBADF);
        assertThat(libc.memory().mmap(0, 1, 0x22, -1, 0)).isEqualTo(-Errno.EINVAL);
    }

    @Test
    void mappingsAreZeroedMemory() throws SystemCallException {
        try (Mapping mapping = Mapping.anonymous(libc, 1 << 20, "a test")) {
            assertThat(mapping.length()).isEqualTo(1 << 20);
            assertThat(mapping.address() % 4096).isZero();
            Memory.putLong(mapping.address() + mapping.length() - 8, 5);
            assertThat(Memory.getLong(mapping.address())).isZero();
            mapping.close();
        }
        try (Mapping mapping = Mapping.sparse(libc, 1L << 36, "a sparse test")) {
            assertThat(Memory.getLong(mapping.address() + (1L << 35))).isZero();
        }
        assertThatExceptionOfType(SystemCallException.class)
                .isThrownBy(() -> Mapping.anonymous(libc, 1L << 62, "far too much"))
                .withMessageContaining("mmap far too much");
    }

    @Test
    void theMachineIsKnown() {
        final KernelInfo kernel = KernelInfo.read();
        assertThat(kernel.release()).isEqualTo(System.getProperty("os.version"));
        assertThat(kernel.machine()).isNotBlank();
        assertThat(kernel.openFiles()).isNotZero();
    }

    @Test
    void theEventFdCountsSignalsFromOtherThreads() throws Exception {
        try (EventFd event = new EventFd(libc)) {
            for (int i = 0; i < 3; i++) {
                final Thread other = Thread.ofPlatform().start(event::signal);
                other.join();
            }
            event.signal();
            assertThat(libc.files().read(event.fd(), memory, 8)).isEqualTo(8);
            assertThat(Memory.getLong(memory)).isEqualTo(4);
        }
    }

    @Test
    void aThreadIsPinnedToAnAllowedProcessor() throws Exception {
        final List<Integer> allowed = Affinity.allowed();
        assertThat(allowed).isNotEmpty().isSorted().doesNotHaveDuplicates();
        final int chosen = allowed.getLast();
        final List<List<Integer>> seen = new ArrayList<>();
        final List<Throwable> failures = new ArrayList<>();
        final Thread pinned = Thread.ofPlatform().start(() -> {
            try (Arena own = Arena.ofConfined()) {
                Affinity.pin(new Libc(own), chosen);
                seen.add(Affinity.allowed());
            } catch (final SystemCallException e) {
                failures.add(e);
            }
        });
        pinned.join();
        assertThat(failures).isEmpty();
        assertThat(seen).containsExactly(List.of(chosen));
        assertThat(Affinity.allowed()).isEqualTo(allowed);
    }

    @Test
    void aProcessorThatIsNotThereIsRefused() {
        assertThatExceptionOfType(SystemCallException.class)
                .isThrownBy(() -> Affinity.pin(libc, 8191))
                .withMessageContaining("8191");
    }
}
