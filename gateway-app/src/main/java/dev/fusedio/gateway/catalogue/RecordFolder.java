package dev.fusedio.gateway.catalogue;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Small records that another feature keeps in the pool, a JSON file each, in a folder that begins with a dot and so is
 * no volume. What is written or removed is so on stable storage. Changes of one record must come one at a time.
 *
 * @param <T> what a record says
 */
public final class RecordFolder<T> {
    private static final String SUFFIX = ".json";
    private static final long MAX_RECORD_BYTES = 64 << 10;

    private final PoolWork files;
    private final String name;
    private final Class<T> type;
    private final RecordFormat format = new RecordFormat();

    RecordFolder(final PoolWork files, final String name, final Class<T> type) {
        this.files = files;
        this.name = name;
        this.type = type;
    }

    /** All records, damaged ones too, in the order of names. */
    public Mono<List<Found<T>>> readAll() {
        return files.on(() -> {
            final List<Found<T>> found = new ArrayList<>();
            if (!Files.isDirectory(directory())) {
                return found;
            }
            try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory(), "*" + SUFFIX)) {
                for (final Path file : entries) {
                    found.add(read(file));
                }
            } catch (final DirectoryIteratorException e) {
                throw e.getCause();
            }
            found.sort(Comparator.comparing(Found::id));
            return found;
        });
    }

    /** Writes a record anew or for the first time. */
    public Mono<Void> write(final String id, final T record) {
        return files.on(() -> {
                    if (Files.notExists(directory())) {
                        Files.createDirectory(directory());
                        DurableFiles.syncDirectory(files.pool().directory());
                    }
                    DurableFiles.replace(file(id), format.write(record));
                    return true;
                })
                .then();
    }

    /** Removes a record, if there is one. */
    public Mono<Void> delete(final String id) {
        return files.on(() -> {
                    if (Files.deleteIfExists(file(id))) {
                        DurableFiles.syncDirectory(directory());
                    }
                    return true;
                })
                .then();
    }

    private Found<T> read(final Path file) {
        final String fileName = String.valueOf(file.getFileName());
        final String id = fileName.substring(0, fileName.length() - SUFFIX.length());
        try {
            if (Files.size(file) > MAX_RECORD_BYTES) {
                throw new DamagedRecordException("it is larger than " + MAX_RECORD_BYTES + " bytes");
            }
            return new Found<>(id, format.read(Files.readAllBytes(file), type), "");
        } catch (final DamagedRecordException e) {
            return new Found<>(id, null, file + ": " + e.getMessage());
        } catch (final IOException e) {
            return new Found<>(id, null, "reading " + e.getMessage());
        }
    }

    private Path directory() {
        return files.pool().directory().resolve("." + name);
    }

    private Path file(final String id) {
        return directory().resolve(id + SUFFIX);
    }

    /**
     * A file of the folder.
     *
     * @param id its name
     * @param record what it says; null if it is damaged
     * @param reason what is wrong; empty if it is sound
     */
    public record Found<T>(String id, @Nullable T record, String reason) {}
}
