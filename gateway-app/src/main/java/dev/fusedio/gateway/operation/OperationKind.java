package dev.fusedio.gateway.operation;

import com.fasterxml.jackson.annotation.JsonValue;

/** What an operation does. */
public enum OperationKind {
    /** Makes a volume that has another's bytes. */
    VOLUME_COPY("volume-copy");

    private final String label;

    OperationKind(final String label) {
        this.label = label;
    }

    /** As it is written: {@code volume-copy}. */
    @JsonValue
    public String label() {
        return label;
    }
}
