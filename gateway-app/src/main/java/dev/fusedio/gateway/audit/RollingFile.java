package dev.fusedio.gateway.audit;

import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/**
 * A file of lines that is set aside as {@code NAME.1} when it is full; older ones move on to {@code NAME.2} and so on, and the
 * oldest goes. Readable by its owner only. One thread at a time; blocks.
 */
final class RollingFile implements Closeable {
    private final Path path;
    private final long maxBytes;
    private final int files;
    private FileChannel channel;

    private RollingFile(final Path path, final long maxBytes, final int files, final FileChannel channel) {
        this.path = path;
        this.maxBytes = maxBytes;
        this.files = files;
        this.channel = channel;
    }

    /**
     * @param maxBytes of one file; a line is never split
     * @param files how many are kept, the current one included
     */
    static RollingFile open(final Path path, final long maxBytes, final int files) throws IOException {
        final Path absolute = path.toAbsolutePath().normalize();
        final Path directory = absolute.getParent();
        if (directory != null && Files.notExists(directory)) {
            Files.createDirectories(
                    directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        }
        return new RollingFile(absolute, maxBytes, files, channel(absolute));
    }

    private static FileChannel channel(final Path path) throws IOException {
        return FileChannel.open(
                path,
                Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    }

    void append(final byte[] line) throws IOException {
        if (!channel.isOpen()) {
            channel = channel(path); // rolling over had failed
        }
        final long size = channel.size();
        if (size > 0 && size + line.length + 1 > maxBytes) {
            roll();
        }
        final ByteBuffer bytes =
                ByteBuffer.allocate(line.length + 1).put(line).put((byte) '\n').flip();
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    private void roll() throws IOException {
        channel.close();
        for (int age = files - 1; age > 0; age--) {
            final Path from = age == 1 ? path : aged(age - 1);
            if (Files.exists(from)) {
                Files.move(from, aged(age), StandardCopyOption.REPLACE_EXISTING);
            }
        }
        if (files == 1) {
            Files.deleteIfExists(path);
        }
        channel = channel(path);
    }

    private Path aged(final int age) {
        return path.resolveSibling(path.getFileName() + "." + age);
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
