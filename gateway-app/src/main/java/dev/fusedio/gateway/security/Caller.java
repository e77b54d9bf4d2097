package dev.fusedio.gateway.security;

import dev.fusedio.gateway.web.RequestFacts;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.security.authentication.AbstractAuthenticationToken;
import org.springframework.security.core.authority.SimpleGrantedAuthority;
import org.springframework.web.server.ServerWebExchange;

/** Who sends a request. Holds no secret. */
final class Caller extends AbstractAuthenticationToken {
    private static final long serialVersionUID = 1L;

    /** How it is known who sends a request. */
    enum Means {
        /** It is not asked for: everything listens on the loopback interface only. */
        NONE,
        TOKEN,
        JWT,
        CERTIFICATE
    }

    private final String name;
    private final Role role;
    private final Means means;

    Caller(final String name, final Role role, final Means means) {
        super(List.of(new SimpleGrantedAuthority(role.label())));
        this.name = name;
        this.role = role;
        this.means = means;
        setAuthenticated(true);
    }

    static Caller anonymous() {
        return new Caller("anonymous", Role.ADMIN, Means.NONE);
    }

    Role role() {
        return role;
    }

    Means means() {
        return means;
    }

    /** Leaves with the request who sent it, for the audit log. */
    void note(final ServerWebExchange exchange) {
        RequestFacts.setCaller(exchange, new RequestFacts.Caller(name, role.label(), meansLabel()));
    }

    String meansLabel() {
        return means.name().toLowerCase(java.util.Locale.ROOT);
    }

    @Override
    public String getName() {
        return name;
    }

    @Override
    public Object getCredentials() {
        return "";
    }

    @Override
    public Object getPrincipal() {
        return name;
    }

    @Override
    public boolean equals(final @Nullable Object other) {
        return other instanceof Caller caller
                && caller.name.equals(name)
                && caller.role == role
                && caller.means == means;
    }

    @Override
    public int hashCode() {
        return name.hashCode();
    }
}
