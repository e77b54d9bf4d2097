package dev.fusedio.gateway.security;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpMethod;
import org.springframework.http.server.PathContainer;
import org.springframework.security.authorization.AuthorizationDecision;
import org.springframework.security.authorization.AuthorizationResult;
import org.springframework.security.authorization.ReactiveAuthorizationManager;
import org.springframework.security.core.Authentication;
import org.springframework.security.web.server.authorization.AuthorizationContext;
import org.springframework.web.util.pattern.PathPattern;
import org.springframework.web.util.pattern.PathPatternParser;
import reactor.core.publisher.Mono;

/**
 * Which role each address needs. The first rule that fits decides; what none fits needs the role admin, so that a new
 * address is never open by oversight.
 */
final class AccessRules implements ReactiveAuthorizationManager<AuthorizationContext> {
    private static final Set<HttpMethod> READING = Set.of(HttpMethod.GET, HttpMethod.HEAD);
    private static final Set<HttpMethod> ANY = Set.of();

    private static final List<Rule> RULES = List.of(
            // the console and the description of the API hold nothing of this gateway's
            open(READING, "/"),
            open(READING, "/console/**"),
            open(READING, "/swagger-ui.html"),
            open(READING, "/swagger-ui/**"),
            open(READING, "/webjars/**"),
            open(READING, "/v3/api-docs.yaml"),
            open(READING, "/v3/api-docs/**"),
            // what watches over the gateway; health tells details to viewers only
            open(READING, "/actuator/health"),
            open(READING, "/actuator/health/**"),
            needs(Role.METRICS, READING, "/actuator/prometheus"),
            needs(Role.VIEWER, READING, "/actuator"),
            needs(Role.VIEWER, READING, "/actuator/info"),
            // the API
            needs(Role.METRICS, READING, "/api/v1/whoami"),
            needs(Role.ADMIN, ANY, "/api/v1/tokens"),
            needs(Role.ADMIN, ANY, "/api/v1/tokens/**"),
            needs(Role.OPERATOR, ANY, "/api/v1/volumes/{name}/data"),
            needs(Role.VIEWER, READING, "/api/v1/**"),
            needs(Role.OPERATOR, ANY, "/api/v1/**"));

    @Override
    public Mono<AuthorizationResult> authorize(
            final Mono<Authentication> authentication, final AuthorizationContext context) {
        final var request = context.getExchange().getRequest();
        final Role needed = needed(request.getMethod(), request.getPath().pathWithinApplication())
                .orElse(null);
        if (needed == null) {
            return Mono.just(new AuthorizationDecision(true));
        }
        return authentication
                .ofType(Caller.class)
                .map(caller -> (AuthorizationResult)
                        new AuthorizationDecision(caller.role().covers(needed)))
                .defaultIfEmpty(new AuthorizationDecision(false));
    }

    /** The role that a request needs; empty if it needs none. */
    static Optional<Role> needed(final HttpMethod method, final PathContainer path) {
        return rule(method, path).map(Rule::role).orElse(Optional.of(Role.ADMIN));
    }

    /** The rule that decides. */
    static Optional<Rule> rule(final HttpMethod method, final PathContainer path) {
        return RULES.stream().filter(rule -> rule.fits(method, path)).findFirst();
    }

    private static Rule open(final Set<HttpMethod> methods, final String pattern) {
        return new Rule(methods, PathPatternParser.defaultInstance.parse(pattern), null);
    }

    private static Rule needs(final Role role, final Set<HttpMethod> methods, final String pattern) {
        return new Rule(methods, PathPatternParser.defaultInstance.parse(pattern), role);
    }

    /**
     * A line of the table.
     *
     * @param methods those that it is about; none means all
     * @param pattern the addresses
     * @param neededRole the role that they need; null for open ones
     */
    record Rule(
            Set<HttpMethod> methods,
            PathPattern pattern,
            @Nullable Role neededRole) {
        boolean fits(final HttpMethod method, final PathContainer path) {
            return (methods.isEmpty() || methods.contains(method)) && pattern.matches(path);
        }

        Optional<Role> role() {
            return Optional.ofNullable(neededRole);
        }
    }
}
