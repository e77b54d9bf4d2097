package dev.fusedio.gateway.catalogue;

import dev.fusedio.gateway.engine.DataPlaneException;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;

/** Failures of the pool's file system in the API's terms. */
final class StorageFailures {
    private StorageFailures() {}

    static RuntimeException of(final IOException failure) {
        if (failure instanceof FileAlreadyExistsException taken) {
            return VolumeRules.nameTaken(String.valueOf(Path.of(taken.getFile()).getFileName()));
        }
        final String message = String.valueOf(failure.getMessage());
        return new DataPlaneException(errno(message), "the pool: " + message, failure);
    }

    /** The file API has no error numbers, only the system's words for them. */
    private static String errno(final String message) {
        if (message.contains("No space left")) {
            return "ENOSPC";
        }
        if (message.contains("quota exceeded")) {
            return "EDQUOT";
        }
        return message.contains("File too large") ? "EFBIG" : "EIO";
    }
}
