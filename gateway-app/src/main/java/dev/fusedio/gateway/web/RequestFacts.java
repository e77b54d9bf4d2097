package dev.fusedio.gateway.web;

import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.web.server.ServerWebExchange;

/** What is known of a request besides what it says, kept with it while it lasts. */
public final class RequestFacts {
    private static final String REQUEST_ID = RequestFacts.class.getName() + ".requestId";
    private static final String CALLER = RequestFacts.class.getName() + ".caller";
    private static final String PROBLEM = RequestFacts.class.getName() + ".problem";

    private RequestFacts() {}

    /** Its id: in the answer's {@code X-Request-Id}, in problems, in the audit log. */
    public static Optional<String> requestId(final ServerWebExchange exchange) {
        return Optional.ofNullable(exchange.getAttribute(REQUEST_ID));
    }

    /** Gives it an id. */
    public static void setRequestId(final ServerWebExchange exchange, final String id) {
        exchange.getAttributes().put(REQUEST_ID, id);
    }

    /** Who sent it; empty if that was not found out. */
    public static Optional<Caller> caller(final ServerWebExchange exchange) {
        return Optional.ofNullable(exchange.getAttribute(CALLER));
    }

    /** Notes who sent it. */
    public static void setCaller(final ServerWebExchange exchange, final Caller caller) {
        exchange.getAttributes().put(CALLER, caller);
    }

    /** The code of the problem that it was answered with. */
    public static Optional<String> problem(final ServerWebExchange exchange) {
        return Optional.ofNullable(exchange.getAttribute(PROBLEM));
    }

    static void setProblem(final ServerWebExchange exchange, final @Nullable Object code) {
        if (code != null) {
            exchange.getAttributes().put(PROBLEM, code.toString());
        }
    }

    /**
     * Who sent a request.
     *
     * @param name a token's name, a JSON web token's subject, a certificate's subject, or {@code anonymous}
     * @param role what it may do
     * @param authentication how that is known: {@code none}, {@code token}, {@code jwt}, {@code certificate}
     */
    public record Caller(String name, String role, String authentication) {}
}
