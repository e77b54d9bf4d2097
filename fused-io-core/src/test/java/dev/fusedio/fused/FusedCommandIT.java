package dev.fusedio.fused;

import static dev.fusedio.fused.FusedCommand.PENDING;
import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.loop.KernelLoop;
import dev.fusedio.loop.Slab;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Memory;
import dev.fusedio.sys.Seeds;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The fused command's contract on the kernel's io_uring and real files. */
class FusedCommandIT {
    private static final int O_RDONLY = 0;
    private static final int O_RDWR = 2;
    private static final int FILE_BYTES = 3 << 20;
    private static final int RWF_DSYNC = 2;

    @TempDir
    private Path directory;

    private final RecordingOwner owner = new RecordingOwner();
    private final byte[] content = new byte[FILE_BYTES];
    private KernelLoop fixture;
    private FusedCommand command;
    private Path path;
    private int descriptor;
    private RingFile file;

    @BeforeEach
    void open() throws IOException {
        fixture = new KernelLoop();
        command = new FusedCommand(fixture.loop(), owner);
        new SplittableRandom(3).nextBytes(content);
        path = Files.write(directory.resolve("disk"), content);
        descriptor = openFile(path, O_RDWR);
        file = RingFile.install(fixture.loop(), descriptor);
    }

    private int openFile(final Path which, final int flags) {
        final int fd = fixture.loop().libc().files().open(which.toString(), flags, 0);
        assertThat(fd).as("open %s", which).isNotNegative();
        return fd;
    }

    @AfterEach
    void close() {
        if (fixture != null) {
            fixture.loop().libc().files().close(descriptor);
            fixture.close();
        }
    }

    private void awaitSecondaries(final int count) {
        fixture.runUntil(() -> owner.secondaries().size() >= count);
    }

    private byte[] buffer(final Direction way, final int length) {
        final byte[] bytes = new byte[length];
        assertThat(command.borrow(way, 0, length)).isZero();
        Memory.get(command.address(0), bytes, 0, length);
        command.giveBackNow(0);
        return bytes;
    }

    private static byte[] part(final byte[] of, final int at, final int length) {
        return Arrays.copyOfRange(of, at, at + length);
    }

    @Test
    void readsAreWholeFromTheTableAndByDescriptor() {
        for (final RingFile way : new RingFile[] {file, new RingFile(descriptor, 0)}) {
            command.lease(Slab.MAX_BLOCK);
            assertThat(command.read(way, 12345, 0, Slab.MAX_BLOCK)).isEqualTo(PENDING);
            awaitSecondaries(owner.completions().size() + 1);
            assertThat(owner.secondaries()).containsOnly(0);
            assertThat(buffer(Direction.DEST, Slab.MAX_BLOCK)).isEqualTo(part(content, 12345, Slab.MAX_BLOCK));
            command.finish(0);
        }
        assertThat(owner.completions()).containsExactly(0, 0);
        assertThat(fixture.loop().slab().leased()).isZero();
    }

    @Test
    void severalTransfersShareABuffer() {
        command.lease(65536);
        for (int i = 0; i < FusedCommand.MAX_TRANSFERS; i++) {
            assertThat(command.read(file, i * 500_000L, i * 16384, 16384)).isEqualTo(PENDING);
        }
        awaitSecondaries(1);
        final byte[] read = buffer(Direction.DEST, 65536);
        for (int i = 0; i < FusedCommand.MAX_TRANSFERS; i++) {
            assertThat(part(read, i * 16384, 16384)).isEqualTo(part(content, i * 500_000, 16384));
        }
        assertThat(owner.secondaries()).containsExactly(0);
    }

    @Test
    void theEndOfTheFileIsEio() {
        command.lease(8192);
        command.read(file, FILE_BYTES - 4096, 0, 8192);
        awaitSecondaries(1);
        command.finish(0);
        command.lease(8192);
        command.read(file, FILE_BYTES, 0, 1);
        awaitSecondaries(2);
        command.finish(0);
        assertThat(owner.completions()).containsExactly(-Errno.EIO, -Errno.EIO);
    }

    @Test
    void memoryOfTheOwnersIsWrittenAndSynced() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            final byte[] news = new byte[100_000];
            new SplittableRandom(4).nextBytes(news);
            final long memory = arena.allocate(news.length).address();
            Memory.put(memory, news, 0, news.length);
            command.provide(memory, news.length, Direction.SRC);
            assertThat(command.write(file, 777, 0, 50_000, RWF_DSYNC)).isEqualTo(PENDING);
            assertThat(command.write(file, 50_777, 50_000, 50_000, 0)).isEqualTo(PENDING);
            awaitSecondaries(1);
            assertThat(command.dataSync(file)).isEqualTo(PENDING);
            command.finish(news.length);
            fixture.runUntil(owner::isComplete);
            assertThat(owner.completions()).containsExactly(news.length);
            final byte[] after = Files.readAllBytes(path);
            assertThat(part(after, 777, news.length)).isEqualTo(news);
            assertThat(part(after, 0, 777)).isEqualTo(part(content, 0, 777));
        }
    }

    @Test
    void theKernelsErrorsAreTheResult() {
        final int readOnly = openFile(path, O_RDONLY);
        command.lease(4096);
        command.seal();
        command.write(new RingFile(readOnly, 0), 0, 0, 4096, 0);
        awaitSecondaries(1);
        command.finish(0);
        fixture.loop().libc().files().close(readOnly);

        final int full = openFile(Path.of("/dev/full"), O_RDWR);
        command.lease(4096);
        command.seal();
        command.write(new RingFile(full, 0), 0, 0, 4096, 0);
        awaitSecondaries(2);
        command.finish(0);
        fixture.loop().libc().files().close(full);
        assertThat(owner.completions()).containsExactly(-Errno.EBADF, -Errno.ENOSPC);
    }

    @Test
    void holesArePunchedAndAdviceIsTaken() throws IOException {
        command.startWithoutBuffer();
        assertThat(command.allocate(file, 0x3, 4096, 8192)).isEqualTo(PENDING);
        assertThat(command.advise(file, 0, 65536, 3)).isEqualTo(PENDING);
        awaitSecondaries(1);
        assertThat(owner.secondaries()).containsExactly(0);
        final byte[] after = Files.readAllBytes(path);
        assertThat(part(after, 4096, 8192)).containsOnly(0);
        assertThat(part(after, 12288, 4096)).isEqualTo(part(content, 12288, 4096));
    }

    @Test
    void aFileIsCopiedInRandomPieces() {
        Seeds.forEach(20, this::copy);
    }

    private void copy(final long seed) throws IOException {
        final SplittableRandom random = new SplittableRandom(seed);
        final Path copy = Files.write(directory.resolve("copy-" + seed), new byte[0]);
        final int fd = openFile(copy, O_RDWR);
        final RingFile target = RingFile.install(fixture.loop(), fd);
        for (int at = 0; at < FILE_BYTES; ) {
            final int length = Math.min(FILE_BYTES - at, 1 + random.nextInt(Slab.MAX_BLOCK));
            final int split = random.nextInt(length + 1);
            final int rounds = owner.secondaries().size();
            final int before = owner.completions().size();
            assertThat(command.lease(length)).isZero();
            command.read(file, at, 0, split);
            command.read(file, at + split, split, length - split);
            awaitSecondaries(rounds + 1);
            command.seal();
            command.write(target, at + split, split, length - split, 0);
            command.write(target, at, 0, split, 0);
            command.finish(length);
            fixture.runUntil(() -> owner.completions().size() > before);
            assertThat(owner.completions().getLast()).isEqualTo(length);
            at += length;
        }
        target.remove(fixture.loop());
        fixture.loop().libc().files().close(fd);
        assertThat(Files.mismatch(path, copy)).isEqualTo(-1);
    }
}
