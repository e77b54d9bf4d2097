package dev.fusedio.gateway.security;

import dev.fusedio.gateway.config.GatewayProperties;
import dev.fusedio.gateway.config.SecuritySettings;
import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemType;
import dev.fusedio.gateway.web.ProblemWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.SslInfo;
import org.springframework.security.core.context.ReactiveSecurityContextHolder;
import org.springframework.stereotype.Component;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilterChain;
import reactor.core.publisher.Mono;

/**
 * Finds out who sends a request: by a bearer token, by a client certificate, or, where authentication is off, by its being
 * sent from this machine. Requests without credentials go on; the rules decide what they may do.
 */
@Component
final class AuthenticationFilter {
    private static final Pattern BEARER = Pattern.compile("(?i:Bearer) +(\\S+) *");

    private final SecuritySettings properties;
    private final Exposure exposure;
    private final Tokens tokens;
    private final FailureLimit failures;
    private final Optional<JwtCallers> jwt;
    private final ProblemWriter problems;

    AuthenticationFilter(
            final GatewayProperties gateway,
            final Exposure exposure,
            final Tokens tokens,
            final FailureLimit failures,
            final Optional<JwtCallers> jwt,
            final ProblemWriter problems) {
        this.properties = gateway.security();
        this.exposure = exposure;
        this.tokens = tokens;
        this.failures = failures;
        this.jwt = jwt;
        this.problems = problems;
    }

    Mono<Void> filter(final ServerWebExchange exchange, final WebFilterChain chain) {
        return caller(exchange)
                .map(Optional::of)
                .defaultIfEmpty(Optional.empty())
                .onErrorResume(
                        ProblemException.class,
                        refused -> problems.write(exchange, refused).then(Mono.empty()))
                .flatMap(found -> {
                    if (found.isEmpty()) {
                        return chain.filter(exchange);
                    }
                    final Caller caller = found.get();
                    caller.note(exchange);
                    return chain.filter(exchange)
                            .contextWrite(ReactiveSecurityContextHolder.withAuthentication(caller));
                });
    }

    private Mono<Caller> caller(final ServerWebExchange exchange) {
        return Mono.defer(() -> {
            final ServerHttpRequest request = exchange.getRequest();
            final List<String> credentials = request.getHeaders().getOrEmpty(HttpHeaders.AUTHORIZATION);
            if (!credentials.isEmpty()) {
                return byCredentials(request, credentials);
            }
            final Optional<Caller> certified = byCertificate(request.getSslInfo());
            if (certified.isPresent() || exposure.authenticationRequired()) {
                return Mono.justOrEmpty(certified);
            }
            SameHost.require(request);
            return Mono.just(Caller.anonymous());
        });
    }

    private Mono<Caller> byCredentials(final ServerHttpRequest request, final List<String> credentials) {
        final InetAddress address = address(request);
        final Duration delay = address == null ? Duration.ZERO : failures.delay(address);
        if (!delay.isZero()) {
            return Mono.error(new ProblemException(
                            ProblemType.TOO_MANY_FAILURES,
                            "Too many attempts from your address had wrong credentials. Wait, then use a right token.")
                    .withHeader(HttpHeaders.RETRY_AFTER, Long.toString(delay.toSeconds() + 1)));
        }
        final Matcher bearer = BEARER.matcher(credentials.getFirst());
        if (credentials.size() > 1 || !bearer.matches()) {
            return refused(address, "Send one header 'Authorization: Bearer TOKEN'.");
        }
        final String token = bearer.group(1);
        final Optional<Caller> known = tokens.caller(token);
        if (known.isPresent()) {
            return Mono.just(known.get());
        }
        if (jwt.isEmpty() || !JwtCallers.isJwt(token)) {
            return refused(address, "The token is unknown, or has ended.");
        }
        return jwt.get().caller(token).switchIfEmpty(Mono.defer(() -> refused(address, "The token is not accepted.")));
    }

    private Mono<Caller> refused(final @Nullable InetAddress address, final String why) {
        if (address != null) {
            failures.failed(address);
        }
        return Mono.error(unauthenticated(why, true));
    }

    /** The answer to who must say who they are. */
    static ProblemException unauthenticated(final String why, final boolean wrong) {
        return new ProblemException(ProblemType.UNAUTHENTICATED, why)
                .withHeader(
                        HttpHeaders.WWW_AUTHENTICATE,
                        "Bearer realm=\"fused-gateway\"" + (wrong ? ", error=\"invalid_token\"" : ""));
    }

    private Optional<Caller> byCertificate(final @Nullable SslInfo ssl) {
        final X509Certificate[] certificates = ssl == null ? null : ssl.getPeerCertificates();
        if (certificates == null || certificates.length == 0) {
            return Optional.empty();
        }
        final String subject = certificates[0].getSubjectX500Principal().getName();
        return properties.clientCertificates().stream()
                .filter(known -> ClientNames.same(known.subject(), subject))
                .findFirst()
                .map(known -> new Caller(subject, Role.of(known.role()).orElseThrow(), Caller.Means.CERTIFICATE));
    }

    private static @Nullable InetAddress address(final ServerHttpRequest request) {
        final InetSocketAddress remote = request.getRemoteAddress();
        return remote == null ? null : remote.getAddress();
    }
}
