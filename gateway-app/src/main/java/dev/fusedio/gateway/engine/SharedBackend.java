package dev.fusedio.gateway.engine;

import dev.fusedio.loop.CoreLoop;
import dev.fusedio.volume.Backend;
import dev.fusedio.volume.BackendCapabilities;
import dev.fusedio.volume.BackendLane;
import java.io.IOException;

/** A backend lent to one of several core volumes: closing those leaves it open, and its owner closes it. */
record SharedBackend(Backend owned) implements Backend {
    @Override
    public String description() {
        return owned.description();
    }

    @Override
    public BackendCapabilities capabilities() {
        return owned.capabilities();
    }

    @Override
    public long size() {
        return owned.size();
    }

    @Override
    public long allocatedBytes() throws IOException {
        return owned.allocatedBytes();
    }

    @Override
    public void grow(final long newSize) throws IOException {
        owned.grow(newSize);
    }

    @Override
    public boolean tellsFailureOnce() {
        return owned.tellsFailureOnce();
    }

    @Override
    public BackendLane attach(final CoreLoop loop) {
        return owned.attach(loop);
    }

    @Override
    public void close() {
        // lent, not owned
    }
}
