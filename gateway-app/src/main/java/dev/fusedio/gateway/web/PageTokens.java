package dev.fusedio.gateway.web;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.function.Function;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/**
 * Cuts lists into pages. A page's token holds the position of its last item, so that what comes or goes between two
 * pages neither hides an item nor shows one twice. It is signed with a key of this process, together with the list and
 * the filters it is of: a token of anything else is refused and not guessed at.
 */
@Component
public final class PageTokens {
    /** Items of a page, unless a request says otherwise. */
    public static final String DEFAULT_LIMIT = "100";

    /** Items of a page at most. */
    public static final int MAX_LIMIT = 1000;

    private static final String ALGORITHM = "HmacSHA256";
    private static final int SIGNATURE_BYTES = 16;
    private static final int MAX_TOKEN = 4096;

    private final SecretKeySpec key;

    PageTokens() {
        final byte[] secret = new byte[32];
        new SecureRandom().nextBytes(secret);
        key = new SecretKeySpec(secret, ALGORITHM);
    }

    /**
     * One page.
     *
     * @param all the list, in the order of positions
     * @param position an item's position, by which the list is sorted; no two have the same
     * @param limit items wanted at most, 1 or more
     * @param token the token of the page before; null for the first
     * @param list what the list is of and how it is filtered
     * @throws ProblemException with an invalid-request problem that names {@code pageToken}
     */
    public <T> Page<T> cut(
            final List<T> all,
            final Function<T, String> position,
            final int limit,
            final @Nullable String token,
            final String list) {
        final String after = token == null ? "" : position(token, list);
        final List<T> rest = after.isEmpty()
                ? all
                : all.stream()
                        .filter(item -> position.apply(item).compareTo(after) > 0)
                        .toList();
        return rest.size() <= limit
                ? new Page<>(rest, null)
                : new Page<>(rest.subList(0, limit), token(position.apply(rest.get(limit - 1)), list));
    }

    private String token(final String position, final String list) {
        final byte[] text = position.getBytes(StandardCharsets.UTF_8);
        final byte[] signed = Arrays.copyOf(signature(text, list), SIGNATURE_BYTES + text.length);
        System.arraycopy(text, 0, signed, SIGNATURE_BYTES, text.length);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(signed);
    }

    private String position(final String token, final String list) {
        final byte[] signed;
        try {
            signed = Base64.getUrlDecoder().decode(token.length() > MAX_TOKEN ? "" : token);
        } catch (final IllegalArgumentException e) {
            throw refused();
        }
        if (signed.length <= SIGNATURE_BYTES) {
            throw refused();
        }
        final byte[] text = Arrays.copyOfRange(signed, SIGNATURE_BYTES, signed.length);
        if (!MessageDigest.isEqual(signature(text, list), Arrays.copyOf(signed, SIGNATURE_BYTES))) {
            throw refused();
        }
        return new String(text, StandardCharsets.UTF_8);
    }

    private byte[] signature(final byte[] text, final String list) {
        try {
            final Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(key);
            mac.update(list.getBytes(StandardCharsets.UTF_8));
            mac.update((byte) 0);
            return Arrays.copyOf(mac.doFinal(text), SIGNATURE_BYTES);
        } catch (final GeneralSecurityException e) {
            throw new IllegalStateException("every Java machine has " + ALGORITHM, e);
        }
    }

    private static ProblemException refused() {
        return ProblemException.invalid(
                "pageToken",
                "is not a token that this list, with these filters, has given since the gateway started; begin without it");
    }

    /**
     * A part of a list.
     *
     * @param items in the list's order
     * @param nextPageToken what to ask for the next page with; null if there is none
     */
    public record Page<T>(List<T> items, @Nullable String nextPageToken) {
        public Page {
            items = List.copyOf(items);
        }
    }
}
