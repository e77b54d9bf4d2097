package dev.fusedio.gateway.console;

import java.io.IOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.springframework.core.io.Resource;
import org.springframework.http.MediaType;
import org.springframework.http.MediaTypeFactory;

/**
 * One of the console's files, kept in memory: together they are smaller than one request's buffers.
 *
 * @param name without a folder
 * @param type what it is
 * @param content its bytes
 * @param etag another one for another content, in quotes
 */
@SuppressWarnings("ArrayRecordComponent") // never changed, compared by nobody
record ConsoleFile(String name, MediaType type, byte[] content, String etag) {
    private static final int ETAG_BYTES = 16;

    static ConsoleFile read(final Resource resource) throws IOException {
        final byte[] content = resource.getContentAsByteArray();
        final MediaType type = MediaTypeFactory.getMediaType(resource)
                .orElseThrow(() -> new IOException("what " + resource.getFilename() + " is, is not known"));
        return new ConsoleFile(String.valueOf(resource.getFilename()), type, content, '"' + hash(content) + '"');
    }

    /** By content and not by date: the dates in the jar are the same for every build. */
    private static String hash(final byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content), 0, ETAG_BYTES);
        } catch (final NoSuchAlgorithmException e) {
            throw new AssertionError("every Java has SHA-256", e);
        }
    }
}
