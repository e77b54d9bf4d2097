package dev.fusedio.gateway.operation;

import com.fasterxml.jackson.annotation.JsonValue;
import dev.fusedio.gateway.web.ProblemException;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** How an operation stands. */
public enum OperationState {
    /** It works; or was told to end, and clears up. */
    RUNNING,
    /** What was wanted is there, on stable storage. */
    SUCCEEDED,
    /** It could not be done, and nothing is left of it. */
    FAILED,
    /** It was told to end, and nothing is left of it. */
    CANCELLED;

    /** As it is written: {@code running}. */
    @JsonValue
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * Reads a state.
     *
     * @throws ProblemException with an invalid-request problem that names {@code state}
     */
    static OperationState of(final String label) {
        return Arrays.stream(values())
                .filter(state -> state.label().equals(label))
                .findFirst()
                .orElseThrow(() -> ProblemException.invalid(
                        "state",
                        "must be one of "
                                + Arrays.stream(values())
                                        .map(OperationState::label)
                                        .collect(Collectors.joining(", "))));
    }
}
