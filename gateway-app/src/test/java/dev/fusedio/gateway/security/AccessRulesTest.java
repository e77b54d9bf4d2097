package dev.fusedio.gateway.security;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.gateway.ApiTest;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.context.ApplicationContext;
import org.springframework.http.HttpMethod;
import org.springframework.http.server.PathContainer;
import org.springframework.web.bind.annotation.RequestMethod;
import org.springframework.web.reactive.result.method.RequestMappingInfo;
import org.springframework.web.reactive.result.method.RequestMappingInfoHandlerMapping;

class AccessRulesTest extends ApiTest {
    @Autowired
    private ApplicationContext context;

    @ParameterizedTest
    @CsvSource({
        "GET, /, ",
        "GET, /console/main.js, ",
        "GET, /actuator/health, ",
        "GET, /actuator/health/readiness, ",
        "GET, /actuator/prometheus, METRICS",
        "GET, /actuator/info, VIEWER",
        "POST, /actuator/health, ADMIN",
        "GET, /api/v1/whoami, METRICS",
        "GET, /api/v1/volumes, VIEWER",
        "GET, /api/v1/events, VIEWER",
        "GET, /api/v1/operations, VIEWER",
        "GET, /api/v1/operations/x, VIEWER",
        "DELETE, /api/v1/operations/x, OPERATOR",
        "HEAD, /api/v1/volumes/a, VIEWER",
        "GET, /api/v1/volumes/a/data, OPERATOR",
        "HEAD, /api/v1/volumes/a/data, OPERATOR",
        "PUT, /api/v1/volumes/a/data, OPERATOR",
        "POST, /api/v1/volumes, OPERATOR",
        "PUT, /api/v1/volumes/a, OPERATOR",
        "DELETE, /api/v1/sessions/1, OPERATOR",
        "GET, /api/v1/tokens, ADMIN",
        "POST, /api/v1/tokens, ADMIN",
        "DELETE, /api/v1/tokens/x, ADMIN",
        "GET, /api/v1/tokens/x, ADMIN",
        "GET, /actuator/env, ADMIN",
        "GET, /anything/else, ADMIN",
        "POST, /, ADMIN"
    })
    void everyAddressNeedsItsRole(final String method, final String path, final Role role) {
        assertThat(AccessRules.needed(HttpMethod.valueOf(method), PathContainer.parsePath(path)))
                .isEqualTo(Optional.ofNullable(role));
    }

    /** An address that none of the rules was written for is noticed here, and not by whom it was left open to. */
    @Test
    void everyRouteOfTheApplicationHasARule() {
        final Set<String> open = new TreeSet<>();
        final Set<String> without = new TreeSet<>();
        context.getBeansOfType(RequestMappingInfoHandlerMapping.class)
                .values()
                .forEach(mapping -> mapping.getHandlerMethods().keySet().forEach(route -> sort(route, open, without)));
        assertThat(without).as("routes that no rule was written for").isEmpty();
        assertThat(open)
                .as("routes that anybody may use")
                .allMatch(route -> route.matches("GET (/actuator/health.*|/v3/api-docs.*|/swagger-ui.*|/)"));
    }

    private static void sort(final RequestMappingInfo route, final Set<String> open, final Set<String> without) {
        final Set<RequestMethod> methods = route.getMethodsCondition().getMethods();
        for (final RequestMethod method : methods.isEmpty() ? Set.of(RequestMethod.GET, RequestMethod.POST) : methods) {
            route.getPatternsCondition().getPatterns().forEach(pattern -> {
                final PathContainer path =
                        PathContainer.parsePath(pattern.getPatternString().replaceAll("\\{[^}]*}|\\*+", "x"));
                final String name = method + " " + pattern;
                AccessRules.rule(method.asHttpMethod(), path)
                        .ifPresentOrElse(
                                rule -> {
                                    if (rule.role().isEmpty()) {
                                        open.add(name);
                                    }
                                },
                                () -> without.add(name));
            });
        }
    }
}
