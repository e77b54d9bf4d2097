package dev.fusedio.gateway.security;

import dev.fusedio.gateway.config.GatewayProperties;
import dev.fusedio.gateway.config.SecuritySettings;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.core.env.Environment;
import org.springframework.stereotype.Component;

/** Where REST and management listen, and whether callers must therefore say who they are. */
@Component
public final class Exposure {
    private final boolean required;
    private final boolean tls;
    private final List<String> exposed = new ArrayList<>();

    Exposure(final Environment environment, final GatewayProperties gateway) {
        note("server.address", environment.getProperty("server.address", InetAddress.class));
        final Integer port = environment.getProperty("management.server.port", Integer.class);
        if (port != null && port >= 0 && !port.equals(environment.getProperty("server.port", Integer.class))) {
            note("management.server.address", environment.getProperty("management.server.address", InetAddress.class));
        }
        this.tls = environment.containsProperty("server.ssl.bundle")
                || environment.containsProperty("server.ssl.key-store")
                || environment.containsProperty("server.ssl.certificate");
        this.required = !exposed.isEmpty() || gateway.security().authentication() == SecuritySettings.Required.REQUIRED;
    }

    private void note(final String setting, final @Nullable InetAddress address) {
        if (address == null || !address.isLoopbackAddress()) { // none means all of them
            exposed.add(setting + "=" + (address == null ? "" : address.getHostAddress()));
        }
    }

    /** Whether callers must say who they are. */
    public boolean authenticationRequired() {
        return required;
    }

    /** Whether REST is spoken over TLS. */
    public boolean tls() {
        return tls;
    }

    /** The settings by which other machines can reach REST or management, such as {@code server.address=0.0.0.0}. */
    public List<String> exposed() {
        return List.copyOf(exposed);
    }
}
