package dev.fusedio.gateway.security;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What is kept of a token.
 *
 * @param name unique
 * @param role what its bearer may do
 * @param hash SHA-256 of the token, in hexadecimal digits
 * @param createdAt when it was made
 * @param expiresAt when it ends; never, if absent
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record TokenRecord(
        @JsonProperty(required = true) String name,
        @JsonProperty(required = true) Role role,
        @JsonProperty(required = true) String hash,
        @JsonProperty(required = true) Instant createdAt,
        @Nullable Instant expiresAt) {

    boolean isValidAt(final Instant now) {
        return expiresAt == null || now.isBefore(expiresAt);
    }
}
