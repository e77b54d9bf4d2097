package dev.fusedio.gateway.web;

import java.net.URI;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.stereotype.Component;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;
import tools.jackson.databind.json.JsonMapper;

/** Answers requests with problems where no controller is reached. */
@Component
public final class ProblemWriter {
    private final JsonMapper json;

    ProblemWriter(final JsonMapper json) {
        this.json = json;
    }

    /** Answers; nothing of the answer may have been sent yet. */
    public Mono<Void> write(final ServerWebExchange exchange, final ProblemException failure) {
        final ProblemDetail problem = failure.body();
        problem.setInstance(URI.create(exchange.getRequest().getURI().getRawPath()));
        Problems.note(problem, exchange);
        final ServerHttpResponse response = exchange.getResponse();
        response.setStatusCode(HttpStatusCode.valueOf(problem.getStatus()));
        final HttpHeaders headers = response.getHeaders();
        failure.headers().forEach(headers::set);
        headers.setContentType(MediaType.APPLICATION_PROBLEM_JSON);
        final byte[] body = json.writeValueAsBytes(problem);
        headers.setContentLength(body.length);
        return response.writeWith(
                Mono.fromSupplier(() -> response.bufferFactory().wrap(body)));
    }
}
