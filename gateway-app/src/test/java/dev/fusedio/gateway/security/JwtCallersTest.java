package dev.fusedio.gateway.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fusedio.gateway.config.StartRefusedException;
import dev.fusedio.gateway.config.TestProperties;
import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemType;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import reactor.test.StepVerifier;

class JwtCallersTest {
    private static final String ISSUER = "gateway.security.oidc.issuer-uri";

    @Test
    void aProviderThatCanNotBeAskedMakesNobodyWrong() {
        final IdentityProvider provider = new IdentityProvider();
        final String token = provider.token(Map.of("roles", "viewer"));
        provider.close();
        final JwtCallers callers = new JwtCallers(TestProperties.of(Map.of(ISSUER, provider.issuer())));
        for (int attempt = 0; attempt < 2; attempt++) {
            StepVerifier.create(callers.caller(token))
                    .expectErrorSatisfies(failure -> assertThat(failure)
                            .isInstanceOfSatisfying(
                                    ProblemException.class,
                                    problem -> assertThat(problem.type()).isEqualTo(ProblemType.UNAVAILABLE)))
                    .verify(Duration.ofSeconds(60));
        }
    }

    @Test
    void aMappingToNoRoleStopsTheStart() {
        assertThatThrownBy(() -> new JwtCallers(TestProperties.of(
                        Map.of(ISSUER, "http://127.0.0.1:1", "gateway.security.oidc.role-mappings", "team=root"))))
                .isInstanceOf(StartRefusedException.class)
                .hasMessageContaining("gateway.security.oidc.role-mappings")
                .hasMessageContaining("team=root");
    }
}
