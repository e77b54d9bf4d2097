package dev.fusedio.gateway.engine;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The NBD server as the control plane sees it. Any thread may call; nothing here blocks. */
public interface NbdSessions {
    /** The sessions in transmission, at this moment, in the order of their ids. */
    List<NbdSession> sessions();

    /** How many have a volume open. */
    int count(OpenVolume volume);

    /**
     * Ends a session: its connection is cut. What it has in flight is carried out, and not answered.
     *
     * @return whether there was such a session
     */
    Mono<Boolean> end(long id);

    /**
     * Ends all sessions of a volume, and completes when they are gone. Fails with ETIMEDOUT if they are not in
     * {@code patience}.
     */
    Mono<Void> endAll(OpenVolume volume, Duration patience);

    /** Sessions as they open and close, from subscription on; a slow subscriber misses some. */
    Flux<SessionEvent> events();

    /** Where clients can connect, such as {@code 127.0.0.1:10809} or {@code unix:/run/gateway.sock}; empty while nothing
     * listens. */
    List<String> listeners();

    /** Handshakes that did not get to transmission, by reason. */
    Map<String, Long> negotiationFailures();

    /** What all sessions so far have done, those that have ended included. */
    SessionTotals totals();
}
