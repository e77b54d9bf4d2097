package dev.fusedio.gateway.web;

import dev.fusedio.gateway.engine.DataPlaneException;
import dev.fusedio.gateway.web.ProblemException.FieldError;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.TypeMismatchException;
import org.springframework.context.MessageSourceResolvable;
import org.springframework.core.MethodParameter;
import org.springframework.core.io.buffer.DataBufferLimitException;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;
import org.springframework.http.ResponseEntity;
import org.springframework.validation.method.ParameterErrors;
import org.springframework.validation.method.ParameterValidationResult;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.bind.support.WebExchangeBindException;
import org.springframework.web.method.annotation.HandlerMethodValidationException;
import org.springframework.web.reactive.result.method.annotation.ResponseEntityExceptionHandler;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.ServerWebInputException;
import reactor.core.publisher.Mono;
import reactor.netty.channel.AbortedException;
import tools.jackson.core.JacksonException;
import tools.jackson.core.exc.InputCoercionException;
import tools.jackson.databind.exc.MismatchedInputException;
import tools.jackson.databind.exc.UnrecognizedPropertyException;
import tools.jackson.databind.exc.ValueInstantiationException;

/** Turns everything a request can fail with into a problem (RFC 9457). */
@RestControllerAdvice
final class ProblemAdvice extends ResponseEntityExceptionHandler {
    private static final Logger LOG = LoggerFactory.getLogger(ProblemAdvice.class);

    @ExceptionHandler
    Mono<ResponseEntity<Object>> problem(final ProblemException failure, final ServerWebExchange exchange) {
        final HttpHeaders headers = new HttpHeaders();
        failure.headers().forEach(headers::set);
        return answer(failure.body(), headers, exchange);
    }

    @ExceptionHandler
    Mono<ResponseEntity<Object>> storage(final DataPlaneException failure, final ServerWebExchange exchange) {
        final ProblemType type = Problems.typeOf(failure);
        if (type == ProblemType.STORAGE_ERROR) {
            LOG.error("{} {}: {}", exchange.getRequest().getMethod(), path(exchange), failure.getMessage());
        }
        final ProblemDetail body = Problems.of(type, String.valueOf(failure.getMessage()), List.of());
        body.setProperty("errno", failure.errno());
        return answer(body, new HttpHeaders(), exchange);
    }

    @ExceptionHandler
    Mono<ResponseEntity<Object>> tooLarge(final DataBufferLimitException failure, final ServerWebExchange exchange) {
        return answer(
                Problems.of(ProblemType.CONTENT_TOO_LARGE, "The body is larger than is read here.", List.of()),
                new HttpHeaders(),
                exchange);
    }

    /** The client has gone, or was cut: nobody is left to answer, and nothing is wrong here. */
    @ExceptionHandler
    Mono<ResponseEntity<Object>> gone(final AbortedException failure, final ServerWebExchange exchange) {
        LOG.debug("{} {}", exchange.getRequest().getMethod(), path(exchange), failure);
        return Mono.empty();
    }

    @ExceptionHandler
    Mono<ResponseEntity<Object>> unexpected(final RuntimeException failure, final ServerWebExchange exchange) {
        LOG.error("{} {}", exchange.getRequest().getMethod(), path(exchange), failure);
        return answer(
                Problems.of(ProblemType.INTERNAL_ERROR, "See the gateway's log.", List.of()),
                new HttpHeaders(),
                exchange);
    }

    @Override
    protected Mono<ResponseEntity<Object>> handleServerWebInputException(
            final ServerWebInputException failure,
            final HttpHeaders headers,
            final HttpStatusCode status,
            final ServerWebExchange exchange) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof ProblemException problem) {
                return problem(problem, exchange);
            }
            if (cause instanceof DataBufferLimitException limit) {
                return tooLarge(limit, exchange);
            }
            if (cause instanceof JacksonException json) {
                return answer(jsonProblem(json), headers, exchange);
            }
        }
        final MethodParameter parameter = failure.getMethodParameter();
        if (parameter != null && failure.getCause() instanceof TypeMismatchException mismatch) {
            final String name = parameter.getParameterName();
            return answer(
                    invalid(List.of(new FieldError(
                            name == null ? "request" : name, WantedType.describe(mismatch.getRequiredType())))),
                    headers,
                    exchange);
        }
        final String reason = failure.getReason();
        return answer(
                Problems.of(
                        ProblemType.INVALID_REQUEST, reason == null ? "The request is not valid." : reason, List.of()),
                headers,
                exchange);
    }

    @Override
    protected Mono<ResponseEntity<Object>> handleWebExchangeBindException(
            final WebExchangeBindException failure,
            final HttpHeaders headers,
            final HttpStatusCode status,
            final ServerWebExchange exchange) {
        final List<FieldError> errors = failure.getFieldErrors().stream()
                .map(error -> new FieldError(error.getField(), message(error)))
                .toList();
        return answer(invalid(errors), headers, exchange);
    }

    @Override
    protected Mono<ResponseEntity<Object>> handleHandlerMethodValidationException(
            final HandlerMethodValidationException failure,
            final HttpHeaders headers,
            final HttpStatusCode status,
            final ServerWebExchange exchange) {
        final List<FieldError> errors = new ArrayList<>();
        for (final ParameterValidationResult result : failure.getParameterValidationResults()) {
            if (result instanceof ParameterErrors fields) {
                fields.getFieldErrors().forEach(error -> errors.add(new FieldError(error.getField(), message(error))));
            } else {
                final String name = result.getMethodParameter().getParameterName();
                result.getResolvableErrors()
                        .forEach(error -> errors.add(new FieldError(name == null ? "request" : name, message(error))));
            }
        }
        return answer(invalid(errors), headers, exchange);
    }

    @Override
    protected Mono<ResponseEntity<Object>> handleExceptionInternal(
            final Exception failure,
            final @Nullable Object body,
            final @Nullable HttpHeaders headers,
            final HttpStatusCode status,
            final ServerWebExchange exchange) {
        final ProblemType type = Problems.typeOf(status);
        final String detail = body instanceof ProblemDetail given && given.getDetail() != null
                ? given.getDetail()
                : type.title() + ".";
        final ProblemDetail problem = Problems.of(type, detail, List.of());
        problem.setStatus(status.value());
        return answer(problem, headers == null ? new HttpHeaders() : headers, exchange);
    }

    /** Said in the request's terms: no Java type of this program is named. */
    private static ProblemDetail jsonProblem(final JacksonException failure) {
        final StringBuilder path = new StringBuilder();
        for (final JacksonException.Reference step : failure.getPath()) {
            if (step.getPropertyName() != null) {
                path.append(path.isEmpty() ? "" : ".").append(step.getPropertyName());
            } else {
                path.append('[').append(step.getIndex()).append(']');
            }
        }
        if (path.isEmpty() && failure instanceof MismatchedInputException) {
            return Problems.of(ProblemType.INVALID_REQUEST, "The body must be a JSON object.", List.of());
        }
        if (path.isEmpty()) {
            return Problems.of(
                    ProblemType.INVALID_REQUEST, "The body is no JSON: " + failure.getOriginalMessage(), List.of());
        }
        final String field = path.toString();
        final String message = switch (failure) {
            case UnrecognizedPropertyException unknown -> "unknown field; known are " + unknown.getKnownPropertyIds();
            case ValueInstantiationException refused -> cause(refused);
            case InputCoercionException tooLarge ->
                WantedType.describe(tooLarge.getTargetType()) + ", and this one is too large";
            case MismatchedInputException mismatch -> WantedType.describe(mismatch.getTargetType());
            default -> failure.getOriginalMessage();
        };
        return invalid(List.of(new FieldError(field, message)));
    }

    /** What the value's own type says, without the JSON library's wrapping. */
    private static String cause(final JacksonException failure) {
        final Throwable cause = failure.getCause();
        return cause != null && cause.getMessage() != null ? cause.getMessage() : failure.getOriginalMessage();
    }

    private static ProblemDetail invalid(final List<FieldError> errors) {
        final List<String> lines = errors.stream()
                .map(error -> error.field() + ": " + error.message())
                .sorted()
                .toList();
        return Problems.of(ProblemType.INVALID_REQUEST, String.join("; ", lines), errors);
    }

    private static String message(final MessageSourceResolvable error) {
        final String message = error.getDefaultMessage();
        return message == null ? "not valid" : message;
    }

    private static String path(final ServerWebExchange exchange) {
        return exchange.getRequest().getURI().getRawPath();
    }

    private static Mono<ResponseEntity<Object>> answer(
            final ProblemDetail problem, final HttpHeaders given, final ServerWebExchange exchange) {
        if (exchange.getResponse().isCommitted()) {
            // Part of a body is on its way: only cutting the connection tells the client that it is not whole.
            return Mono.error(new IllegalStateException(String.valueOf(problem.getDetail())));
        }
        problem.setInstance(URI.create(path(exchange)));
        Problems.note(problem, exchange);
        final HttpHeaders headers = new HttpHeaders();
        headers.putAll(given); // the framework's are often read-only
        headers.setContentType(MediaType.APPLICATION_PROBLEM_JSON);
        return Mono.just(new ResponseEntity<>(problem, headers, HttpStatus.valueOf(problem.getStatus())));
    }
}
