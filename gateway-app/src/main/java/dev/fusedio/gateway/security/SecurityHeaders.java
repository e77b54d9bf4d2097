package dev.fusedio.gateway.security;

import org.springframework.http.HttpHeaders;
import org.springframework.security.web.server.header.ServerHttpHeadersWriter;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/** What browsers are told: to load nothing from elsewhere, to frame nothing, to guess and to tell nothing. */
final class SecurityHeaders implements ServerHttpHeadersWriter {
    private static final String POLICY_HEADER = "Content-Security-Policy";
    private static final String POLICY =
            "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

    /** The browser of the API's description brings styles and pictures within its page. */
    private static final String DESCRIPTION_POLICY =
            POLICY + "; style-src 'self' 'unsafe-inline'; img-src 'self' data:";

    @Override
    public Mono<Void> writeHttpHeaders(final ServerWebExchange exchange) {
        final HttpHeaders headers = exchange.getResponse().getHeaders();
        final String path = exchange.getRequest().getURI().getRawPath();
        final boolean description = path.startsWith("/swagger-ui") || path.startsWith("/webjars/");
        if (!headers.containsHeader(POLICY_HEADER)) { // the console has a stricter one
            headers.set(POLICY_HEADER, description ? DESCRIPTION_POLICY : POLICY);
        }
        headers.set("X-Content-Type-Options", "nosniff");
        headers.set("X-Frame-Options", "DENY");
        headers.set("Referrer-Policy", "no-referrer");
        if (headers.getCacheControl() == null) {
            headers.setCacheControl("no-store");
        }
        if ("https".equals(exchange.getRequest().getURI().getScheme())) {
            headers.set("Strict-Transport-Security", "max-age=31536000");
        }
        return Mono.empty();
    }
}
