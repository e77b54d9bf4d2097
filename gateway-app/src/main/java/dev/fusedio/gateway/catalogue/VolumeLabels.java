package dev.fusedio.gateway.catalogue;

import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Labels of volumes: what Kubernetes takes for a label's key and value is taken here. */
public final class VolumeLabels {
    /** Labels that a volume may have. */
    public static final int MAX = 16;

    /** What a key may be, for people. */
    public static final String KEY_RULE =
            "a key is 1 to 63 characters, letters, digits, '.', '_' and '-', the first and the last a letter or a digit;"
                    + " before it may stand a DNS name of up to 253 characters and '/'";

    /** What a value may be, for people. */
    public static final String VALUE_RULE =
            "a value is at most 63 characters, letters, digits, '.', '_' and '-', the first and the last a letter or a"
                    + " digit; it may be empty";

    private static final int MAX_PREFIX = 253;
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?");
    private static final Pattern PREFIX =
            Pattern.compile("[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*");

    private VolumeLabels() {}

    /** Why a text is no key; empty if it is one. */
    public static Optional<String> refusalOfKey(final String key) {
        final int slash = key.indexOf('/');
        final String prefix = slash < 0 ? "" : key.substring(0, slash);
        final boolean sound = NAME.matcher(key.substring(slash + 1)).matches()
                && (slash < 0
                        || (prefix.length() <= MAX_PREFIX
                                && PREFIX.matcher(prefix).matches()));
        return sound ? Optional.empty() : Optional.of(KEY_RULE);
    }

    /** Why a text is no value; empty if it is one. */
    public static Optional<String> refusalOfValue(final String value) {
        return value.isEmpty() || NAME.matcher(value).matches() ? Optional.empty() : Optional.of(VALUE_RULE);
    }

    /** The labels after a change: a value replaces or adds one, null removes it. */
    static SortedMap<String, String> merged(
            final Map<String, String> labels, final Map<String, @Nullable String> change) {
        final SortedMap<String, String> merged = new TreeMap<>(labels);
        change.forEach((key, value) -> {
            if (value == null) {
                merged.remove(key);
            } else {
                merged.put(key, value);
            }
        });
        return merged;
    }

    /** Labels that nothing changes any more, sorted by their keys. */
    static Map<String, String> copy(final Map<String, String> labels) {
        return Collections.unmodifiableSortedMap(new TreeMap<>(labels));
    }

    /**
     * Lets labels pass that are sound.
     *
     * @throws IllegalArgumentException if they are not
     */
    static void require(final Map<String, String> labels) {
        if (labels.size() > MAX) {
            throw new IllegalArgumentException("there are " + labels.size() + " labels, and there may be " + MAX);
        }
        labels.forEach((key, value) -> refusalOfKey(key)
                .or(() -> refusalOfValue(value))
                .ifPresent(refusal -> {
                    throw new IllegalArgumentException("label '" + key + "': " + refusal);
                }));
    }
}
