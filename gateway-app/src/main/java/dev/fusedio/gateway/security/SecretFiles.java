package dev.fusedio.gateway.security;

import dev.fusedio.gateway.catalogue.DurableFiles;
import dev.fusedio.gateway.config.StartRefusedException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.Set;

/** The directory of secrets, and files that hold one token each. Everything here blocks. */
final class SecretFiles {
    private static final Set<PosixFilePermission> OTHERS = Set.of(
            PosixFilePermission.GROUP_READ,
            PosixFilePermission.GROUP_WRITE,
            PosixFilePermission.OTHERS_READ,
            PosixFilePermission.OTHERS_WRITE);
    private static final int MAX_BYTES = 1 << 20;

    private final Path directory;

    SecretFiles(final Path directory) {
        this.directory = directory.toAbsolutePath().normalize();
    }

    Path resolve(final String name) {
        return directory.resolve(name);
    }

    /** Makes the directory, for its owner only. */
    void create() throws IOException {
        if (Files.notExists(directory)) {
            Files.createDirectories(
                    directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        }
    }

    /** Writes a file whole and durably, readable by its owner only. */
    void write(final String name, final byte[] content) throws IOException {
        create();
        DurableFiles.replacePrivately(directory.resolve(name), content);
    }

    /** What a file of this directory holds, if there is one. */
    Optional<byte[]> read(final String name) throws IOException {
        final Path file = directory.resolve(name);
        if (Files.notExists(file)) {
            return Optional.empty();
        }
        requirePrivate(file);
        return Optional.of(bytes(file));
    }

    private static byte[] bytes(final Path file) throws IOException {
        if (Files.size(file) > MAX_BYTES) {
            throw new IOException(file + " has more than " + MAX_BYTES + " bytes");
        }
        return Files.readAllBytes(file);
    }

    private static void requirePrivate(final Path file) throws IOException {
        final Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(file);
        if (permissions.stream().anyMatch(OTHERS::contains)) {
            throw new StartRefusedException(
                    file + " can be read or written by others than its owner: chmod 600 it, and make its tokens anew if"
                            + " somebody may have seen them");
        }
    }

    /**
     * The token that a file holds.
     *
     * @param setting which setting names the file, for the message
     * @throws StartRefusedException if there is no such file, or no token in it
     */
    static String token(final Path file, final String setting) {
        try {
            final String token = new String(bytes(file), StandardCharsets.UTF_8).strip();
            if (!Secret.isPlausible(token)) {
                throw new StartRefusedException(setting + " is '" + file + "': the file must hold one token of "
                        + Secret.MIN_LENGTH + " to " + Secret.MAX_LENGTH
                        + " printable characters without spaces, such as 'openssl rand -hex 32' gives");
            }
            return token;
        } catch (final IOException e) {
            throw new StartRefusedException(
                    setting + " is '" + file + "': it can't be read: "
                            + e.getClass().getSimpleName() + " " + e.getMessage(),
                    e);
        }
    }
}
