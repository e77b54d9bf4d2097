package dev.fusedio.gateway.audit;

import dev.fusedio.gateway.web.RequestFacts;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Clock;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.stereotype.Component;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebFilterChain;
import reactor.core.publisher.Mono;
import reactor.core.publisher.SignalType;

/** Has every change, every refusal for who the caller is, and every look at a volume's bytes or at tokens written down. */
@Component
@Order(Ordered.HIGHEST_PRECEDENCE + 1)
final class AuditFilter implements WebFilter {
    private static final Set<HttpMethod> LOOKING = Set.of(HttpMethod.GET, HttpMethod.HEAD, HttpMethod.OPTIONS);
    private static final Set<Integer> REFUSALS = Set.of(401, 403, 429);

    private final AuditLog log;
    private final Clock clock;

    AuditFilter(final AuditLog log, final Clock clock) {
        this.log = log;
        this.clock = clock;
    }

    @Override
    public Mono<Void> filter(final ServerWebExchange exchange, final WebFilterChain chain) {
        if (!log.isOn()) {
            return chain.filter(exchange);
        }
        return chain.filter(exchange).doFinally(end -> ended(exchange, end));
    }

    private void ended(final ServerWebExchange exchange, final SignalType end) {
        final ServerHttpResponse response = exchange.getResponse();
        final HttpStatusCode status = response.getStatusCode();
        final int code =
                end == SignalType.CANCEL && !response.isCommitted() ? 0 : status == null ? 200 : status.value();
        final ServerHttpRequest request = exchange.getRequest();
        final String path = request.getURI().getRawPath();
        if (LOOKING.contains(request.getMethod()) && !REFUSALS.contains(code) && !isSensitive(path)) {
            return;
        }
        final RequestFacts.Caller caller = RequestFacts.caller(exchange).orElse(null);
        log.write(new AuditRecord(
                clock.instant(),
                RequestFacts.requestId(exchange).orElse(null),
                caller == null ? null : caller.name(),
                caller == null ? null : caller.role(),
                caller == null ? null : caller.authentication(),
                from(request),
                request.getMethod().name(),
                resource(request.getURI()),
                request.getHeaders().getFirst(HttpHeaders.IF_MATCH),
                response.getHeaders().getETag(),
                code,
                RequestFacts.problem(exchange).orElse(null)));
    }

    private static boolean isSensitive(final String path) {
        return path.startsWith("/api/v1/tokens") || (path.startsWith("/api/v1/volumes/") && path.endsWith("/data"));
    }

    private static @Nullable String from(final ServerHttpRequest request) {
        final InetSocketAddress remote = request.getRemoteAddress();
        return remote == null || remote.getAddress() == null
                ? null
                : remote.getAddress().getHostAddress();
    }

    private static String resource(final URI uri) {
        final String query = uri.getRawQuery();
        return query == null ? uri.getRawPath() : uri.getRawPath() + "?" + query;
    }
}
