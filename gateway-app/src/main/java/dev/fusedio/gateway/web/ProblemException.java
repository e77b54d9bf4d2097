package dev.fusedio.gateway.web;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.springframework.http.ProblemDetail;

/** Ends a request with a problem. */
public final class ProblemException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final ProblemType type;
    private final transient List<FieldError> errors;
    private final transient Map<String, String> headers = new LinkedHashMap<>();

    /**
     * @param detail what is wrong in this case, and what to do
     */
    public ProblemException(final ProblemType type, final String detail) {
        this(type, detail, List.of());
    }

    /** With the fields that are wrong. */
    public ProblemException(final ProblemType type, final String detail, final List<FieldError> errors) {
        super(detail);
        this.type = type;
        this.errors = List.copyOf(errors);
    }

    /** One field is wrong. */
    public static ProblemException invalid(final String field, final String message) {
        return new ProblemException(
                ProblemType.INVALID_REQUEST, field + ": " + message, List.of(new FieldError(field, message)));
    }

    /** Adds a header to the answer. */
    public ProblemException withHeader(final String name, final String value) {
        headers.put(name, value);
        return this;
    }

    public ProblemType type() {
        return type;
    }

    Map<String, String> headers() {
        return headers;
    }

    ProblemDetail body() {
        return Problems.of(type, getMessage() == null ? type.title() : getMessage(), errors);
    }

    /**
     * What is wrong with one field.
     *
     * @param field its path in the request, such as {@code size}
     * @param message what is allowed
     */
    public record FieldError(String field, String message) {}
}
