package dev.fusedio.gateway.security;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.fusedio.gateway.web.ProblemException;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.validation.Valid;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Pattern;
import java.net.URI;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Mono;

/** Bearer tokens: give, list, take away. */
@RestController
@RequestMapping("/api/v1/tokens")
@Tag(name = "tokens", description = "Give, list and take away bearer tokens. For the role admin.")
final class TokenController {
    private final Tokens tokens;
    private final Clock clock;

    TokenController(final Tokens tokens, final Clock clock) {
        this.tokens = tokens;
        this.clock = clock;
    }

    @GetMapping
    @Operation(summary = "All tokens, without their secrets")
    TokenList list() {
        return new TokenList(tokens.list().stream()
                .map(token -> TokenView.of(token, tokens.isHeldByFile(token)))
                .toList());
    }

    @PostMapping
    @Operation(summary = "Give a token", description = "The answer holds it; nobody can tell it again.")
    @ApiResponse(responseCode = "201", description = "It can be used, and what is kept of it is on stable storage.")
    @ApiResponse(
            responseCode = "409",
            description = "token-exists or too-many-tokens",
            content = {})
    Mono<ResponseEntity<GivenToken>> give(@Valid @RequestBody final CreateToken request) {
        final Instant expiresAt = request.expiresAt();
        if (expiresAt != null && !expiresAt.isAfter(clock.instant())) {
            throw ProblemException.invalid("expiresAt", "must be in the future");
        }
        return tokens.give(request.name(), request.role(), expiresAt)
                .map(given -> ResponseEntity.created(
                                URI.create("/api/v1/tokens/" + given.record().name()))
                        .cacheControl(CacheControl.noStore())
                        .body(new GivenToken(TokenView.of(given.record(), false), given.secret())));
    }

    @DeleteMapping("/{name}")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    @Operation(summary = "Take a token away", description = "Its next request is refused.")
    @ApiResponse(responseCode = "204", description = "It is gone.")
    @ApiResponse(
            responseCode = "404",
            description = "token-not-found",
            content = {})
    @ApiResponse(
            responseCode = "409",
            description = "token-needed: a file holds it, or it is the last with the role admin",
            content = {})
    Mono<Void> take(@PathVariable final String name) {
        return tokens.take(name);
    }

    /**
     * A wish for a token.
     *
     * @param name what it is called, in the audit log too
     * @param role what its bearer may do
     * @param expiresAt when it ends; never, if absent
     */
    @Schema(name = "CreateToken")
    record CreateToken(
            @NotNull(message = "is needed") @Pattern(
                    regexp = "[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?",
                    message = "must be 1 to 63 lower-case letters, digits, dots and hyphens,"
                            + " and begin and end with a letter or digit")
            String name,

            @NotNull(message = "is needed") Role role,

            @Nullable Instant expiresAt) {}

    /** A token as the API shows it. */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    @Schema(name = "Token")
    record TokenView(
            String name,
            Role role,

            @Schema(description = "Who keeps it: a file in the directory of secrets or named by a setting, or the API.")
            String source,

            Instant createdAt,
            @Nullable Instant expiresAt) {
        static TokenView of(final TokenRecord token, final boolean file) {
            return new TokenView(
                    token.name(), token.role(), file ? "file" : "api", token.createdAt(), token.expiresAt());
        }
    }

    /** All tokens. */
    @Schema(name = "TokenList")
    record TokenList(List<TokenView> items) {
        TokenList {
            items = List.copyOf(items);
        }
    }

    /** A token and its secret. */
    @Schema(name = "GivenToken")
    record GivenToken(
            TokenView token,

            @Schema(description = "To be sent as 'Authorization: Bearer SECRET'.")
            String secret) {
        @Override
        public String toString() {
            return "GivenToken[" + token.name() + "]";
        }
    }
}
