package dev.fusedio.backend.wrap;

import dev.fusedio.volume.Backend;
import dev.fusedio.volume.BackendCapabilities;
import java.io.IOException;

/** A backend in front of another, the same but for what a subclass changes. */
abstract class BackendWrapper implements Backend {
    private final Backend inner;

    BackendWrapper(final Backend inner) {
        this.inner = inner;
    }

    final Backend inner() {
        return inner;
    }

    @Override
    public BackendCapabilities capabilities() {
        return inner.capabilities();
    }

    @Override
    public final long size() {
        return inner.size();
    }

    @Override
    public final long allocatedBytes() throws IOException {
        return inner.allocatedBytes();
    }

    @Override
    public final void grow(final long newSize) throws IOException {
        inner.grow(newSize);
    }

    @Override
    public final boolean tellsFailureOnce() {
        return inner.tellsFailureOnce();
    }

    @Override
    public final void close() throws IOException {
        inner.close();
    }
}
