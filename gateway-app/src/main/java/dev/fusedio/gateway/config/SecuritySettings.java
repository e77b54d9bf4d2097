package dev.fusedio.gateway.config;

import jakarta.validation.Valid;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Pattern;
import jakarta.validation.constraints.Size;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Who may use REST.
 *
 * @param authentication whether callers must say who they are
 * @param path the directory of secrets; {@code .security} in the pool unless given; made if absent, for its owner only
 * @param adminTokenFile a file whose text is the first admin token, such as a mounted secret; none is made then
 * @param metricsTokenFile the same for the token that may fetch metrics
 * @param failuresPerMinute attempts with wrong credentials that a client's address has in a minute
 * @param oidc JSON web tokens of an identity provider
 * @param clientCertificates roles of TLS client certificates; {@code server.ssl.client-auth} asks for them
 */
public record SecuritySettings(
        @DefaultValue("auto") Required authentication,
        @Nullable Path path,
        @Nullable Path adminTokenFile,
        @Nullable Path metricsTokenFile,
        @DefaultValue("10") @Min(1) @Max(100_000) int failuresPerMinute,
        @DefaultValue @Valid Oidc oidc,
        @DefaultValue List<@Valid ClientCertificate> clientCertificates) {

    public SecuritySettings {
        clientCertificates = List.copyOf(clientCertificates);
    }

    /** When callers must say who they are. */
    public enum Required {
        /** As soon as anything but the loopback interface is listened on. */
        AUTO,
        /** Always. */
        REQUIRED
    }

    /**
     * JSON web tokens.
     *
     * @param issuerUri who issues them; its discovery document names the keys. None: such tokens are not accepted
     * @param audience what {@code aud} must hold
     * @param rolesClaim the claim that names roles; a path with dots
     * @param roleMappings further names of roles: {@code NAME=viewer}; the role's own names always count
     */
    public record Oidc(
            @Nullable URI issuerUri,

            @DefaultValue("fused-gateway") @NotBlank @Size(max = 256) String audience,

            @DefaultValue("roles") @NotBlank @Size(max = 256) String rolesClaim,

            @DefaultValue List<String> roleMappings) {
        public Oidc {
            roleMappings = List.copyOf(roleMappings);
        }
    }

    /**
     * A client certificate's role.
     *
     * @param subject its subject as RFC 2253 writes it, such as {@code CN=backup,O=example}
     * @param role what its holder may do
     */
    public record ClientCertificate(
            @NotBlank @Size(max = 1024) String subject,

            @NotNull @Pattern(regexp = "metrics|viewer|operator|admin", message = "must be metrics, viewer, operator or admin") String role) {}
}
