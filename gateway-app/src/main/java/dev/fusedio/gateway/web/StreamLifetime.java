package dev.fusedio.gateway.web;

import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Sinks;

/**
 * Ends streams when the gateway stops, before HTTP waits for its requests to end: these never would by themselves. Any
 * thread may call.
 */
@Component
public final class StreamLifetime implements SmartLifecycle {
    private volatile Sinks.Empty<Void> end = Sinks.empty();
    private volatile boolean running;
    private volatile boolean ended;

    /** The stream, until it ends or the gateway stops. */
    public <T> Flux<T> bound(final Flux<T> stream) {
        return Flux.defer(() -> stream.takeUntilOther(end.asMono()));
    }

    @Override
    public void start() {
        if (ended) { // HTTP answers before this is called: streams that are open already have to end as well
            end = Sinks.empty();
            ended = false;
        }
        running = true;
    }

    @Override
    public void stop() {
        running = false;
        ended = true;
        end.tryEmitEmpty();
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    @Override
    public int getPhase() {
        return DEFAULT_PHASE;
    }
}
