package dev.fusedio.clients;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.Random;

/** Files that volumes are made of. */
final class Images {
    private static final int BLOCK = 1 << 20;

    private Images() {}

    /** A file with nothing in it but a size. */
    static Path sparse(final Path file, final long bytes) throws IOException {
        try (RandomAccessFile image = new RandomAccessFile(file.toFile(), "rw")) {
            image.setLength(bytes);
        }
        return file;
    }

    /** A sparse file with random data in every third MiB. */
    static Path patchy(final Path file, final long bytes, final long seed) throws IOException {
        final Random random = new Random(seed);
        final byte[] data = new byte[BLOCK];
        try (RandomAccessFile image = new RandomAccessFile(file.toFile(), "rw")) {
            image.setLength(bytes);
            for (long at = 0; at + BLOCK <= bytes; at += 3L * BLOCK) {
                random.nextBytes(data);
                image.seek(at);
                image.write(data);
            }
        }
        return file;
    }

    /** An ext4 file system that holds a copy of a folder. */
    static Path fileSystem(final Path file, final long bytes, final Path folder) throws IOException {
        final Tool mke2fs = Tool.require("mke2fs", "e2fsprogs");
        sparse(file, bytes);
        mke2fs.run("-q", "-F", "-t", "ext4", "-d", folder, file).succeeded();
        return file;
    }

    /** What a file takes of its file system. */
    static long allocatedBytes(final Path file) {
        final Tool stat = Tool.require("stat", "coreutils");
        return 512 * Long.parseLong(stat.run("-c", "%b", file).succeeded().out().strip());
    }
}
