package dev.fusedio.gateway.startup;

import dev.fusedio.gateway.config.GatewayProperties;
import java.net.InetAddress;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.context.event.EventListener;
import org.springframework.core.env.Environment;
import org.springframework.stereotype.Component;

/** Warns when the gateway can be reached from other machines: it asks nobody who they are. */
@Component
final class ExposureWarning {
    private static final Logger LOG = LoggerFactory.getLogger(ExposureWarning.class);

    private final GatewayProperties properties;
    private final Environment environment;

    ExposureWarning(final GatewayProperties properties, final Environment environment) {
        this.properties = properties;
        this.environment = environment;
    }

    @EventListener(ApplicationReadyEvent.class)
    void ready() {
        warn("REST", "server.address", environment.getProperty("server.address", InetAddress.class));
        if (properties.nbd().enabled()) {
            warn("NBD", "gateway.nbd.address", properties.nbd().address());
        }
    }

    private static void warn(final String what, final String setting, final @Nullable InetAddress address) {
        if (isExposed(address)) {
            LOG.warn(
                    "{} listens beyond this machine ({}={}), without authentication or encryption: whoever reaches it"
                            + " can read, change and remove every volume",
                    what,
                    setting,
                    address == null ? "" : address.getHostAddress());
        }
    }

    /** No address means all of them. */
    static boolean isExposed(final @Nullable InetAddress address) {
        return address == null || !address.isLoopbackAddress();
    }
}
