package dev.fusedio.gateway.web;

import dev.fusedio.gateway.engine.DataPlaneException;
import dev.fusedio.gateway.engine.DevicesUnavailableException;
import dev.fusedio.gateway.engine.SourceUnreachableException;
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

    /** The type of what the data plane refuses. */
    static ProblemType typeOf(final DataPlaneException failure) {
        return switch (failure) {
            case SourceUnreachableException unreachable -> ProblemType.SOURCE_UNREACHABLE;
            case DevicesUnavailableException unavailable -> ProblemType.ATTACHMENTS_UNAVAILABLE;
            default -> typeOf(failure.errno());
        };
    }

    private static ProblemType typeOf(final String errno) {
        return switch (errno) {
            case "ENOSPC", "EDQUOT" -> ProblemType.INSUFFICIENT_STORAGE;
            case "EROFS", "EPERM", "EACCES" -> ProblemType.VOLUME_READ_ONLY;
            case "ESHUTDOWN", "EBUSY", "ETIMEDOUT" -> ProblemType.UNAVAILABLE;
            case "EINVAL", "EFBIG" -> ProblemType.INVALID_REQUEST;
            default -> ProblemType.STORAGE_ERROR;
        };
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
