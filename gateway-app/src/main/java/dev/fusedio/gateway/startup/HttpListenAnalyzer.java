package dev.fusedio.gateway.startup;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.web.server.PortInUseException;
import org.springframework.boot.web.server.WebServerException;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;

/** Says why HTTP can't listen: the port is taken, the address is not this machine's, the right is missing. */
@Order(Ordered.HIGHEST_PRECEDENCE)
final class HttpListenAnalyzer extends AbstractFailureAnalyzer<WebServerException> {
    @Override
    protected @Nullable FailureAnalysis analyze(final Throwable failure, final WebServerException cause) {
        return new FailureAnalysis(
                "HTTP can't listen: " + reason(cause) + "; see server.address and server.port.", null, cause);
    }

    private static String reason(final WebServerException failure) {
        if (failure instanceof PortInUseException taken) {
            return "port " + taken.getPort() + " is in use by another program";
        }
        // Netty names the address in one exception and the system's reason in its cause.
        final Throwable bind = failure.getCause();
        if (bind == null) {
            return String.valueOf(failure.getMessage());
        }
        return bind.getCause() == null
                ? String.valueOf(bind.getMessage())
                : bind.getMessage() + ": " + bind.getCause().getMessage();
    }
}
