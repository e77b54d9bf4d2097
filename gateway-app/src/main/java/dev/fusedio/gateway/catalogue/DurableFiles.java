package dev.fusedio.gateway.catalogue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * File changes that are whole and on stable storage when the call returns, or have not happened: what is new is
 * written beside, made durable, and renamed; then the directory is made durable. All of it blocks.
 */
public final class DurableFiles {
    private DurableFiles() {}

    /** Replaces a file's content. */
    static void replace(final Path file, final byte[] content) throws IOException {
        replace(file, content, new FileAttribute<?>[0]);
    }

    /** Replaces a file's content; only its owner can read and write it. */
    public static void replacePrivately(final Path file, final byte[] content) throws IOException {
        Files.deleteIfExists(fresh(file)); // one that is left keeps the rights it was made with
        replace(file, content, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    }

    private static Path fresh(final Path file) {
        return file.resolveSibling(file.getFileName() + ".new");
    }

    private static void replace(final Path file, final byte[] content, final FileAttribute<?>... attributes)
            throws IOException {
        final Path fresh = fresh(file);
        try (FileChannel channel = FileChannel.open(
                fresh,
                Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING),
                attributes)) {
            final ByteBuffer bytes = ByteBuffer.wrap(content);
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(true);
        }
        rename(fresh, file);
    }

    /** Makes a file of {@code size} bytes without space behind them. */
    static void createSparse(final Path file, final long size) throws IOException {
        Files.createFile(file);
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.setLength(size);
            sparse.getFD().sync();
        }
    }

    /** Renames within one directory, replacing a file of that name. */
    static void rename(final Path from, final Path to) throws IOException {
        Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
        syncParent(to);
    }

    /** Makes a directory's entries durable. */
    static void syncDirectory(final Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    /** Deletes a directory and all below it; does not follow symbolic links. */
    static void deleteTree(final Path directory) throws IOException {
        Files.walkFileTree(directory, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(final Path file, final BasicFileAttributes attributes) throws IOException {
                Files.delete(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(final Path folder, final @Nullable IOException failure)
                    throws IOException {
                if (failure != null) {
                    throw failure;
                }
                Files.delete(folder);
                return FileVisitResult.CONTINUE;
            }
        });
        syncParent(directory);
    }

    private static void syncParent(final Path path) throws IOException {
        final Path parent = path.getParent();
        if (parent != null) {
            syncDirectory(parent);
        }
    }
}
