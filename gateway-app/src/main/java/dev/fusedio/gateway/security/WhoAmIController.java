package dev.fusedio.gateway.security;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.security.Principal;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** Tells callers who they are taken for. */
@RestController
@Tag(name = "tokens")
final class WhoAmIController {
    @GetMapping("/api/v1/whoami")
    @Operation(summary = "Who the caller is, and what the caller may do")
    Identity whoAmI(final Principal principal) {
        final Caller caller = (Caller) principal;
        return new Identity(caller.getName(), caller.role(), caller.meansLabel());
    }

    /** Who the caller is. */
    @Schema(name = "Identity")
    record Identity(
            @Schema(example = "backup") String name,
            Role role,

            @Schema(
                    description = "'none': authentication is off, since everything listens on the loopback interface.",
                    allowableValues = {"none", "token", "jwt", "certificate"})
            String authentication) {}
}
