package dev.fusedio.gateway.security;

import dev.fusedio.gateway.config.GatewayProperties;
import dev.fusedio.gateway.config.StartRefusedException;
import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemType;
import dev.fusedio.gateway.web.ProblemWriter;
import dev.fusedio.gateway.web.RequestFacts;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.config.annotation.web.reactive.EnableWebFluxSecurity;
import org.springframework.security.config.web.server.SecurityWebFiltersOrder;
import org.springframework.security.config.web.server.ServerHttpSecurity;
import org.springframework.security.web.server.SecurityWebFilterChain;
import org.springframework.security.web.server.context.NoOpServerSecurityContextRepository;
import org.springframework.security.web.server.firewall.ServerWebExchangeFirewall;
import org.springframework.security.web.server.savedrequest.NoOpServerRequestCache;

/** The one chain that every request goes through, on the management port as well. No session, no cookie. */
@Configuration(proxyBeanMethods = false)
@EnableWebFluxSecurity
class SecurityConfiguration {
    SecurityConfiguration(final GatewayProperties gateway) {
        for (int i = 0; i < gateway.security().clientCertificates().size(); i++) {
            final String subject =
                    gateway.security().clientCertificates().get(i).subject();
            if (!ClientNames.isValid(subject)) {
                throw new StartRefusedException("gateway.security.client-certificates[" + i + "].subject is '" + subject
                        + "': must be a distinguished name such as CN=backup,O=example");
            }
        }
    }

    /**
     * Requests with unusual paths are judged by the rules, which see them as the controllers do, and answered as any other: with
     * a problem, not with an empty answer.
     */
    @Bean
    ServerWebExchangeFirewall unusualPaths() {
        return ServerWebExchangeFirewall.INSECURE_NOOP;
    }

    @Bean
    SecurityWebFilterChain securityChain(
            final ServerHttpSecurity http, final AuthenticationFilter authentication, final ProblemWriter problems) {
        return http.csrf(ServerHttpSecurity.CsrfSpec::disable)
                .httpBasic(ServerHttpSecurity.HttpBasicSpec::disable)
                .formLogin(ServerHttpSecurity.FormLoginSpec::disable)
                .logout(ServerHttpSecurity.LogoutSpec::disable)
                .anonymous(ServerHttpSecurity.AnonymousSpec::disable)
                .securityContextRepository(NoOpServerSecurityContextRepository.getInstance())
                .requestCache(cache -> cache.requestCache(NoOpServerRequestCache.getInstance()))
                .headers(headers -> headers.cache(ServerHttpSecurity.HeaderSpec.CacheSpec::disable)
                        .writer(new SecurityHeaders()))
                .addFilterAt(authentication::filter, SecurityWebFiltersOrder.AUTHENTICATION)
                .authorizeExchange(exchanges -> exchanges.anyExchange().access(new AccessRules()))
                .exceptionHandling(failures -> failures.authenticationEntryPoint((exchange, missing) -> problems.write(
                                exchange,
                                AuthenticationFilter.unauthenticated(
                                        "Send 'Authorization: Bearer TOKEN'; an admin gives tokens.", false)))
                        .accessDeniedHandler((exchange, denied) -> problems.write(
                                exchange,
                                new ProblemException(
                                        ProblemType.FORBIDDEN,
                                        RequestFacts.caller(exchange)
                                                .map(caller -> "'" + caller.name() + "' has the role " + caller.role()
                                                        + ", which does not cover this.")
                                                .orElse("The caller may not do that.")))))
                .build();
    }
}
