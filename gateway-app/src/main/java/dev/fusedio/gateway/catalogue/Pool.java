package dev.fusedio.gateway.catalogue;

import dev.fusedio.gateway.config.StartRefusedException;
import dev.fusedio.gateway.engine.BackendType;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A directory that holds volumes: {@code NAME/volume.json}, beside it {@code NAME/data}. It describes itself; there is
 * no other place where a volume is known. Names that begin with a dot are the pool's own: a volume being made or
 * removed lies in one of them, and is cleared away at the next start.
 *
 * <p>Everything here blocks. Changes to one volume must come one at a time.
 */
final class Pool implements Closeable {
    private static final String DESCRIPTION = ".pool.json";
    /** What a path has in place of bytes that are no UTF-8: it names another directory than was meant. */
    private static final char UNDECODABLE = '\uFFFD';

    private static final String LOCK = ".lock";
    private static final String CREATING = ".creating-";
    private static final String DELETING = ".deleting-";
    private static final String RECORD = "volume.json";
    private static final String DATA = "data";
    private static final int MAX_RECORD_BYTES = 64 << 10;

    private final Path directory;
    private final FileChannel lockFile;
    private final RecordFormat format = new RecordFormat();

    private Pool(final Path directory, final FileChannel lockFile) {
        this.directory = directory;
        this.lockFile = lockFile;
    }

    /**
     * Opens a pool for this process alone, making the directory if it is absent.
     *
     * @throws StartRefusedException if it can't be used; the message says why and what to do
     */
    static Pool open(final Path path) {
        final Path directory = path.toAbsolutePath().normalize();
        FileChannel lockFile = null;
        if (directory.toString().indexOf(UNDECODABLE) >= 0) {
            throw new StartRefusedException("the pool " + directory
                    + " can't be opened: its name is not valid UTF-8; rename it, or name a symbolic link to it");
        }
        try {
            Files.createDirectories(directory);
            lockFile = FileChannel.open(
                    directory.resolve(LOCK),
                    StandardOpenOption.CREATE,
                    StandardOpenOption.READ,
                    StandardOpenOption.WRITE);
            lock(lockFile, directory);
            final Pool pool = new Pool(directory, lockFile);
            pool.clearLeftovers();
            return pool;
        } catch (final IOException | StartRefusedException e) {
            closeQuietly(lockFile, e);
            throw e instanceof StartRefusedException refused
                    ? refused
                    : new StartRefusedException("the pool " + directory + " can't be opened: " + reason(e), e);
        }
    }

    Path directory() {
        return directory;
    }

    /**
     * Whether this pool was never used: it holds no volume, and no gateway has described it.
     */
    boolean isNew() throws IOException {
        return Files.notExists(directory.resolve(DESCRIPTION)) && scan().isEmpty();
    }

    /** Marks the pool as used. */
    void describe() throws IOException {
        final Path description = directory.resolve(DESCRIPTION);
        if (Files.notExists(description)) {
            DurableFiles.replace(
                    description,
                    format.write(new PoolRecord(VolumeRecord.SCHEMA_VERSION, UUID.randomUUID(), Instant.now())));
        }
    }

    /** All that lies in the pool, sound or not, in the order of names. */
    List<Found> scan() throws IOException {
        final List<Found> found = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory, Files::isDirectory)) {
            for (final Path folder : entries) {
                final String name = String.valueOf(folder.getFileName());
                // lost+found is what mkfs leaves at a file system's root.
                if (!name.startsWith(".") && !name.equals("lost+found")) {
                    found.add(read(name, folder));
                }
            }
        } catch (final java.nio.file.DirectoryIteratorException e) {
            throw e.getCause();
        }
        found.sort(Comparator.comparing(Found::folder));
        return found;
    }

    /** The file that keeps a volume's bytes. */
    Path dataFile(final VolumeName name) {
        return folder(name).resolve(DATA);
    }

    /**
     * Makes a volume's folder, whole or not at all.
     *
     * @throws FileAlreadyExistsException if something of that name lies there
     */
    void create(final VolumeName name, final VolumeRecord record) throws IOException {
        requireFree(name);
        final Staged staged = stage(record);
        try {
            publish(staged, name);
        } catch (final IOException e) {
            discardAfter(e, staged);
            throw e;
        }
    }

    /** Makes a folder with all of a volume in it, that is none yet and is cleared away at the next start. */
    Staged stage(final VolumeRecord record) throws IOException {
        final Path folder = Files.createTempDirectory(directory, CREATING);
        final boolean isFile = record.backend() == BackendType.FILE;
        final Staged staged = new Staged(folder, isFile ? folder.resolve(DATA) : null);
        try {
            if (isFile) {
                DurableFiles.createSparse(folder.resolve(DATA), record.size());
            }
            DurableFiles.replace(folder.resolve(RECORD), format.write(record));
        } catch (final IOException e) {
            discardAfter(e, staged);
            throw e;
        }
        return staged;
    }

    /**
     * Makes a volume of what was staged.
     *
     * @throws FileAlreadyExistsException if something of that name lies there
     */
    void publish(final Staged staged, final VolumeName name) throws IOException {
        requireFree(name);
        DurableFiles.rename(staged.folder, folder(name));
    }

    /** Removes what was staged, if it is still there. */
    void discard(final Staged staged) throws IOException {
        if (Files.exists(staged.folder)) {
            DurableFiles.deleteTree(staged.folder);
        }
    }

    /**
     * Lets a name pass that nothing in the directory has.
     *
     * @throws FileAlreadyExistsException if something of that name lies there
     */
    void requireFree(final VolumeName name) throws FileAlreadyExistsException {
        requireFree(folder(name));
    }

    /** Replaces a volume's record. */
    void update(final VolumeName name, final VolumeRecord record) throws IOException {
        DurableFiles.replace(folder(name).resolve(RECORD), format.write(record));
    }

    /**
     * Renames a volume.
     *
     * @throws FileAlreadyExistsException if something of the new name lies there
     */
    void rename(final VolumeName from, final VolumeName to) throws IOException {
        requireFree(folder(to));
        DurableFiles.rename(folder(from), folder(to));
    }

    /** Removes a volume: gone once renamed, its space free when this returns. */
    void delete(final VolumeName name) throws IOException {
        final Path dying = directory.resolve(DELETING + UUID.randomUUID());
        DurableFiles.rename(folder(name), dying);
        DurableFiles.deleteTree(dying);
    }

    /** Size and free space of the file system below. */
    Space space() throws IOException {
        final FileStore store = Files.getFileStore(directory);
        return new Space(store.getTotalSpace(), store.getUsableSpace());
    }

    @Override
    public void close() throws IOException {
        lockFile.close();
    }

    private Path folder(final VolumeName name) {
        return directory.resolve(name.value());
    }

    private Found read(final String name, final Path folder) {
        try {
            if (!VolumeName.isValid(name)) {
                throw new DamagedRecordException("the folder's name is no volume's name: " + VolumeName.RULE);
            }
            if (Files.isSymbolicLink(folder)) {
                throw new DamagedRecordException("the folder is a symbolic link");
            }
            final Path file = folder.resolve(RECORD);
            if (Files.size(file) > MAX_RECORD_BYTES) {
                throw new DamagedRecordException(RECORD + " is larger than " + MAX_RECORD_BYTES + " bytes");
            }
            final VolumeRecord record = format.read(Files.readAllBytes(file), VolumeRecord.class);
            return new Sound(name, withDataSize(folder, record));
        } catch (final DamagedRecordException e) {
            return new Damaged(name, String.valueOf(e.getMessage()));
        } catch (final NoSuchFileException e) {
            return new Damaged(name, RECORD + " is missing");
        } catch (final IOException e) {
            return new Damaged(name, reason(e));
        }
    }

    /** The file's length is the truth: growing extends it first, and a crash may come before the record follows. */
    private static VolumeRecord withDataSize(final Path folder, final VolumeRecord record)
            throws IOException, DamagedRecordException {
        if (record.backend() != BackendType.FILE) {
            return record;
        }
        final Path data = folder.resolve(DATA);
        if (!Files.isRegularFile(data, LinkOption.NOFOLLOW_LINKS)) {
            throw new DamagedRecordException(DATA + " is missing or is no regular file");
        }
        final long length = Files.size(data);
        if (length < record.size()) {
            throw new DamagedRecordException(
                    DATA + " has " + length + " bytes, and " + RECORD + " says " + record.size());
        }
        return length == record.size() || length % VolumeRecord.SECTOR != 0 ? record : record.withSize(length);
    }

    private void clearLeftovers() throws IOException {
        try (DirectoryStream<Path> leftovers =
                Files.newDirectoryStream(directory, "{" + CREATING + "*," + DELETING + "*}")) {
            for (final Path leftover : leftovers) {
                DurableFiles.deleteTree(leftover);
            }
        }
    }

    private void discardAfter(final IOException failure, final Staged staged) {
        try {
            discard(staged);
        } catch (final IOException left) {
            failure.addSuppressed(left);
        }
    }

    private static void requireFree(final Path folder) throws FileAlreadyExistsException {
        if (Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
            throw new FileAlreadyExistsException(folder.toString());
        }
    }

    private static void lock(final FileChannel file, final Path directory) throws IOException {
        FileLock lock;
        try {
            lock = file.tryLock();
        } catch (final OverlappingFileLockException e) {
            lock = null;
        }
        if (lock == null) {
            throw new StartRefusedException("the pool " + directory + " is in use by another gateway" + owner(file)
                    + "; stop it, or give this one another pool (gateway.pool.path)");
        }
        file.truncate(0);
        file.write(ByteBuffer.wrap((ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.US_ASCII)));
    }

    private static String owner(final FileChannel file) throws IOException {
        final ByteBuffer text = ByteBuffer.allocate(20);
        file.read(text, 0);
        final String pid = new String(text.array(), 0, text.position(), StandardCharsets.US_ASCII).strip();
        return pid.isEmpty() ? "" : " (process " + pid + ")";
    }

    private static void closeQuietly(final @Nullable FileChannel channel, final Exception failure) {
        if (channel != null) {
            try {
                channel.close();
            } catch (final IOException e) {
                failure.addSuppressed(e);
            }
        }
    }

    /** The system's own words; an exception of the file system has no more than a path without them. */
    private static String reason(final Exception failure) {
        return switch (failure) {
            case java.nio.file.AccessDeniedException denied -> "permission denied: " + denied.getFile();
            case FileAlreadyExistsException exists -> exists.getFile() + " is no directory";
            case NoSuchFileException missing -> "no such file or directory: " + missing.getFile();
            default -> String.valueOf(failure.getMessage());
        };
    }

    /** What lies in one folder. */
    sealed interface Found {
        /** The folder's name. */
        String folder();
    }

    /** A volume. */
    record Sound(String folder, VolumeRecord record) implements Found {}

    /** Something that is no volume any more, and why. */
    record Damaged(String folder, String reason) implements Found {}

    /**
     * A volume that is none yet.
     *
     * @param folder where it lies
     * @param data the file for its bytes; null in memory
     */
    record Staged(Path folder, @Nullable Path data) {}

    /** Bytes of the file system below. */
    record Space(long totalBytes, long usableBytes) {}

    /** What {@code .pool.json} says. */
    record PoolRecord(int schemaVersion, UUID id, Instant createdAt) {}
}
