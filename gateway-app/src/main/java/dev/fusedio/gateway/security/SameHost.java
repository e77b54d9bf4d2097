package dev.fusedio.gateway.security;

import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemType;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpMethod;
import org.springframework.http.server.reactive.ServerHttpRequest;

/**
 * Where authentication is off, a browser on this machine must not become the tool of a page from elsewhere: requests that
 * were meant for another host's name (DNS rebinding), and changes that another origin asks for, are refused.
 */
final class SameHost {
    private static final Pattern LOOPBACK = Pattern.compile("localhost|.+\\.localhost|127(\\.\\d{1,3}){3}|\\[?::1]?");
    private static final Set<HttpMethod> SAFE = Set.of(HttpMethod.GET, HttpMethod.HEAD, HttpMethod.OPTIONS);

    private SameHost() {}

    /** Throws a problem for such a request. */
    static void require(final ServerHttpRequest request) {
        final InetSocketAddress host = request.getHeaders().getHost();
        if (host != null && !isLoopback(host.getHostString())) {
            throw new ProblemException(
                    ProblemType.WRONG_HOST,
                    "Authentication is off, so only requests to localhost are answered, and this one is to '"
                            + host.getHostString() + "'. Use http://127.0.0.1, or set"
                            + " gateway.security.authentication=required and use a token.");
        }
        final String origin = request.getHeaders().getOrigin();
        if (origin != null && !SAFE.contains(request.getMethod()) && !isLoopback(hostOf(origin))) {
            throw new ProblemException(
                    ProblemType.WRONG_HOST, "Pages of '" + origin + "' may not change anything here.");
        }
    }

    private static boolean isLoopback(final @Nullable String host) {
        return host != null && LOOPBACK.matcher(host.toLowerCase(Locale.ROOT)).matches();
    }

    private static @Nullable String hostOf(final String origin) {
        try {
            return URI.create(origin).getHost();
        } catch (final IllegalArgumentException e) {
            return null; // "null", and whatever no browser sends: nobody's origin
        }
    }
}
