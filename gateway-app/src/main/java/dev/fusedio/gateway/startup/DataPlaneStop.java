package dev.fusedio.gateway.startup;

import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.SmartLifecycle;

/** Stops the data plane's context when all of the service's has stopped: last, as it was the first to start. */
final class DataPlaneStop implements SmartLifecycle {
    /** After all else of the gateway, before logging. */
    private static final int PHASE = -300;

    private final ConfigurableApplicationContext dataPlane;

    DataPlaneStop(final ConfigurableApplicationContext dataPlane) {
        this.dataPlane = dataPlane;
    }

    @Override
    public void start() {
        // It runs already.
    }

    @Override
    public void stop() {
        dataPlane.close();
    }

    @Override
    public boolean isRunning() {
        return dataPlane.isActive();
    }

    @Override
    public int getPhase() {
        return PHASE;
    }
}
