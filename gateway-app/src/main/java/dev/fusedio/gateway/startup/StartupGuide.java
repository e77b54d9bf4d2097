package dev.fusedio.gateway.startup;

import dev.fusedio.gateway.catalogue.Catalogue;
import dev.fusedio.gateway.catalogue.Volume;
import dev.fusedio.gateway.engine.NbdSessions;
import dev.fusedio.gateway.security.Exposure;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.boot.web.server.reactive.context.ReactiveWebServerApplicationContext;
import org.springframework.context.event.EventListener;
import org.springframework.core.env.Environment;
import org.springframework.stereotype.Component;

/** Prints, once the gateway is ready, where it listens and what to try. */
@Component
final class StartupGuide {
    private final NbdSessions sessions;
    private final Catalogue catalogue;
    private final Exposure exposure;

    StartupGuide(final NbdSessions sessions, final Catalogue catalogue, final Exposure exposure) {
        this.sessions = sessions;
        this.catalogue = catalogue;
        this.exposure = exposure;
    }

    @EventListener
    void ready(final ApplicationReadyEvent event) {
        if (event.getApplicationContext() instanceof ReactiveWebServerApplicationContext context
                && context.getWebServer() != null) {
            final int port = context.getWebServer().getPort();
            System.out.println(
                    text((exposure.tls() ? "https://" : "http://") + restHost(context.getEnvironment()) + ":" + port));
        }
    }

    String text(final String rest) {
        final List<String> listeners = sessions.listeners();
        final List<String> lines = new ArrayList<>();
        lines.add("");
        lines.add("The gateway is ready.");
        lines.add("  REST  " + rest + "/api/v1   (browse " + rest + "/swagger-ui.html)");
        lines.add("  Console  " + rest + "/");
        listeners.forEach(address -> lines.add("  NBD   " + uri(address, "")));
        final Optional<String> volume = catalogue.volumes().stream()
                .filter(Volume.Available.class::isInstance)
                .map(Volume::name)
                .findFirst();
        if (exposure.authenticationRequired()) {
            lines.add("REST wants 'Authorization: Bearer TOKEN' with every request.");
        }
        lines.add("Try:");
        if (!listeners.isEmpty() && volume.isPresent()) {
            final String uri = uri(listeners.getFirst(), volume.get());
            lines.add("  nbdinfo " + uri);
            lines.add("  nbdcopy --progress disk.img " + uri);
            lines.add("  qemu-img info " + uri);
        }
        lines.add("  curl " + rest + "/api/v1/volumes");
        lines.add("  curl -X POST " + rest + "/api/v1/volumes -H 'Content-Type: application/json' -d"
                + " '{\"name\": \"scratch\", \"size\": \"10GiB\"}'");
        volume.ifPresent(
                name -> lines.add("  curl -r 0-511 " + rest + "/api/v1/volumes/" + name + "/data | xxd | head"));
        lines.add("");
        return String.join("\n", lines);
    }

    /** As libnbd and QEMU take it: {@code nbd://HOST:PORT/EXPORT} or {@code nbd+unix:///EXPORT?socket=PATH}. */
    private static String uri(final String listener, final String export) {
        return listener.startsWith("unix:")
                ? "'nbd+unix:///" + export + "?socket=" + listener.substring("unix:".length()) + "'"
                : "nbd://" + reachable(listener) + "/" + export;
    }

    /** A wildcard is an address to listen on, not one to connect to. */
    private static String reachable(final String listener) {
        return listener.replaceFirst("^0\\.0\\.0\\.0:", "127.0.0.1:").replaceFirst("^\\[(::|0(:0)*)]:", "[::1]:");
    }

    private static String restHost(final Environment environment) {
        final InetAddress address = environment.getProperty("server.address", InetAddress.class);
        if (address == null || address.isAnyLocalAddress()) {
            return "127.0.0.1";
        }
        final String host = new InetSocketAddress(address, 0).getAddress().getHostAddress();
        return host.contains(":") ? "[" + host + "]" : host;
    }
}
