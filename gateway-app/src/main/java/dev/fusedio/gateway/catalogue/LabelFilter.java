package dev.fusedio.gateway.catalogue;

import dev.fusedio.gateway.web.ProblemException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Picks volumes by one label.
 *
 * @param key the label's key
 * @param value the value it must have; null for any
 */
public record LabelFilter(String key, @Nullable String value) {
    private static final String PARAMETER = "label";

    /**
     * Reads filters: {@code key=value}, or {@code key} for a label that must be there.
     *
     * @throws ProblemException if one is neither
     */
    public static List<LabelFilter> parse(final List<String> texts) {
        if (texts.size() > VolumeLabels.MAX) {
            throw ProblemException.invalid(PARAMETER, "at most " + VolumeLabels.MAX + " times");
        }
        return texts.stream().map(LabelFilter::parse).toList();
    }

    private static LabelFilter parse(final String text) {
        final int equals = text.indexOf('=');
        final String key = equals < 0 ? text : text.substring(0, equals);
        final String value = equals < 0 ? null : text.substring(equals + 1);
        VolumeLabels.refusalOfKey(key)
                .or(() -> value == null ? java.util.Optional.empty() : VolumeLabels.refusalOfValue(value))
                .ifPresent(refusal -> {
                    throw ProblemException.invalid(PARAMETER, "is KEY=VALUE or KEY; " + refusal);
                });
        return new LabelFilter(key, value);
    }

    /** Whether labels have it. */
    public boolean admits(final Map<String, String> labels) {
        return value == null ? labels.containsKey(key) : value.equals(labels.get(key));
    }
}
