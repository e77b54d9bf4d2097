package dev.fusedio.gateway.volume;

import dev.fusedio.gateway.catalogue.VolumeLabels;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Labels in a request. */
final class RequestedLabels {
    /** For the API's description. */
    static final String DESCRIPTION = "At most " + VolumeLabels.MAX + ". For each, " + VolumeLabels.KEY_RULE + "; "
            + VolumeLabels.VALUE_RULE + ".";

    private RequestedLabels() {}

    /** Those that are to be there: null stands for none. */
    static Map<String, String> present(final @Nullable Map<String, @Nullable String> labels) {
        final Map<String, String> present = new TreeMap<>();
        if (labels != null) {
            labels.forEach((key, value) -> {
                if (value != null) {
                    present.put(key, value);
                }
            });
        }
        return present;
    }
}
