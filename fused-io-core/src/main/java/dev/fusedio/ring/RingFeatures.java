package dev.fusedio.ring;

import java.util.List;

/**
 * What a ring was granted, and what was refused, for the node's report.
 *
 * @param granted names of the features in use, as the kernel's headers spell them
 * @param refused those that were asked for in vain
 */
public record RingFeatures(List<String> granted, List<Refusal> refused) {
    /**
     * @param feature the kernel's name for it
     * @param reason why it is not in use and, where there is a remedy, which
     */
    public record Refusal(String feature, String reason) {}

    public RingFeatures {
        granted = List.copyOf(granted);
        refused = List.copyOf(refused);
    }

    /** Whether a feature is in use. */
    public boolean has(final String feature) {
        return granted.contains(feature);
    }
}
