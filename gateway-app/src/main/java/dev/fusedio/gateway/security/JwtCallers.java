package dev.fusedio.gateway.security;

import dev.fusedio.gateway.config.GatewayProperties;
import dev.fusedio.gateway.config.SecuritySettings;
import dev.fusedio.gateway.config.StartRefusedException;
import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemType;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.security.oauth2.core.DelegatingOAuth2TokenValidator;
import org.springframework.security.oauth2.jwt.BadJwtException;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtClaimValidator;
import org.springframework.security.oauth2.jwt.JwtException;
import org.springframework.security.oauth2.jwt.JwtValidators;
import org.springframework.security.oauth2.jwt.NimbusReactiveJwtDecoder;
import org.springframework.security.oauth2.jwt.ReactiveJwtDecoder;
import org.springframework.security.oauth2.jwt.SupplierReactiveJwtDecoder;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Mono;

/**
 * JSON web tokens of an identity provider. Its discovery document and keys are fetched when the first such token comes, so
 * that the gateway starts without it.
 */
@Component
@ConditionalOnProperty("gateway.security.oidc.issuer-uri")
final class JwtCallers {
    private static final Logger LOG = LoggerFactory.getLogger(JwtCallers.class);
    private static final Pattern COMPACT = Pattern.compile("[\\w-]+\\.[\\w-]+\\.[\\w-]+");

    private final SecuritySettings.Oidc oidc;
    private final Map<String, Role> roles = new HashMap<>();
    private final ReactiveJwtDecoder decoder;

    JwtCallers(final GatewayProperties gateway) {
        this.oidc = gateway.security().oidc();
        for (final Role role : Role.values()) {
            roles.put(role.label(), role);
        }
        for (final String mapping : oidc.roleMappings()) {
            final int equals = mapping.lastIndexOf('=');
            final Optional<Role> role = Role.of(mapping.substring(equals + 1).strip());
            if (equals < 1 || role.isEmpty()) {
                throw new StartRefusedException("gateway.security.oidc.role-mappings has '" + mapping
                        + "': must be NAME=ROLE, with the role metrics, viewer, operator or admin");
            }
            roles.put(mapping.substring(0, equals).strip(), role.get());
        }
        final String issuer = Objects.requireNonNull(oidc.issuerUri()).toString();
        this.decoder = new SupplierReactiveJwtDecoder(() -> {
            final NimbusReactiveJwtDecoder fetched =
                    NimbusReactiveJwtDecoder.withIssuerLocation(issuer).build();
            fetched.setJwtValidator(new DelegatingOAuth2TokenValidator<>(List.of(
                    JwtValidators.createDefaultWithIssuer(issuer),
                    new JwtClaimValidator<List<String>>(
                            "aud", audience -> audience != null && audience.contains(oidc.audience())))));
            return fetched;
        });
    }

    /** Whether a token has the form of a JSON web token. */
    static boolean isJwt(final String token) {
        return COMPACT.matcher(token).matches();
    }

    /** Whose token that is; empty if it is not a good one. */
    Mono<Caller> caller(final String token) {
        return decoder.decode(token)
                .map(this::caller)
                .onErrorResume(BadJwtException.class, bad -> {
                    LOG.debug("a token is not accepted: {}", bad.getMessage());
                    return Mono.empty();
                })
                .onErrorMap(JwtException.class, failure -> {
                    LOG.warn("the identity provider {} can't be asked: {}", oidc.issuerUri(), failure.getMessage());
                    return new ProblemException(
                            ProblemType.UNAVAILABLE,
                            "The identity provider can't be asked for its keys. Try again, or use a token of the"
                                    + " gateway's own.");
                });
    }

    private Caller caller(final Jwt jwt) {
        final Role role = names(claim(jwt.getClaims()))
                .map(roles::get)
                .filter(Objects::nonNull)
                .max(Role::compareTo)
                .orElseThrow(() -> new ProblemException(
                        ProblemType.FORBIDDEN,
                        "The token names no role of this gateway in its claim '" + oidc.rolesClaim() + "'."));
        final String subject = jwt.getSubject();
        return new Caller(subject == null ? "unnamed" : subject, role, Caller.Means.JWT);
    }

    private @Nullable Object claim(final Map<String, Object> claims) {
        Object at = claims;
        for (final String step : oidc.rolesClaim().split("\\.", -1)) {
            at = at instanceof Map<?, ?> map ? map.get(step) : null;
        }
        return at;
    }

    private static Stream<String> names(final @Nullable Object claim) {
        return switch (claim) {
            case null -> Stream.empty();
            case String text -> Stream.of(text.split(" ", -1));
            case Collection<?> several -> several.stream().map(String::valueOf);
            default -> Stream.empty();
        };
    }
}
