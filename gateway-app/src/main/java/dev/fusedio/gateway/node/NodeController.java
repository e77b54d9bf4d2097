package dev.fusedio.gateway.node;

import dev.fusedio.gateway.catalogue.Catalogue;
import dev.fusedio.gateway.config.GatewayProperties;
import dev.fusedio.gateway.engine.BlockDevices;
import dev.fusedio.gateway.engine.DataPlane;
import dev.fusedio.gateway.engine.NbdSessions;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.util.Optional;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.info.BuildProperties;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Mono;

/** This node: its kernel, its rings, its pool and its limits. */
@RestController
@RequestMapping("/api/v1/node")
@Tag(name = "node", description = "Kernel, ring features, cores, memory, pool and limits of this node.")
final class NodeController {
    private final DataPlane dataPlane;
    private final NbdSessions sessions;
    private final BlockDevices devices;
    private final Catalogue catalogue;
    private final GatewayProperties properties;
    private final String version;

    NodeController(
            final DataPlane dataPlane,
            final NbdSessions sessions,
            final BlockDevices devices,
            final Catalogue catalogue,
            final GatewayProperties properties,
            final ObjectProvider<BuildProperties> build) {
        this.dataPlane = dataPlane;
        this.sessions = sessions;
        this.devices = devices;
        this.catalogue = catalogue;
        this.properties = properties;
        // Absent where the classes were not built by Maven, as in an editor.
        this.version = Optional.ofNullable(build.getIfAvailable())
                .map(BuildProperties::getVersion)
                .orElse("unknown");
    }

    @GetMapping
    @Operation(
            summary = "This node",
            description = "Ring features that the kernel granted, and those it refused with the reason and the remedy;"
                    + " every limit that is in force.")
    Mono<NodeView> node() {
        return catalogue
                .report()
                .zipWith(
                        devices.obstacle(),
                        (pool, obstacle) -> NodeView.of(
                                version,
                                dataPlane.report(),
                                dataPlane.counters(),
                                sessions.listeners(),
                                sessions.sessions().size(),
                                obstacle,
                                pool,
                                properties));
    }
}
