package dev.fusedio.gateway.startup;

import dev.fusedio.gateway.config.GatewayProperties;
import dev.fusedio.gateway.security.Exposure;
import java.net.InetAddress;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.context.event.EventListener;
import org.springframework.stereotype.Component;

/** Warns when the gateway can be reached from other machines in a way that does not protect what it keeps. */
@Component
final class ExposureWarning {
    private static final Logger LOG = LoggerFactory.getLogger(ExposureWarning.class);

    private final GatewayProperties properties;
    private final Exposure exposure;

    ExposureWarning(final GatewayProperties properties, final Exposure exposure) {
        this.properties = properties;
        this.exposure = exposure;
    }

    @EventListener(ApplicationReadyEvent.class)
    void ready() {
        if (!exposure.exposed().isEmpty() && !exposure.tls()) {
            LOG.warn(
                    "REST listens beyond this machine ({}) without TLS: tokens and data can be read on their way; see"
                            + " server.ssl.bundle",
                    String.join(", ", exposure.exposed()));
        }
        final InetAddress nbd = properties.nbd().address();
        if (properties.nbd().enabled() && isExposed(nbd)) {
            LOG.warn(
                    "NBD listens beyond this machine (gateway.nbd.address={}), without authentication or encryption:"
                            + " whoever reaches it can read and write every volume",
                    nbd.getHostAddress());
        }
    }

    /** No address means all of them. */
    static boolean isExposed(final @Nullable InetAddress address) {
        return address == null || !address.isLoopbackAddress();
    }
}
