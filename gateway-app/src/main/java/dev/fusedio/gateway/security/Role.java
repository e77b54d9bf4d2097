package dev.fusedio.gateway.security;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.swagger.v3.oas.annotations.media.Schema;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** What a caller may do. */
@Schema(enumAsRef = true)
public enum Role {
    /** Fetches metrics, and nothing else. */
    @JsonProperty("metrics")
    METRICS,
    /** Looks at everything but the bytes of volumes. */
    @JsonProperty("viewer")
    VIEWER,
    /** Reads and writes volumes' bytes; makes, changes and removes volumes, sessions and attachments. */
    @JsonProperty("operator")
    OPERATOR,
    /** Gives and takes tokens besides. */
    @JsonProperty("admin")
    ADMIN;

    /** Whether who has this role may do what {@code needed} is asked for. */
    boolean covers(final Role needed) {
        return compareTo(needed) >= 0;
    }

    /** As it is written: {@code viewer}. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    static Optional<Role> of(final String label) {
        return Arrays.stream(values())
                .filter(role -> role.label().equals(label))
                .findFirst();
    }
}
