package dev.fusedio.gateway.web;

import dev.fusedio.gateway.web.ProblemException.FieldError;
import java.util.List;
import java.util.Map;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.ProblemDetail;
import org.springframework.web.server.ServerWebExchange;

/** Puts problems into the one form that all answers have. */
final class Problems {
    private Problems() {}

    static ProblemDetail of(final ProblemType type, final String detail, final List<FieldError> errors) {
        final ProblemDetail problem = ProblemDetail.forStatusAndDetail(type.status(), detail);
        problem.setType(type.uri());
        problem.setTitle(type.title());
        problem.setProperty("code", type.code());
        if (!errors.isEmpty()) {
            problem.setProperty("errors", errors);
        }
        return problem;
    }

    /** Ties a problem to its request: the request's id into the problem, the problem's code to the request. */
    static void note(final ProblemDetail problem, final ServerWebExchange exchange) {
        RequestFacts.requestId(exchange).ifPresent(id -> problem.setProperty("requestId", id));
        final Map<String, Object> properties = problem.getProperties();
        RequestFacts.setProblem(exchange, properties == null ? null : properties.get("code"));
    }

    /** The type of what the framework refuses by itself. */
    static ProblemType typeOf(final HttpStatusCode status) {
        return switch (status.value()) {
            case 401 -> ProblemType.UNAUTHENTICATED;
            case 403 -> ProblemType.FORBIDDEN;
            case 404 -> ProblemType.NOT_FOUND;
            case 405 -> ProblemType.METHOD_NOT_ALLOWED;
            case 406 -> ProblemType.NOT_ACCEPTABLE;
            case 413 -> ProblemType.CONTENT_TOO_LARGE;
            case 415 -> ProblemType.UNSUPPORTED_MEDIA_TYPE;
            case 503 -> ProblemType.UNAVAILABLE;
            default -> status.is4xxClientError() ? ProblemType.INVALID_REQUEST : ProblemType.INTERNAL_ERROR;
        };
    }
}
