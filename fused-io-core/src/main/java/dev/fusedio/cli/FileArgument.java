package dev.fusedio.cli;

import dev.fusedio.sys.FileCalls;
import dev.fusedio.sys.Libc;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/**
 * A file that the command line names. A file's name is bytes; the JVM can only name files that its locale has characters
 * for, so that another is reached through a descriptor of its own, {@code /proc/self/fd/N}, which stays open.
 *
 * @param path by which this process reaches the file
 * @param shown its name for messages
 */
record FileArgument(Path path, String shown) {

    /**
     * Finds the file's path.
     *
     * @param word from {@link ArgumentBytes}
     * @throws IOException naming the file, when it can be reached in no way
     */
    static FileArgument of(final String word) throws IOException {
        try {
            return new FileArgument(Path.of(word), ArgumentBytes.shown(word));
        } catch (final InvalidPathException e) {
            return new FileArgument(reach(word), ArgumentBytes.shown(word));
        }
    }

    /** Whether the path is the file's name, and not a descriptor's. */
    boolean isNamed() {
        return path.toString().equals(shown);
    }

    /** A message in which the path stands, with the file's name in its place. */
    String named(final String message) {
        return message.replace(path.toString(), shown);
    }

    /**
     * The path of a file that this process is to make, which no descriptor can stand for.
     *
     * @param option for messages
     */
    static Path toCreate(final String option, final String word) throws UsageException {
        try {
            return Path.of(word);
        } catch (final InvalidPathException e) {
            throw new UsageException(option + " " + ArgumentBytes.shown(word)
                    + ": the locale has no characters for this name; choose another, or set LC_ALL=C.UTF-8");
        }
    }

    private static Path reach(final String word) throws IOException {
        final byte[] name = ArgumentBytes.encode(word);
        try (Arena arena = Arena.ofConfined()) {
            final MemorySegment path = arena.allocate(name.length + 1L); // zeroed: the NUL is there
            MemorySegment.copy(name, 0, path, ValueLayout.JAVA_BYTE, 0, name.length);
            final int fd = new Libc(arena).files().open(path, FileCalls.O_PATH | FileCalls.O_CLOEXEC, 0);
            if (fd < 0) {
                throw new IOException(ArgumentBytes.shown(word) + ": " + Libc.describe(fd));
            }
            return Path.of("/proc/self/fd/" + fd);
        }
    }
}
