package dev.fusedio.gateway.engine;

import dev.fusedio.gateway.config.GatewayProperties;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

/**
 * When the NBD server runs: once volumes are open, and before HTTP, so that "ready" covers both. Apart from the server
 * itself, because who offers the exports asks for their sessions.
 */
@Component
final class NbdLifecycle implements SmartLifecycle {
    /** After the catalogue. */
    static final int PHASE = -100;

    private final NbdFrontEnd frontEnd;
    private final CoreDataPlane dataPlane;
    private final ExportSource exports;
    private final boolean enabled;

    NbdLifecycle(
            final NbdFrontEnd frontEnd,
            final CoreDataPlane dataPlane,
            final ExportSource exports,
            final GatewayProperties properties) {
        this.frontEnd = frontEnd;
        this.dataPlane = dataPlane;
        this.exports = exports;
        this.enabled = properties.nbd().enabled();
    }

    @Override
    public void start() {
        frontEnd.start(dataPlane.loops(), exports);
    }

    @Override
    public void stop() {
        frontEnd.stop();
    }

    @Override
    public boolean isRunning() {
        return frontEnd.isRunning();
    }

    @Override
    public boolean isAutoStartup() {
        return enabled;
    }

    @Override
    public int getPhase() {
        return PHASE;
    }
}
