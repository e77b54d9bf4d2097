package dev.fusedio.gateway.security;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HexFormat;

/**
 * Tokens and what is kept of them. A token has 256 random bits, so a plain SHA-256 can't be undone by guessing: the slow
 * hashes that passwords need would only cost every request its time.
 */
final class Secret {
    /** What a token begins with, so that people and scanners know one when they see it. */
    static final String PREFIX = "fgw_";

    /** Characters that a token from a file must have; a shorter one could be guessed. */
    static final int MIN_LENGTH = 32;

    /** Characters that a token may have. */
    static final int MAX_LENGTH = 512;

    private static final int RANDOM_BYTES = 32;
    private static final SecureRandom RANDOM = new SecureRandom();

    private Secret() {}

    static String random() {
        final byte[] bytes = new byte[RANDOM_BYTES];
        RANDOM.nextBytes(bytes);
        return PREFIX + Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    static String hash(final String token) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(token.getBytes(StandardCharsets.UTF_8)));
        } catch (final NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /** In a time that does not depend on where they differ. */
    static boolean equal(final String hash, final String other) {
        return MessageDigest.isEqual(
                hash.getBytes(StandardCharsets.US_ASCII), other.getBytes(StandardCharsets.US_ASCII));
    }

    /** Whether a text can be a token: printable ASCII without spaces, long enough. */
    static boolean isPlausible(final String text) {
        return text.length() >= MIN_LENGTH
                && text.length() <= MAX_LENGTH
                && text.chars().allMatch(c -> c > ' ' && c < 0x7F);
    }
}
